//! Whether a window can open and an adapter draws: asked in a child process, because drivers and
//! display libraries answer once per process, and some answer with a crash.

use std::{
    io::{self, Read, Write},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use crawlfield_engine::cli::Exit;

/// A driver that takes longer than this to answer is as good as none.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a window or a picture needs of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Requirement {
    /// A display that a window can open on.
    Display,
    /// An adapter that draws.
    Adapter,
}

/// A requirement that this machine does not meet.
#[derive(Debug, Clone)]
pub struct Missing {
    /// What is missing, and how to get it, in one line.
    pub message: String,
}

impl Requirement {
    /// Asks a child of this program.
    ///
    /// # Errors
    /// This machine does not meet it.
    pub fn check(self) -> Result<(), Missing> {
        self.ask().map_err(|why| Missing {
            message: self.message(&why),
        })
    }

    fn message(self, why: &str) -> String {
        let line = why.split_whitespace().collect::<Vec<_>>().join(" ");
        match self {
            Self::Display => format!(
                "no display ({line}): start it in a desktop session, or install one in memory \
                 (`apt-get install xvfb`) and use `xvfb-run crawlfield-viewer`"
            ),
            Self::Adapter => format!(
                "no graphics adapter ({line}): install a Vulkan driver, in software with \
                 `apt-get install mesa-vulkan-drivers`"
            ),
        }
    }

    fn ask(self) -> Result<(), String> {
        let name = self.to_possible_value();
        let name = name.expect("no variant is skipped");
        let child = std::env::current_exe().and_then(|program| {
            Command::new(program)
                .args(["--probe", name.get_name()])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
        });
        match child {
            Ok(child) => answer(child),
            Err(_) => self.try_here(),
        }
    }

    /// Answers in this process: what the child runs.
    #[must_use]
    pub fn answer_here(self) -> Exit {
        match self.try_here() {
            Ok(()) => Exit::Done,
            Err(why) => {
                writeln!(io::stdout(), "{why}").ok();
                Exit::Internal
            }
        }
    }

    fn try_here(self) -> Result<(), String> {
        match self {
            Self::Display => try_display(),
            Self::Adapter => bevy::tasks::block_on(try_adapter()),
        }
    }
}

fn answer(mut child: Child) -> Result<(), String> {
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if began.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                child.kill().ok();
                child.wait().ok();
                return Err(format!("no answer in {} s", PATIENCE.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut why = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut why).ok();
    }
    let why = why.trim();
    Err(if why.is_empty() {
        format!("its driver crashed: {status}")
    } else {
        why.to_owned()
    })
}

#[cfg(target_os = "linux")]
fn try_display() -> Result<(), String> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
        .into_iter()
        .any(is_set)
    {
        return Err("neither DISPLAY nor WAYLAND_DISPLAY is set".to_owned());
    }
    match winit::event_loop::EventLoop::builder().build() {
        Ok(_) => Ok(()),
        Err(error) => {
            // The library says first where in its own code that was.
            let text = error.to_string();
            let said = text
                .rsplit_once(": ")
                .map_or(text.as_str(), |(_, said)| said);
            Err(said.to_owned())
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn try_display() -> Result<(), String> {
    Ok(())
}

/// Asks for what Bevy's renderer will ask for, and it panics without.
async fn try_adapter() -> Result<(), String> {
    let backends = wgpu::Backends::from_env().unwrap_or(wgpu::Backends::all());
    let mut wanted = wgpu::InstanceDescriptor::new_without_display_handle();
    wanted.backends = backends;
    let instance = wgpu::Instance::new(wanted);
    let is_set = |value: String| !(value.is_empty() || value == "0" || value == "false");
    let options = wgpu::RequestAdapterOptions {
        force_fallback_adapter: std::env::var("WGPU_FORCE_FALLBACK_ADAPTER").is_ok_and(is_set),
        ..Default::default()
    };
    let adapter = instance
        .request_adapter(&options)
        .await
        .map_err(|_| "no driver offers one".to_owned())?;
    let (device, _) = adapter
        .request_device(&wgpu::DeviceDescriptor::default())
        .await
        .map_err(|error| format!("{} gives no device: {error}", adapter.get_info().name))?;
    drop(device);
    Ok(())
}
