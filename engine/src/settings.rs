//! Every limit and policy, documented, with its default; layered by `settings::layers`.

pub mod layers;
pub mod presets;
pub mod registry;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    extract::bounds::BoundSettings,
    model::{named::named_enum, profile::Profile},
    politeness::{
        HostSettings, batch_pacing::BatchBounds, breaker::BreakerSettings, capacity,
        retry::RetrySettings,
    },
};

/// All settings of an engine. Durations are `Duration`; sizes are bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The preset that `http`, `cpu`, `store` and the host limits came from.
    pub profile: Profile,
    /// Cores of the machine, which presets are measured against.
    pub cores: u32,
    /// Requests in flight, over all hosts.
    pub http_permits: u32,
    /// Pages being parsed at once.
    pub cpu_permits: u32,
    /// Bytes that may wait for the store.
    pub store_bytes: u64,
    /// Tasks resident in memory, at most.
    pub window: u32,
    /// Fetched pages that wait for a parse worker, at most.
    pub parse_queue: u32,
    /// Pages handed to a parse worker beyond the one that it reads: it need not wait for a tick.
    pub parse_ahead: u32,
    /// Parsed pages that wait for the store, at most.
    pub save_queue: u32,
    /// Memory that bodies being parsed may take, charged at 65 bytes per byte of HTML.
    pub parse_memory: u64,
    /// Memory of the process, at most; none: what the machine has.
    pub memory_limit: Option<u64>,
    /// Final tasks stay so long in the window.
    pub retain_for: Duration,
    /// Time between two snapshots.
    pub snapshot_interval: Duration,
    /// A store in trouble (full disk, locked file) is asked again for so long.
    pub store_patience: Duration,
    /// Pages of the entry stage in one batch, at most.
    pub batch_size: u32,
    /// What errors and slow answers shrink a batch to, at least.
    pub batch_least: u32,
    /// Pause between two batches, at least.
    pub batch_pause: Duration,
    /// What errors and slow answers lengthen that pause to, at most.
    pub batch_longest_pause: Duration,
    /// Politeness defaults for hosts.
    pub host: HostSettings,
    /// Retry policy, and what bounds a host's retries.
    pub retry: RetrySettings,
    /// When a host's breaker opens and closes.
    pub breaker: BreakerSettings,
    /// How requests are sent, and how long and large answers may be.
    pub fetch: FetchSettings,
    /// Bounds of the crawl.
    pub bounds: BoundSettings,
    /// What a fatal stage does to its session.
    pub on_fatal: OnFatal,
    /// Attempts of a stage of a batch (SPEC B6).
    pub stage_attempts: u32,
    /// Share of failed tasks a stage tolerates.
    pub tolerance: f64,
}

impl Settings {
    /// What queues and permits may hold.
    #[must_use]
    pub fn ceilings(&self) -> capacity::Ceilings {
        capacity::Ceilings {
            http: u64::from(self.http_permits),
            cpu: u64::from(self.cpu_permits),
            parse_queue: u64::from(self.parse_queue),
            save_queue: u64::from(self.save_queue),
            parse_memory: self.parse_memory,
            store_bytes: self.store_bytes,
            memory: self.memory_limit,
        }
    }

    /// What batches may be.
    #[must_use]
    pub const fn batches(&self) -> BatchBounds {
        BatchBounds {
            size: self.batch_size,
            least: self.batch_least,
            pause: self.batch_pause,
            longest: self.batch_longest_pause,
        }
    }
}

/// How requests are sent, and how long and large answers may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FetchSettings {
    /// `User-Agent`; its product token is matched against robots.txt.
    pub user_agent: String,
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// From sending to the head.
    pub first_byte_timeout: Duration,
    /// From sending to the body's end.
    pub timeout: Duration,
    /// Largest decoded body, in bytes.
    pub max_body: u64,
    /// Largest decoded ÷ received, after the first MiB.
    pub max_ratio: u32,
    /// Redirects of one attempt.
    pub max_redirects: u16,
}

named_enum! {
    /// What a fatal stage does to its session.
    #[derive(Default)]
    pub enum OnFatal {
        /// The other stages go on.
        #[default]
        Continue = "continue",
        /// The session pauses for a person.
        Pause = "pause",
        /// The session ends as failed.
        Abort = "abort",
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::Balanced,
            cores: 2,
            http_permits: 32,
            cpu_permits: 2,
            store_bytes: 64 << 20,
            window: 100_000,
            parse_queue: 64,
            parse_ahead: 7,
            save_queue: 512,
            parse_memory: 1 << 30,
            memory_limit: None,
            retain_for: Duration::from_secs(2),
            snapshot_interval: Duration::from_secs(1),
            store_patience: Duration::from_secs(20),
            batch_size: 500,
            batch_least: 25,
            batch_pause: Duration::ZERO,
            batch_longest_pause: Duration::from_mins(1),
            host: HostSettings::default(),
            retry: RetrySettings::default(),
            breaker: BreakerSettings::default(),
            fetch: FetchSettings {
                user_agent: concat!("Crawlfield/", env!("CARGO_PKG_VERSION")).to_owned(),
                connect_timeout: Duration::from_secs(10),
                first_byte_timeout: Duration::from_secs(30),
                timeout: Duration::from_mins(2),
                max_body: 10 << 20,
                max_ratio: 200,
                max_redirects: 10,
            },
            bounds: BoundSettings::default(),
            on_fatal: OnFatal::Continue,
            stage_attempts: 3,
            tolerance: 0.0,
        }
    }
}
