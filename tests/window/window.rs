//! A real window on a display in memory, driven by keys and mouse.
#![cfg(target_os = "linux")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    LONGEST, ended, has_adapter,
    screen::{hold_at_rest, hold_while_it_runs, wait_for_panels},
    skipped, text, viewer,
};

/// A display in memory; it ends with the test.
pub(super) struct Display {
    server: Child,
    pub(super) name: String,
    /// Where its pixels lie.
    pub(super) screen: TempDir,
}

impl Display {
    /// Starts one on a number that the server chooses.
    fn start() -> Option<Self> {
        let screen = tempfile::tempdir().ok()?;
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x720x24", "-fbdir"])
            .arg(screen.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(server.stdout.take()?)
            .read_line(&mut line)
            .ok()?;
        Some(Self {
            name: format!(":{}", line.trim()),
            server,
            screen,
        })
    }

    /// What `xdotool` answers.
    pub(super) fn ask(&self, words: &[&str]) -> String {
        let output = Command::new("xdotool")
            .args(words)
            .env("DISPLAY", &self.name)
            .output()
            .expect("xdotool is there");
        text(&output.stdout).trim().to_owned()
    }

    /// The viewer's window, once it is seen.
    fn window(&self) -> String {
        self.ask(&[
            "search",
            "--sync",
            "--onlyvisible",
            "--class",
            "crawlfield-viewer",
        ])
    }

    /// Waits until the window's title says so.
    fn wait_for_title(&self, window: &str, said: &str) {
        let began = Instant::now();
        loop {
            let title = self.ask(&["getwindowname", window]);
            if title.contains(said) {
                return;
            }
            assert!(began.elapsed() < LONGEST, "{said:?} never came: {title:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// A display with a hand; `None`, said aloud, where this machine has not what it takes.
pub(super) fn a_display() -> Option<Display> {
    if Command::new("xdotool").arg("version").output().is_err() {
        skipped("xdotool is not installed");
        return None;
    }
    if !has_adapter() {
        return None;
    }
    let display = Display::start();
    if display.is_none() {
        skipped("Xvfb is not installed");
    }
    display
}

#[test]
fn a_window_opens_pauses_at_a_key_and_quits_cleanly() {
    let Some(display) = a_display() else {
        return;
    };
    let mut command = viewer(&["--window", "--latency-ms", "100"]);
    command.env("DISPLAY", &display.name);
    let child = command.spawn().expect("the viewer starts");
    let window = display.window();
    display.wait_for_title(&window, "DEMO");
    display.wait_for_title(&window, "running");
    display.ask(&["windowfocus", "--sync", &window]);
    display.ask(&["key", "space"]);
    display.wait_for_title(&window, "paused");
    display.ask(&["key", "q"]);
    let ended = ended(child);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).contains("stopped"));
}

/// The picture that F12 saves; the file is taken away. The key is pressed again where no window
/// heard it.
pub(super) fn picture(display: &Display, folder: &std::path::Path) -> image::RgbaImage {
    let began = Instant::now();
    let mut pressed: Option<Instant> = None;
    loop {
        if pressed.is_none_or(|at| at.elapsed() > PATIENCE) {
            display.ask(&["key", "F12"]);
            pressed = Some(Instant::now());
        }
        let files = std::fs::read_dir(folder).expect("the folder is there");
        let found = files
            .filter_map(|file| Some(file.ok()?.path()))
            .find(|path| path.extension().is_some_and(|end| end == "png"));
        // Half a file is no picture yet.
        if let Some(picture) = found.as_ref().and_then(|path| image::open(path).ok()) {
            std::fs::remove_file(found.expect("it was read")).expect("it is ours");
            return picture.into_rgba8();
        }
        assert!(began.elapsed() < LONGEST, "no picture came");
        thread::sleep(Duration::from_millis(100));
    }
}

/// A picture that takes longer was not asked for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pixels of a part of the screen that two pictures show differently.
pub(super) fn changed(
    one: &image::RgbaImage,
    two: &image::RgbaImage,
    (left, top, right, bottom): (u32, u32, u32, u32),
) -> usize {
    (left..right)
        .flat_map(|x| (top..bottom).map(move |y| (x, y)))
        .filter(|(x, y)| one.get_pixel(*x, *y) != two.get_pixel(*x, *y))
        .count()
}

#[test]
fn all_panels_stand_in_the_window_while_it_runs_and_at_rest() {
    let Some(display) = a_display() else {
        return;
    };
    let mut command = viewer(&["--window", "--latency-ms", "100"]);
    command.env("DISPLAY", &display.name);
    let child = command.spawn().expect("the viewer starts");
    let screen = display.screen.path();
    wait_for_panels(screen);
    let window = display.window();
    display.wait_for_title(&window, "running");
    hold_while_it_runs(screen, 20);
    display.ask(&["windowfocus", "--sync", &window]);
    display.ask(&["key", "space"]);
    display.wait_for_title(&window, "paused");
    hold_at_rest(screen);
    display.ask(&["key", "q"]);
    let ended = ended(child);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
}

#[test]
fn a_mouse_selects_a_task_and_switches_the_profile() {
    let Some(display) = a_display() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut command = viewer(&["--window", "--latency-ms", "400"]);
    command
        .env("DISPLAY", &display.name)
        .current_dir(folder.path());
    let child = command.spawn().expect("the viewer starts");
    let window = display.window();
    display.wait_for_title(&window, "running");
    display.ask(&["windowfocus", "--sync", &window]);
    // The first task stands in the upper left of the only host's block.
    let first_task = |picture: &image::RgbaImage| {
        let ground = *picture.get_pixel(640, 515);
        (224..1010)
            .flat_map(|x| (122..300).map(move |y| (x, y)))
            .find(|(x, y)| {
                let pixel = picture.get_pixel(*x, *y);
                pixel
                    .0
                    .iter()
                    .zip(ground.0)
                    .any(|(a, b)| a.abs_diff(b) > 60)
            })
    };
    let began = Instant::now();
    while first_task(&picture(&display, folder.path())).is_none() {
        assert!(began.elapsed() < LONGEST, "no task is drawn");
    }
    display.ask(&["key", "space"]);
    display.wait_for_title(&window, "paused");
    // The inspector's heading, and the profile's three words in the top bar.
    let (heading, profiles) = ((1036, 40, 1270, 60), (870, 4, 1100, 30));
    // The panels say "paused" some frames after the title: they are compared once they stand still.
    let mut before = picture(&display, folder.path());
    let mut still_since = Instant::now();
    let began = Instant::now();
    while still_since.elapsed() < Duration::from_millis(500) {
        let now = picture(&display, folder.path());
        if changed(&before, &now, profiles) > 0 {
            still_since = Instant::now();
        }
        before = now;
        assert!(began.elapsed() < LONGEST, "the top bar never stands still");
    }
    let at = first_task(&before).expect("it was there a moment ago");
    display.ask(&["mousemove", &(at.0 + 4).to_string(), &at.1.to_string()]);
    display.ask(&["click", "1"]);
    display.ask(&["mousemove", "640", "500"]);
    let began = Instant::now();
    let selected = loop {
        let now = picture(&display, folder.path());
        if changed(&before, &now, heading) > 100 {
            break now;
        }
        assert!(began.elapsed() < LONGEST, "no task was selected");
    };
    assert_eq!(changed(&before, &selected, profiles), 0);
    display.ask(&["mousemove", "903", "16"]);
    display.ask(&["click", "1"]);
    display.ask(&["mousemove", "640", "500"]);
    let began = Instant::now();
    while changed(&selected, &picture(&display, folder.path()), profiles) < 200 {
        assert!(began.elapsed() < LONGEST, "the profile stayed as it was");
    }
    display.ask(&["key", "q"]);
    let ended = ended(child);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
}
