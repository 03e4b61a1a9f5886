//! CPU time of this process by thread, from the kernel's own books.

use std::{fs, time::Duration};

/// CPU time so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Threads of the driver.
    pub driver: Duration,
    /// The app's main thread and Bevy's pools.
    pub ours: Duration,
}

impl Usage {
    /// Reads it; zero where the system keeps no such books.
    pub fn now() -> Self {
        let mut usage = Self::default();
        let Ok(threads) = fs::read_dir("/proc/self/task") else {
            return usage;
        };
        for thread in threads.flatten() {
            let read = |name| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
            let spent = read("schedstat")
                .split(' ')
                .next()
                .and_then(|text| text.parse().ok())
                .map_or(Duration::ZERO, Duration::from_nanos);
            if is_main(&thread.file_name()) || is_pool(&read("comm")) {
                usage.ours += spent;
            } else {
                usage.driver += spent;
            }
        }
        usage
    }

    /// What was spent since.
    pub fn since(self, before: Self) -> Self {
        Self {
            driver: self.driver.saturating_sub(before.driver),
            ours: self.ours.saturating_sub(before.ours),
        }
    }
}

/// The thread that runs the app.
fn is_main(thread: &std::ffi::OsStr) -> bool {
    thread.to_str() == Some(&std::process::id().to_string())
}

/// Bevy's task pools. All other threads are the driver's: the software renderer's own, and its
/// queue's, which have no names.
fn is_pool(name: &str) -> bool {
    ["Compute Task", "Async Compute", "IO Task"]
        .iter()
        .any(|pool| name.starts_with(pool))
}

/// CPU time of the calling thread.
pub fn this_thread() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = told.split(' ').next().and_then(|text| text.parse().ok());
    nanos.map_or(Duration::ZERO, Duration::from_nanos)
}

/// CPU time of all threads of another process, in ticks of ten milliseconds.
pub fn of_process(pid: u32) -> Duration {
    let told = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = told.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split(' ').skip(12).take(2);
    let ticks: u64 = ticks.filter_map(|text| text.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// How busy the machine is besides.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

/// Milliseconds of a part of the sorted measurements: 0.5 is the median.
pub fn at_share(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(((last as f64) * share).round() as usize)
        .copied()
        .unwrap_or(0.0)
}
