//! A real window on Wayland: a compositor that is itself a window on a display in memory, so that
//! keys reach it.
#![cfg(target_os = "linux")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    LONGEST, ended,
    screen::{hold_at_rest, hold_while_it_runs, wait_for_panels},
    skipped, text, viewer,
    window::{Display, a_display, changed, picture},
};

/// Its name in its own runtime folder.
const SOCKET: &str = "crawlfield";

/// A compositor; it ends with the test.
struct Compositor(Child);

impl Compositor {
    fn start(display: &Display, runtime: &Path) -> Option<Self> {
        let server = Command::new("weston")
            .args(["--backend=x11-backend.so", "--shell=kiosk-shell.so"])
            .args(["--width=1280", "--height=720", "--idle-time=0"])
            .arg(format!("--socket={SOCKET}"))
            .env("DISPLAY", &display.name)
            .env("XDG_RUNTIME_DIR", runtime)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut compositor = Self(server);
        let began = Instant::now();
        while !runtime.join(SOCKET).exists() {
            let has_ended = compositor.0.try_wait().is_ok_and(|status| status.is_some());
            assert!(!has_ended, "weston ended before it began");
            assert!(began.elapsed() < LONGEST, "weston opens no socket");
            thread::sleep(Duration::from_millis(50));
        }
        Some(compositor)
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A display in memory with a compositor on it, and a folder for the viewer's files.
struct Desk {
    _compositor: Compositor,
    runtime: TempDir,
    folder: TempDir,
    display: Display,
}

/// `None`, said aloud, where this machine has not what it takes.
fn a_desk() -> Option<Desk> {
    let display = a_display()?;
    let runtime = tempfile::tempdir().expect("a scratch folder");
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(runtime.path(), private).expect("it is ours");
    let Some(compositor) = Compositor::start(&display, runtime.path()) else {
        skipped("weston is not installed");
        return None;
    };
    Some(Desk {
        _compositor: compositor,
        runtime,
        folder: tempfile::tempdir().expect("a scratch folder"),
        display,
    })
}

impl Desk {
    /// The viewer on this desk, with a demo at this latency.
    fn start(&self, latency_ms: &str) -> Child {
        let mut command = viewer(&["--window", "--latency-ms", latency_ms]);
        command
            .env("WAYLAND_DISPLAY", SOCKET)
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .current_dir(self.folder.path());
        command.spawn().expect("the viewer starts")
    }
}

#[test]
fn all_panels_stand_in_a_window_on_wayland_while_it_runs_and_at_rest() {
    let Some(desk) = a_desk() else {
        return;
    };
    let child = desk.start("100");
    let (display, screen) = (&desk.display, desk.display.screen.path());
    display.ask(&["mousemove", "640", "500"]);
    wait_for_panels(screen);
    hold_while_it_runs(screen, 20);
    display.ask(&["key", "space"]);
    hold_at_rest(screen);
    display.ask(&["key", "q"]);
    let ended = ended(child);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
}

#[test]
fn a_window_on_wayland_opens_pauses_at_a_key_and_quits_cleanly() {
    let Some(desk) = a_desk() else {
        return;
    };
    let child = desk.start("400");
    let (display, folder) = (&desk.display, &desk.folder);
    display.ask(&["mousemove", "640", "500"]);
    let before = picture(display, folder.path());
    assert_eq!(before.dimensions(), (1280, 720), "the compositor's size");
    // The word on the button turns from pause to resume.
    display.ask(&["key", "space"]);
    let button = (750, 4, 830, 30);
    let began = Instant::now();
    while changed(&before, &picture(display, folder.path()), button) < 100 {
        assert!(began.elapsed() < LONGEST, "the run goes on");
    }
    display.ask(&["key", "q"]);
    let ended = ended(child);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).contains("stopped"));
}
