//! Starts an engine in its own thread, with the real backend around it.
//!
//! Wall time enters here and nowhere else.

pub mod job;
mod run_loop;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Sender, bounded};
use run_loop::{Channels, RunLoop};
use serde_json::Value as Json;

/// What the store beside a running engine holds, for those who watch.
pub use crate::store::export::{
    RecordRows, export_csv, export_jsonl, kinds_of, records_of, rows_of, titles_of,
};
use crate::{
    engine::Engine,
    extract::bounds::Bounds,
    feed::{
        hub::{self, Hub},
        recording::{Recorder, RecordingError},
    },
    live::{fetch, meter::Meter, parse, store as store_thread},
    message::{
        commands::{Ack, Command, Envelope},
        receipts::StoreError,
    },
    model::{ids::SessionId, phase::SessionPhase},
    settings::Settings,
    store::Store,
    world::slots::MAX_ORDERS,
};

/// Commands that may wait, at most.
const COMMANDS: usize = 1_024;

/// A running engine. Dropping it does not stop it: send `Command::Shutdown`, then `join`.
#[derive(Debug)]
pub struct Running {
    pub commands: Sender<Envelope>,
    pub hub: Hub,
    finishing: Arc<AtomicBool>,
    thread: thread::JoinHandle<RunOutcome>,
}

/// How an engine ended.
#[derive(Debug, Clone, Default)]
pub struct RunOutcome {
    /// Its sessions, where each is, and its result document.
    pub sessions: Vec<(SessionId, SessionPhase, Option<Json>)>,
    /// The store was lost on the way.
    pub store_lost: Option<String>,
    /// A mistake of ours ended it before its time; in words for a person.
    pub mistake: Option<String>,
    /// CPU that the engine's thread used, where the system tells.
    pub engine_cpu: Option<Duration>,
}

/// How long an engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Every session that was begun is over.
    SessionsOver,
    /// Until somebody sends `Command::Shutdown`.
    Shutdown,
}

impl Running {
    /// Sends a command and waits for its acknowledgement.
    ///
    /// # Errors
    /// Refused, with the reason; or the engine has ended.
    pub fn ask(&self, command: Command) -> Ack {
        ask(&self.commands, command)
    }

    /// Lets the engine end when every session is over, and waits for that.
    ///
    /// # Panics
    /// As `join`.
    #[must_use]
    pub fn finish(self) -> RunOutcome {
        self.finishing.store(true, Ordering::Relaxed);
        let nudge = Envelope {
            command: Command::Nothing,
            reply: None,
        };
        self.commands.send(nudge).ok();
        self.join()
    }

    /// Waits for the engine's end.
    ///
    /// # Panics
    /// If the engine's thread did where it could not even say so: a broken invariant of ours.
    #[must_use]
    pub fn join(self) -> RunOutcome {
        drop(self.commands);
        self.thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Sends a command and waits for its acknowledgement.
///
/// # Errors
/// Refused, with the reason; or the engine has ended.
pub fn ask(commands: &Sender<Envelope>, command: Command) -> Ack {
    let (reply, answer) = bounded(1);
    let envelope = Envelope {
        command,
        reply: Some(reply),
    };
    let ended = || "the engine has ended".to_owned();
    commands.send(envelope).map_err(|_| ended())?;
    answer.recv().map_err(|_| ended())?
}

/// Starts the engine and the real backend around an open store.
///
/// # Errors
/// The system gives no more threads.
///
/// # Panics
/// As [`start_with`].
pub fn start(settings: Settings, store: Store, until: Until) -> io::Result<Running> {
    let reader = parse::reader(Bounds::from(&settings.bounds));
    start_with(settings, store, until, reader)
}

/// The same with pages read by `reader`, not as their stages say.
///
/// # Errors
/// The system gives no more threads.
///
/// # Panics
/// If the settings name more cpu permits than an address can count.
pub fn start_with(
    mut settings: Settings,
    store: Store,
    until: Until,
    reader: parse::Reader,
) -> io::Result<Running> {
    settings.cores = cores();
    let finishing = Arc::new(AtomicBool::new(until == Until::SessionsOver));
    let (commands, commanded) = bounded(COMMANDS);
    let (reports, reported) = bounded(MAX_ORDERS * 2);
    let (to_fetch, requests) = bounded(MAX_ORDERS * 2);
    let (to_parse, bodies) = bounded(MAX_ORDERS);
    let (to_store, verbs) = bounded(MAX_ORDERS);
    let store_path: PathBuf = store.path().to_owned();
    let fetcher = fetch::spawn(requests, reports.clone(), 1)?;
    let parsers = parse::spawn(
        bodies,
        reports.clone(),
        usize::try_from(settings.cpu_permits).expect("there are a few cores at most"),
        reader,
    )?;
    let store = store_thread::spawn(store, verbs, reports);
    let (feeder, hub) = hub::start()?;
    let meter = Meter::new(fetcher.received_counter(), Some(&store_path));
    let channels = Channels {
        fetch: to_fetch,
        parse: to_parse,
        store: to_store,
    };
    let finish = Arc::clone(&finishing);
    let thread = thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let engine = Engine::new(settings);
            let mut run_loop = RunLoop::new(engine, channels, feeder, meter, parsers, finish);
            run_loop.run(commanded, &reported);
            let ended = run_loop.ended();
            drop(run_loop);
            drop(fetcher);
            // The store's thread ends when its orders are closed and carried out.
            store.join().ok();
            ended
        })?;
    Ok(Running {
        commands,
        hub,
        finishing,
        thread,
    })
}

/// Cores of this machine.
#[must_use]
pub fn cores() -> u32 {
    thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1))
}

/// Begins to write a running engine's feed to a file.
///
/// # Errors
/// The file cannot be written.
pub fn record(running: &Running, path: &std::path::Path) -> Result<Recorder, RecordingError> {
    Recorder::start(path, running.hub.subscribe(4_096))
}

/// A store opened at `path`, with the wall clock.
///
/// # Errors
/// As `Store::open`.
pub fn open_store(path: &std::path::Path) -> Result<Store, StoreError> {
    Store::open(path, Box::new(store_thread::wall_ms))
}
