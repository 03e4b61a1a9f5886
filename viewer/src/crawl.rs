//! The crawl that is watched: its job, store and engine, begun and ended as the command line does.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bevy::prelude::Resource;

use crawlfield_engine::{
    cli::{
        Exit, Failure,
        crawl::{OutputFlags, report},
        run::{Scratch, refuse_stopped},
    },
    feed::{
        hub::Item,
        recording::{Recent, Recorder},
    },
    message::commands::Command,
    run::{self, Running, Until, job::Job},
    settings::Settings,
};

use crate::{feed::is_over, source::Source};

/// Items that may wait for the viewer; beyond them the hub holds changes for it.
const INBOX: usize = 4_096;

/// What the window shows of a crawl beside its feed.
#[derive(Debug, Clone)]
pub struct CrawlInfo {
    /// Zero of engine time.
    pub began: Instant,
    /// The store file that its records are in.
    pub store: PathBuf,
    /// The last minutes of its feed, where they are kept.
    pub recent: Option<Recent>,
    /// Carried fields that its site file calls labels.
    pub labels: Vec<String>,
}

/// What can be done with the crawl that is watched, besides commands.
#[derive(Resource, Debug, Default)]
pub struct LiveCrawl {
    /// The last minutes of its feed, to be saved.
    pub recent: Option<Recent>,
    /// It can be begun once more.
    pub can_run_again: bool,
}

/// The crawl that is watched, and the way to begin it once more.
#[derive(Resource, Clone)]
pub struct Runs {
    current: Arc<Mutex<Option<Crawl>>>,
    begin: Arc<dyn Fn() -> Result<Crawl, Failure> + Send + Sync>,
}

impl Runs {
    /// Nothing has begun yet.
    pub fn new(begin: impl Fn() -> Result<Crawl, Failure> + Send + Sync + 'static) -> Self {
        Self {
            current: Arc::default(),
            begin: Arc::new(begin),
        }
    }

    /// Begins the crawl; one that runs still is stopped first.
    ///
    /// # Errors
    /// As `Crawl::begin`.
    pub fn begin(&self) -> Result<(Source, CrawlInfo), Failure> {
        // Two engines cannot have one store.
        if let Some(old) = self.take() {
            let _ = old.end();
        }
        let crawl = (self.begin)()?;
        let begun = (crawl.source(), crawl.info());
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(crawl);
        Ok(begun)
    }

    /// Ends what runs, as `Crawl::end`.
    #[must_use]
    pub fn end(&self) -> Exit {
        self.take().map_or(Exit::Done, Crawl::end)
    }

    fn take(&self) -> Option<Crawl> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// A running crawl. Dropping it does not stop it: `end` does.
#[derive(Debug)]
pub struct Crawl {
    running: Running,
    /// Lives as long as the crawl: the demo's server is in it.
    job: Job,
    scratch: Scratch,
    is_scratch: bool,
    /// Zero of engine time.
    pub began: Instant,
}

impl Crawl {
    /// Opens the store, starts the engine in its own thread and begins the job. `before` gets the
    /// engine before anything happens in it.
    ///
    /// # Errors
    /// As the command line's: store, engine, job, each with its exit code.
    pub fn begin<T>(
        job: Job,
        store: Option<&Path>,
        settings: &Settings,
        before: impl FnOnce(&Running) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        let scratch = Scratch::new(store)?;
        refuse_stopped(&scratch.store, &job)?;
        let opened = run::open_store(&scratch.store).map_err(Failure::store)?;
        let began = Instant::now();
        let running = run::start(settings.clone(), opened, Until::Shutdown)
            .map_err(|error| Failure::internal(format!("the engine cannot start: {error}")))?;
        let with = before(&running).and_then(|with| {
            job.begin(&running, settings).map_err(Failure::store)?;
            Ok(with)
        });
        match with {
            Ok(with) => Ok((
                Self {
                    running,
                    job,
                    scratch,
                    is_scratch: store.is_none(),
                    began,
                },
                with,
            )),
            Err(failure) => {
                running.ask(Command::Shutdown).ok();
                let _ = running.join();
                Err(failure)
            }
        }
    }

    /// The feed and the way of commands.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::InProcess(
            self.running.hub.subscribe(INBOX),
            self.running.commands.clone(),
        )
    }

    /// What the window shows of it beside its feed.
    #[must_use]
    pub fn info(&self) -> CrawlInfo {
        CrawlInfo {
            began: self.began,
            store: self.scratch.store.clone(),
            // Without a thread to spare they are not kept.
            recent: Recent::start(self.running.hub.subscribe(INBOX)).ok(),
            labels: self.job.site.labels().map(str::to_owned).collect(),
        }
    }

    /// Stops what still runs, resumably, and says how it ended. What nobody can resume, because
    /// its store goes with this process, does not count as left undone.
    #[must_use]
    pub fn end(self) -> Exit {
        let stop = Command::Cancel {
            session: None,
            now: true,
        };
        self.running.ask(stop).ok();
        let ended = self.running.finish();
        let exit = report(&ended, &OutputFlags::default());
        drop(self.scratch);
        if self.is_scratch && exit == Exit::Stopped {
            Exit::Done
        } else {
            exit
        }
    }

    /// Stops what still runs and says nothing: its recording is what was wanted.
    ///
    /// # Errors
    /// The recording could not be written to its end.
    pub fn end_recording(self, recorder: Recorder) -> Result<(), Failure> {
        let stop = Command::Cancel {
            session: None,
            now: true,
        };
        self.running.ask(stop).ok();
        let _ = self.running.finish();
        recorder
            .join()
            .map(drop)
            .map_err(|error| Failure::internal(format!("the recording ended early: {error}")))
    }

    /// Waits until engine time `until`, or until every session is over.
    pub fn watch(&self, until: Duration) {
        let subscription = self.running.hub.subscribe(INBOX);
        let mut mirror = crawlfield_engine::feed::mirror::Mirror::default();
        while self.began.elapsed() < until && !is_over(mirror.tables()) {
            let left = until.saturating_sub(self.began.elapsed());
            match subscription.recv_timeout(left.min(Duration::from_millis(50))) {
                Some(Item::Key { frame, .. }) => mirror.apply_key(&frame),
                Some(Item::Changes(tick)) => mirror.apply(&tick),
                Some(Item::Closed) => return,
                Some(Item::Snapshot(_)) | None => {}
            }
        }
    }
}
