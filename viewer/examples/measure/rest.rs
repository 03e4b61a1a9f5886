//! The window while nothing moves, and out of focus: a window of our own on a display in memory.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bevy::prelude::{Camera, Last, Query, Window};
use crawlfield_engine::{
    bench::{Bound, Row, Table},
    demo::DemoConfig,
    settings::{Settings, presets},
    start::{cores, job::Job},
};
use crawlfield_viewer::{
    crawl::Crawl,
    theme::Appearance,
    window::{self, pacing::Quality},
};

use crate::usage;

/// What tells this program that it is the window.
pub const CHILD: &str = "--as-the-window";
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_mins(1);
/// Until panels have stopped answering the last touch.
const ECHO: Duration = Duration::from_secs(9);

pub fn print(is_quick: bool) {
    match measure(Duration::from_secs(if is_quick { 5 } else { 20 })) {
        Ok(rows) => println!(
            "{}",
            Table {
                name: "rest",
                title: "the window of a demo run, under Xvfb".to_owned(),
                rows,
            }
        ),
        Err(why) => println!("rest: not measured: {why}\n"),
    }
}

/// The window: says each half second how many frames it has drawn. Q ends it.
pub fn watch() {
    let config = DemoConfig {
        products: 3_000,
        latency_ms: 2_000,
        ..DemoConfig::default()
    };
    let job = Job::demo(config).expect("loopback is free");
    let mut settings = Settings::default();
    presets::apply(&mut settings, cores());
    let (crawl, ()) = Crawl::begin(job, None, &settings, |_| Ok(()))
        .map_err(|failure| failure.message)
        .expect("the demo begins");
    let mut app = window::app(
        crawl.source(),
        Some(crawl.info()),
        Appearance::default(),
        Quality::Performance,
        (1280, 720),
    );
    let drawn = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&drawn);
    let mut was_focused = None;
    app.add_systems(
        Last,
        move |cameras: Query<&Camera>, windows: Query<&Window>| {
            let is_focused = windows.iter().any(|window| window.focused);
            if was_focused.replace(is_focused) != Some(is_focused) {
                writeln!(std::io::stdout(), "focused {is_focused}").ok();
            }
            if cameras.iter().any(|camera| camera.is_active) {
                drawn.fetch_add(1, Ordering::Relaxed);
            }
        },
    );
    thread::spawn(move || {
        loop {
            let count = told.load(Ordering::Relaxed);
            if writeln!(std::io::stdout(), "drawn {count}").is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(500));
        }
    });
    app.run();
    let _ = crawl.end();
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A display, a window on it, and a hand.
struct Desktop {
    window: Killed,
    _server: Killed,
    name: String,
    id: String,
    drawn: Arc<AtomicU64>,
}

impl Desktop {
    fn open() -> Result<Self, String> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x900x24"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("Xvfb: {error}"))?;
        let stdout = server.stdout.take();
        let server = Killed(server);
        let mut line = String::new();
        stdout
            .and_then(|stdout| BufReader::new(stdout).read_line(&mut line).ok())
            .ok_or("Xvfb does not say its number")?;
        let name = format!(":{}", line.trim());
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut window = Command::new(this)
            .arg(CHILD)
            .env("DISPLAY", &name)
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let drawn = Arc::new(AtomicU64::new(0));
        if let Some(stdout) = window.stdout.take() {
            follow(stdout, Arc::clone(&drawn));
        }
        let mut desktop = Self {
            window: Killed(window),
            _server: server,
            name,
            id: String::new(),
            drawn,
        };
        desktop.id = desktop.ask(&[
            "search",
            "--sync",
            "--onlyvisible",
            "--class",
            "measure|crawlfield",
        ])?;
        desktop.ask(&["mousemove", "1590", "890"])?;
        Ok(desktop)
    }

    fn ask(&self, words: &[&str]) -> Result<String, String> {
        let output = Command::new("xdotool")
            .args(words)
            .env("DISPLAY", &self.name)
            .output()
            .map_err(|error| format!("xdotool: {error}"))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn wait_for_title(&self, said: &str) -> Result<(), String> {
        let began = Instant::now();
        while !self.ask(&["getwindowname", &self.id])?.contains(said) {
            if began.elapsed() > PATIENCE {
                return Err(format!("the window's title never said {said:?}"));
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Shares of a core, and frames drawn, a second.
    fn watch(&self, span: Duration) -> (f64, f64) {
        let pid = self.window.0.id();
        let (began, cpu) = (Instant::now(), usage::of_process(pid));
        let drawn = self.drawn.load(Ordering::Relaxed);
        thread::sleep(span);
        let seconds = began.elapsed().as_secs_f64();
        let cpu = usage::of_process(pid).saturating_sub(cpu);
        let drawn = self.drawn.load(Ordering::Relaxed) - drawn;
        (cpu.as_secs_f64() / seconds, drawn as f64 / seconds)
    }
}

fn follow(stdout: ChildStdout, drawn: Arc<AtomicU64>) {
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(count) = line.strip_prefix("drawn ").and_then(|n| n.parse().ok()) {
                drawn.store(count, Ordering::Relaxed);
            }
        }
    });
}

fn measure(span: Duration) -> Result<Vec<Row>, String> {
    let desktop = Desktop::open()?;
    desktop.wait_for_title("running")?;
    desktop.ask(&["windowfocus", "--sync", &desktop.id])?;
    let (busy, lively) = desktop.watch(span / 4);
    // Nobody has the focus then.
    desktop.ask(&["windowfocus", "1"])?;
    thread::sleep(ECHO);
    let (aside, frames) = desktop.watch(span);
    desktop.ask(&["windowfocus", "--sync", &desktop.id])?;
    desktop.ask(&["key", "space"])?;
    desktop.wait_for_title("paused")?;
    thread::sleep(ECHO);
    // What was in flight ends first: until then something moves.
    let began = Instant::now();
    while desktop.watch(Duration::from_secs(2)).1 > 0.0 && began.elapsed() < PATIENCE {}
    let (still, drawn) = desktop.watch(span);
    desktop.ask(&["key", "q"])?;
    Ok(vec![
        Row::figure("running, focused: frames a second", lively),
        Row::figure("running, focused: cores", busy),
        Row::figure("running, unfocused: frames a second", frames).bound(Bound::AtMost(10.0)),
        Row::figure("running, unfocused: cores", aside),
        Row::figure("paused, focused: cores", still).bound(Bound::AtMost(0.02)),
        Row::figure("paused, focused: frames a second", drawn),
    ])
}
