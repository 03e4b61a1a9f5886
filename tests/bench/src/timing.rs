//! CPU time of processes and threads, memory, and the middle of many measurements.

use std::{
    fs,
    path::Path,
    sync::LazyLock,
    time::{Duration, Instant},
};

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// CPU time of all threads of this process so far, ended ones included.
pub(crate) fn cpu_of_process() -> Duration {
    of_process(std::process::id()).0
}

/// Resident memory of this process in bytes.
pub(crate) fn resident() -> u64 {
    of_process(std::process::id()).1
}

/// CPU time so far and resident bytes of a process; zero where it is not, or the system is mute.
pub(crate) fn of_process(pid: u32) -> (Duration, u64) {
    let pid = sysinfo::Pid::from_u32(pid);
    let Ok(mut system) = System::new() else {
        return (Duration::ZERO, 0);
    };
    let kind = ProcessRefreshKind::nothing()
        .with_cpu()
        .with_memory()
        .without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
    system.process(pid).map_or((Duration::ZERO, 0), |process| {
        let cpu = Duration::from_millis(process.accumulated_cpu_time());
        (cpu, process.memory())
    })
}

/// CPU time of the calling thread to the nanosecond; only Linux tells, elsewhere wall time.
pub(crate) fn cpu_of_this_thread() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    spent(Path::new("/proc/thread-self")).unwrap_or_else(|| BEGAN.elapsed())
}

/// A living thread of this process.
pub(crate) struct Thread {
    pub(crate) is_main: bool,
    /// Its first 15 bytes.
    pub(crate) name: String,
    /// CPU time so far.
    pub(crate) cpu: Duration,
}

/// The living threads of this process; none where the system keeps no such books.
pub(crate) fn threads() -> Vec<Thread> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let main = std::process::id().to_string();
    tasks
        .flatten()
        .filter_map(|task| {
            // It may have ended since the folder was read.
            let name = fs::read_to_string(task.path().join("comm")).ok()?;
            Some(Thread {
                is_main: task.file_name().to_str() == Some(&main),
                name: name.trim().to_owned(),
                cpu: spent(&task.path())?,
            })
        })
        .collect()
}

fn spent(thread: &Path) -> Option<Duration> {
    let told = fs::read_to_string(thread.join("schedstat")).ok()?;
    let nanos = told.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// The middle one; the lower of two.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    share(&sorted(values), 0.5)
}

pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which this share of the sorted values lies.
pub(crate) fn share(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len().saturating_sub(1) as f64 * share.clamp(0.0, 1.0)) as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// Milliseconds since then.
pub(crate) fn millis_since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}
