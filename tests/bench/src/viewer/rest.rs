//! The window while nothing moves, and out of focus: a window of our own on a display in memory.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bevy::prelude::{Camera, Last, Query};
use crawlfield_engine::{
    demo::DemoConfig,
    run::{cores, job::Job},
    settings::{Settings, presets},
};
use crawlfield_viewer::{
    crawl::Crawl,
    theme::Appearance,
    window::{self, pacing::Quality},
};

use crate::{
    Options, Result, child,
    table::{Part, Row},
    timing::of_process,
};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn measure(options: &Options) -> Result<Part> {
    let span = Duration::from_millis(options.pick(20_000, 5_000, 400));
    // Until panels have stopped answering the last touch.
    let echo = Duration::from_millis(options.pick(9_000, 9_000, 200));
    let display = Display::open()?;
    display.wait_for_title("running")?;
    display.ask(&["windowfocus", "--sync", &display.id])?;
    let (busy, lively) = display.watch(span / 4);
    // Nobody has the focus then.
    display.ask(&["windowfocus", "1"])?;
    thread::sleep(echo);
    let (aside, frames) = display.watch(span);
    display.ask(&["windowfocus", "--sync", &display.id])?;
    display.ask(&["key", "space"])?;
    display.wait_for_title("paused")?;
    thread::sleep(echo);
    // What was in flight ends first: until then something moves.
    let (began, patience) = (Instant::now(), options.pick(PATIENCE, PATIENCE, span));
    while display.watch(span.min(Duration::from_secs(2))).1 > 0.0 && began.elapsed() < patience {}
    let (still, drawn) = display.watch(span);
    display.ask(&["key", "q"])?;
    Ok(Part {
        title: "the window of a demo run, under Xvfb".to_owned(),
        rows: vec![
            Row::figure("running, focused: frames a second", lively),
            Row::figure("running, focused: cores", busy),
            Row::figure("running, unfocused: frames a second", frames).at_most(10.0),
            Row::figure("running, unfocused: cores", aside),
            Row::figure("paused, focused: cores", still).at_most(0.02),
            Row::figure("paused, focused: frames a second", drawn),
        ],
    })
}

/// The other side: the window, which says each half second how many frames it has drawn. Q ends it.
pub(crate) fn window() -> Result<()> {
    let config = DemoConfig {
        products: 3_000,
        latency_ms: 2_000,
        ..DemoConfig::default()
    };
    let job = Job::demo(config)?;
    let mut settings = Settings::default();
    presets::apply(&mut settings, cores());
    let (crawl, ()) =
        Crawl::begin(job, None, &settings, |_| Ok(())).map_err(|failure| failure.message)?;
    let mut app = window::app(
        crawl.source(),
        Some(crawl.info()),
        Appearance::default(),
        Quality::Performance,
        (1280, 720),
    );
    let drawn = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&drawn);
    app.add_systems(Last, move |cameras: Query<&Camera>| {
        if cameras.iter().any(|camera| camera.is_active) {
            drawn.fetch_add(1, Ordering::Relaxed);
        }
    });
    thread::spawn(move || {
        while writeln!(io::stdout(), "drawn {}", told.load(Ordering::Relaxed)).is_ok() {
            thread::sleep(Duration::from_millis(500));
        }
    });
    app.run();
    let _ = crawl.end();
    Ok(())
}

/// A child that ends with us.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A display in memory with the window on it, driven by `xdotool`.
struct Display {
    window: Killed,
    _server: Killed,
    name: String,
    /// The window's, for `xdotool`.
    id: String,
    /// Frames so far.
    drawn: Arc<AtomicU64>,
}

impl Display {
    fn open() -> Result<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x900x24"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("Xvfb: {error}"))?;
        let out = server.stdout.take().expect("it was asked for");
        let server = Killed(server);
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let name = format!(":{}", line.trim());
        let mut window = child(&["window"])?
            .env("DISPLAY", &name)
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let drawn = Arc::new(AtomicU64::new(0));
        follow(window.stdout.take().expect("it was asked for"), &drawn);
        let mut display = Self {
            window: Killed(window),
            _server: server,
            name,
            id: String::new(),
            drawn,
        };
        let search = ["search", "--sync", "--onlyvisible", "--class", "crawlfield"];
        display.id = display.ask(&search)?;
        display.ask(&["mousemove", "1590", "890"])?;
        Ok(display)
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        let output = Command::new("xdotool")
            .args(words)
            .env("DISPLAY", &self.name)
            .output()
            .map_err(|error| format!("xdotool: {error}"))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn wait_for_title(&self, said: &str) -> Result<()> {
        let began = Instant::now();
        while !self.ask(&["getwindowname", &self.id])?.contains(said) {
            if began.elapsed() > PATIENCE {
                return Err(format!("the window's title never said {said:?}").into());
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Shares of a core, and frames drawn, a second.
    fn watch(&self, span: Duration) -> (f64, f64) {
        let cpu = || of_process(self.window.0.id()).0;
        let drawn = || self.drawn.load(Ordering::Relaxed);
        let (began, cpu_before, drawn_before) = (Instant::now(), cpu(), drawn());
        thread::sleep(span);
        let seconds = began.elapsed().as_secs_f64();
        let cpu = cpu().saturating_sub(cpu_before);
        (
            cpu.as_secs_f64() / seconds,
            (drawn() - drawn_before) as f64 / seconds,
        )
    }
}

fn follow(out: ChildStdout, drawn: &Arc<AtomicU64>) {
    let drawn = Arc::clone(drawn);
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(io::Result::ok) {
            if let Some(count) = line.strip_prefix("drawn ").and_then(|n| n.parse().ok()) {
                drawn.store(count, Ordering::Relaxed);
            }
        }
    });
}
