//! A real window on a display in memory, driven by keys.
#![cfg(target_os = "linux")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{LONGEST, ended, has_adapter, skipped, text, viewer};

/// A display in memory; it ends with the test.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts one on a number that the server chooses.
    fn start() -> Option<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x720x24"])
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
        })
    }

    /// What `xdotool` answers.
    fn ask(&self, words: &[&str]) -> String {
        let output = Command::new("xdotool")
            .args(words)
            .env("DISPLAY", &self.name)
            .output()
            .expect("xdotool is there");
        text(&output.stdout).trim().to_owned()
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

#[test]
fn a_window_opens_pauses_at_a_key_and_quits_cleanly() {
    if Command::new("xdotool").arg("version").output().is_err() {
        skipped("xdotool is not installed");
        return;
    }
    if !has_adapter() {
        return;
    }
    let Some(display) = Display::start() else {
        skipped("Xvfb is not installed");
        return;
    };
    let mut command = viewer(&["--window", "--latency-ms", "100"]);
    command.env("DISPLAY", &display.name);
    let child = command.spawn().expect("the viewer starts");
    let search = [
        "search",
        "--sync",
        "--onlyvisible",
        "--class",
        "crawlfield-viewer",
    ];
    let window = display.ask(&search);
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
