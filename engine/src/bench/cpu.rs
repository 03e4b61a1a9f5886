//! What this process has used so far: CPU time as a whole, by thread, and memory.

use std::{collections::BTreeMap, fs, time::Duration};

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// CPU time of all threads of this process, ended ones included.
pub(super) fn of_process() -> Duration {
    read().0
}

/// Resident memory in bytes.
pub(super) fn resident() -> u64 {
    read().1
}

fn read() -> (Duration, u64) {
    let Some((pid, mut system)) = sysinfo::get_current_pid().ok().zip(System::new().ok()) else {
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
pub(super) fn of_this_thread() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(wall, Duration::from_nanos)
}

fn wall() -> Duration {
    static BEGAN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    BEGAN.elapsed()
}

/// CPU time of the living threads by name (its first 15 bytes); empty where nobody tells.
pub(super) fn by_thread() -> BTreeMap<String, Duration> {
    let mut all = BTreeMap::new();
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return all;
    };
    for task in tasks.flatten() {
        let name = fs::read_to_string(task.path().join("comm"));
        let told = fs::read_to_string(task.path().join("schedstat"));
        // The thread may have ended since the folder was read.
        let (Ok(name), Ok(told)) = (name, told) else {
            continue;
        };
        if let Some(nanos) = told.split(' ').next().and_then(|field| field.parse().ok()) {
            *all.entry(name.trim().to_owned()).or_default() += Duration::from_nanos(nanos);
        }
    }
    all
}
