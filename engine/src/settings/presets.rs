//! The profiles as presets of permits and queues (SPEC F4); politeness is in none of them.

use super::Settings;
use crate::model::profile::Profile;

/// What a profile decides.
const DECIDED: [&str; 7] = [
    "http_permits",
    "cpu_permits",
    "store_bytes",
    "parse_queue",
    "save_queue",
    "parse_memory",
    "snapshot_interval",
];

/// Whether a profile decides this setting.
pub(super) fn decides(name: &str) -> bool {
    DECIDED.contains(&name)
}

/// Sets what the settings' profile decides, for a machine of so many cores; names what it set.
pub fn apply(settings: &mut Settings, cores: u32) -> &'static [&'static str] {
    let cores = cores.max(1);
    let (http, cpu, store, parse, save, memory, snapshot) = match settings.profile {
        Profile::Custom => return &[],
        Profile::Economy => (8, 1, 16 << 20, 16, 128, 256 << 20, 2_000),
        // One core in four is left to the engine, the store and the person at the machine.
        Profile::Balanced => (
            32,
            (cores * 3).div_ceil(4),
            64 << 20,
            64,
            512,
            1 << 30,
            1_000,
        ),
        Profile::Performance => (256, cores, 256 << 20, 256, 2_048, 4 << 30, 1_000),
    };
    settings.http_permits = http;
    settings.cpu_permits = cpu;
    settings.store_bytes = store;
    settings.parse_queue = parse;
    settings.save_queue = save;
    settings.parse_memory = memory;
    settings.snapshot_interval = std::time::Duration::from_millis(snapshot);
    &DECIDED
}
