//! The viewer's command as people start it: without a display, without an adapter, for pictures, and
//! in a real window.

mod facts;
mod goldens;
mod map;
mod motion;
mod pictures;
mod screen;
mod story;
mod terminal;
mod wayland;
mod window;

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    dead_code,
    unreachable_pub,
    reason = "a made-up crawl whose numbers are small"
)]
#[path = "../../viewer/tests/support/synthetic.rs"]
mod synthetic;

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// No run of these tests takes as long.
const LONGEST: Duration = Duration::from_mins(4);

/// The viewer with neither display nor settings of this machine.
fn viewer(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crawlfield-viewer"));
    command
        .args(flags)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end; kills it where that takes too long.
fn run(mut command: Command) -> Output {
    let child = command.spawn().expect("the viewer starts");
    ended(child)
}

fn ended(mut child: Child) -> Output {
    let drain = |mut from: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).ok();
            bytes
        })
    };
    let stdout = drain(Box::new(child.stdout.take().expect("it is piped")));
    let stderr = drain(Box::new(child.stderr.take().expect("it is piped")));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            break status;
        }
        if began.elapsed() > LONGEST {
            child.kill().ok();
            panic!("the viewer did not end in {LONGEST:?}");
        }
        thread::sleep(Duration::from_millis(20));
    };
    Output {
        status,
        stdout: stdout.join().expect("reading does not panic"),
        stderr: stderr.join().expect("reading does not panic"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether pictures can be drawn here; says so where not.
fn has_adapter() -> bool {
    let probe = run(viewer(&["--probe", "adapter"]));
    probe.status.success() || skipped(&format!("no adapter: {}", text(&probe.stdout).trim()))
}

/// Prints why a test did not run.
///
/// # Panics
/// Where `CRAWLFIELD_NO_SKIP` is set, as in CI.
fn skipped(why: &str) -> bool {
    assert!(
        std::env::var_os("CRAWLFIELD_NO_SKIP").is_none(),
        "nothing may be skipped: {why}"
    );
    eprintln!("SKIPPED: {why}");
    false
}

/// A recording of a small demo run.
fn record(path: &Path, products: u32) {
    use crawlfield_engine::{
        cli::Failure,
        demo::DemoConfig,
        run::{self, job::Job},
        settings::Settings,
    };
    use crawlfield_viewer::crawl::Crawl;
    let config = DemoConfig {
        products,
        latency_ms: 5,
        ..DemoConfig::default()
    };
    let job = Job::demo(config).expect("loopback is free");
    let store = path.with_extension("db");
    let (crawl, recorder) = Crawl::begin(job, Some(&store), &Settings::default(), |running| {
        run::record(running, path).map_err(|error| Failure::internal(error.to_string()))
    })
    .expect("the demo begins");
    crawl.watch(LONGEST);
    crawl
        .end_recording(recorder)
        .expect("the recording is whole");
}
