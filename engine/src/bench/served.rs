//! The demo in another process, so that its CPU is not the crawl's: this very program, told to
//! serve until its standard input closes.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    process::{self, Child, Stdio},
    sync::Arc,
};

use crate::{
    demo::{self, DemoConfig, DemoServer},
    message::{
        commands::{Command, StartSession},
        store_verbs::Mode,
    },
    run::{Running, request_profile},
    settings::Settings,
    site::compiled::Site,
};

/// The seed of the benched catalogue.
const SEED: u64 = 1;

/// A catalogue that answers at once and never fails, served elsewhere.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) addr: SocketAddr,
    pub(super) config: DemoConfig,
    /// Whichever serves ends when this is dropped.
    _elsewhere: Option<Process>,
    _here: Option<DemoServer>,
}

#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It ends by itself once its standard input is closed.
        self.0.wait().ok();
    }
}

impl Served {
    /// Starts this program again as a server.
    pub(super) fn elsewhere(products: u32) -> Result<Self, String> {
        let failed = |what: &str| format!("the demo's process {what}");
        let program = std::env::current_exe()
            .map_err(|error| failed(&format!("cannot be started: {error}")))?;
        let mut child = process::Command::new(program)
            .args(["bench", "--serve", &products.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&format!("cannot be started: {error}")))?;
        let told = child.stdout.take();
        let end = Process(child);
        let mut line = String::new();
        BufReader::new(told.ok_or_else(|| failed("has no output"))?)
            .read_line(&mut line)
            .map_err(|error| failed(&format!("cannot be heard: {error}")))?;
        let addr = line
            .trim()
            .parse()
            .map_err(|_| failed(&format!("told no address but {line:?}")))?;
        Ok(Self {
            addr,
            config: DemoConfig::well_behaved(products, SEED),
            _elsewhere: Some(end),
            _here: None,
        })
    }

    /// Begins a session of this site over it.
    pub(super) fn begin(
        &self,
        running: &Running,
        site: Site,
        settings: &Settings,
    ) -> Result<(), String> {
        let site = Arc::new(site);
        let hosts = self.config.host_names();
        let connect_to = hosts.into_iter().map(|host| (host, self.addr)).collect();
        let start = StartSession {
            profile: request_profile(&site, settings, connect_to),
            site,
            mode: Mode::New,
            origin: serde_json::json!({ "kind": "bench" }),
            source: Some("demo".to_owned()),
            seed: SEED,
            resume: None,
        };
        running.ask(Command::Start(Box::new(start))).map(drop)
    }

    /// Serves in this process.
    #[cfg(test)]
    pub(super) fn here(products: u32) -> Self {
        let config = DemoConfig::well_behaved(products, SEED);
        let server = demo::start(config.clone()).expect("loopback has a free port");
        Self {
            addr: server.addr(),
            config,
            _elsewhere: None,
            _here: Some(server),
        }
    }
}

/// Serves a catalogue of so many products: tells the address on standard output, and ends when
/// standard input does.
///
/// # Errors
/// No port could be opened, or nobody hears the address.
pub fn serve(products: u32) -> Result<(), String> {
    let server = demo::start(DemoConfig::well_behaved(products, SEED))
        .map_err(|error| format!("the demo's server could not listen on 127.0.0.1: {error}"))?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.addr())
        .and_then(|()| out.flush())
        .map_err(|error| format!("nobody hears the demo's address: {error}"))?;
    let mut nothing = Vec::new();
    // Whatever ends the input ends the server.
    std::io::stdin().read_to_end(&mut nothing).ok();
    drop(server);
    Ok(())
}
