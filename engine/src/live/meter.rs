//! What this process uses, measured: memory, CPU, bytes received, bytes on disk. What cannot be
//! measured here is absent.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::model::numbers::number;

#[cfg(test)]
mod tests;

/// What one reading says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Resident memory of this process in bytes.
    pub rss_bytes: Option<u64>,
    /// Bytes that the machine, or the group that the process is confined to, has left for it.
    pub free_bytes: Option<u64>,
    /// CPU used since the reading before, in cores.
    pub cpu_cores: Option<f64>,
    /// Bytes received since the start.
    pub received_bytes: u64,
    /// Bytes received per second since the reading before.
    pub received_per_second: Option<f64>,
    /// Bytes of the store's files: database, write-ahead log and its index.
    pub disk_bytes: Option<u64>,
}

/// Reads usage; rates are between two readings.
#[derive(Debug)]
pub struct Meter {
    process: Option<(System, Pid)>,
    received: Arc<AtomicU64>,
    store: Option<PathBuf>,
    before: Option<Before>,
}

#[derive(Debug, Clone, Copy)]
struct Before {
    at: Instant,
    cpu: Option<Duration>,
    received: u64,
}

impl Meter {
    /// Measures this process, this counter of received bytes, and this database.
    #[must_use]
    pub fn new(received: Arc<AtomicU64>, store: Option<&Path>) -> Self {
        let process = sysinfo::get_current_pid()
            .ok()
            .and_then(|pid| Some((System::new().ok()?, pid)));
        Self {
            process,
            received,
            store: store.map(Path::to_path_buf),
            before: None,
        }
    }

    /// Measures now; rates are since the last time.
    pub fn read(&mut self) -> Usage {
        let now = Instant::now();
        let (rss_bytes, cpu) = self.process_usage().unzip();
        let received = self.received.load(Ordering::Relaxed);
        let span = self.before.map(|before| (before, now - before.at));
        let span = span.filter(|(_, elapsed)| !elapsed.is_zero());
        let usage = Usage {
            rss_bytes,
            free_bytes: self.free_bytes(),
            cpu_cores: span.and_then(|(before, elapsed)| {
                let used = cpu?.saturating_sub(before.cpu?);
                Some(used.as_secs_f64() / elapsed.as_secs_f64())
            }),
            received_bytes: received,
            received_per_second: span.map(|(before, elapsed)| {
                number(received.saturating_sub(before.received)) / elapsed.as_secs_f64()
            }),
            disk_bytes: self.store.as_deref().and_then(disk_bytes),
        };
        self.before = Some(Before {
            at: now,
            cpu,
            received,
        });
        usage
    }

    fn free_bytes(&mut self) -> Option<u64> {
        let (system, _) = self.process.as_mut()?;
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        // What the group has cached would be given up for us: only what it holds counts.
        let group = system
            .cgroup_limits()
            .map(|group| group.total_memory.saturating_sub(group.rss));
        let free = system.available_memory();
        (free > 0).then(|| group.map_or(free, |group| group.min(free)))
    }

    /// Resident bytes and CPU time since the process began.
    fn process_usage(&mut self) -> Option<(u64, Duration)> {
        let (system, pid) = self.process.as_mut()?;
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[*pid]),
            false,
            ProcessRefreshKind::nothing()
                .with_cpu()
                .with_memory()
                .without_tasks(),
        );
        let process = system.process(*pid)?;
        let cpu = Duration::from_millis(process.accumulated_cpu_time());
        Some((process.memory(), cpu))
    }
}

/// The size of an SQLite database with what stands beside it; none where there is no database.
fn disk_bytes(database: &Path) -> Option<u64> {
    let size = |ending: &str| {
        let mut name = OsString::from(database);
        name.push(ending);
        fs::metadata(name).ok().map(|file| file.len())
    };
    Some(size("")? + size("-wal").unwrap_or(0) + size("-shm").unwrap_or(0))
}

/// CPU time of this process's threads of this name so far, for benchmarks. Only Linux tells; it
/// keeps the first 15 bytes of a thread's name.
#[must_use]
pub fn cpu_of_threads(name: &str) -> Option<Duration> {
    let kept = &name.as_bytes()[..name.len().min(15)];
    let mut total = None;
    for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
        let named = fs::read(task.path().join("comm")).is_ok_and(|comm| comm.trim_ascii() == kept);
        if !named {
            continue;
        }
        // The thread may have ended since the folder was read.
        let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else {
            continue;
        };
        let nanos = text.split(' ').next().and_then(|field| field.parse().ok());
        if let Some(nanos) = nanos {
            total = Some(total.unwrap_or_default() + Duration::from_nanos(nanos));
        }
    }
    total
}
