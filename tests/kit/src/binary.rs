//! Runs a program as a person or a script would, with a limit on its time.

use std::{
    ffi::OsStr,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// No run takes longer; one that does is killed and fails its test.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
}

#[expect(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "a check is an end in itself"
)]
impl Ended {
    /// Holds the exit code against this one.
    ///
    /// # Panics
    /// It is another; the message shows what was printed.
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Holds standard error against texts that it must contain.
    ///
    /// # Panics
    /// One is missing.
    #[track_caller]
    pub fn saying(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "stderr lacks {text:?}:\n{}",
                self.stderr
            );
        }
        self
    }
}

/// A program under test.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// The program at this path, usually `env!("CARGO_BIN_EXE_…")`.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
        }
    }

    /// A command with these arguments and none of our own environment settings.
    #[must_use]
    pub fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(&self.path);
        command.args(args);
        settle(&mut command);
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// It cannot be started, or runs longer than a minute.
    #[track_caller]
    #[must_use]
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
        self.start(args).ended()
    }

    /// Starts it.
    ///
    /// # Panics
    /// It cannot be started.
    #[track_caller]
    #[must_use]
    pub fn start(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Running {
        Running::of(self.command(args))
    }

    /// Runs it through bash, where `"$0"` is the program and `"$@"` the arguments: for limits and
    /// pipes.
    ///
    /// # Panics
    /// As `run`.
    #[track_caller]
    #[must_use]
    pub fn run_in_shell(
        &self,
        script: &str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Ended {
        let mut command = Command::new("bash");
        command.arg("-c").arg(script).arg(&self.path).args(args);
        settle(&mut command);
        Running::of(command).ended()
    }
}

/// The run depends on nothing but its arguments.
fn settle(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CRAWLFIELD_") {
            command.env_remove(name);
        }
    }
    command
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}

/// A program that runs; dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    began: Instant,
    stdout: Option<Output>,
    stderr: Option<Output>,
}

/// What was printed so far, and the thread that reads on.
#[derive(Debug)]
struct Output {
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Output {
    fn of(mut from: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                lock(&sink).extend_from_slice(&bytes[..count]);
            }
        });
        Self { text, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&lock(&self.text)).into_owned()
    }

    fn whole(self) -> String {
        self.reader.join().ok();
        String::from_utf8_lossy(&lock(&self.text)).into_owned()
    }
}

fn lock(text: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Starts this command with its output read in the background.
    ///
    /// # Panics
    /// It cannot be started.
    #[track_caller]
    #[must_use]
    pub fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program under test starts");
        let stdout = child.stdout.take().map(Output::of);
        let stderr = child.stderr.take().map(Output::of);
        Self {
            child,
            began: Instant::now(),
            stdout,
            stderr,
        }
    }

    /// Ends it as `kill -9` does: at once, with nothing tidied up.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Sends it what Ctrl-C sends.
    ///
    /// # Panics
    /// There is no shell.
    pub fn interrupt(&self) {
        Command::new("sh")
            .arg("-c")
            .arg(format!("kill -INT {}", self.child.id()))
            .status()
            .expect("a shell sends signals");
    }

    /// Whether it is over.
    pub fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the condition holds while the program runs; false if it ends or a minute
    /// passes before.
    pub fn until(&mut self, mut condition: impl FnMut() -> bool) -> bool {
        while !condition() {
            if self.is_over() || self.began.elapsed() > PATIENCE {
                return condition();
            }
            thread::sleep(GLANCE);
        }
        true
    }

    /// Waits until it has said this on standard error; false if it ends without.
    pub fn says(&mut self, text: &str) -> bool {
        let said = |running: &Self| {
            running
                .stderr
                .as_ref()
                .is_some_and(|output| output.so_far().contains(text))
        };
        while !said(self) {
            if self.is_over() || self.began.elapsed() > PATIENCE {
                return said(self);
            }
            thread::sleep(GLANCE);
        }
        true
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It runs longer than a minute.
    #[track_caller]
    #[must_use]
    pub fn ended(mut self) -> Ended {
        while !self.is_over() {
            if self.began.elapsed() > PATIENCE {
                self.kill();
                let ended = self.gather(None);
                panic!(
                    "the program did not end in {PATIENCE:?}\n--- stdout\n{}\n--- stderr\n{}",
                    ended.stdout, ended.stderr
                );
            }
            thread::sleep(GLANCE);
        }
        let status = self.child.wait().ok();
        self.gather(status)
    }

    fn gather(&mut self, status: Option<ExitStatus>) -> Ended {
        let text = |output: Option<Output>| output.map_or_else(String::new, Output::whole);
        Ended {
            code: status.and_then(|status| status.code()),
            took: self.began.elapsed(),
            stdout: text(self.stdout.take()),
            stderr: text(self.stderr.take()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over() {
            self.kill();
        }
    }
}
