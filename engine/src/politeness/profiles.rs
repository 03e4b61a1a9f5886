//! The presets economy, balanced and performance, in numbers.

use std::time::Duration;

use crate::{ports::commands::Profile, settings::Settings};

/// What a preset sets; everything else stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Requests in flight, over all hosts.
    pub http_permits: u32,
    /// Pages being parsed at once.
    pub cpu_permits: u32,
    /// Bytes that may wait for the store.
    pub store_bytes: u64,
    /// Hosts active at once.
    pub active_hosts: u32,
    /// Fetched pages that wait for a parse worker.
    pub parse_queue: u32,
    /// Parsed pages that wait for the store.
    pub save_queue: u32,
    /// Memory that bodies being parsed may take.
    pub parse_memory: u64,
    /// Time between two snapshots.
    pub snapshot_interval: Duration,
}

/// The numbers of a profile on a machine with `cores` cores; none for `Custom`.
///
/// A host's manners (rate, requests in flight, crawl delay) are in no preset: a profile never
/// goes below a host's politeness floor.
#[must_use]
pub fn preset(profile: Profile, cores: u32) -> Option<Preset> {
    let cores = cores.clamp(1, 256);
    let (http_permits, cpu_permits, active_hosts) = match profile {
        Profile::Economy => (8, 1, 100),
        Profile::Balanced => (32, cores.div_ceil(2).max(2), 1_000),
        Profile::Performance => (256, cores.max(2), 4_000),
        Profile::Custom => return None,
    };
    let (store_mib, parse_mib) = match profile {
        Profile::Economy => (16, 256),
        Profile::Performance => (256, 2_048),
        Profile::Balanced | Profile::Custom => (64, 1_024),
    };
    Some(Preset {
        http_permits,
        cpu_permits,
        store_bytes: store_mib << 20,
        active_hosts,
        parse_queue: (cpu_permits * 8).max(http_permits * 2),
        save_queue: 512.min(http_permits * 16),
        parse_memory: parse_mib << 20,
        snapshot_interval: Duration::from_secs(1),
    })
}

/// The settings under a profile; `Custom` keeps them as they are.
#[must_use]
pub fn applied(settings: &Settings, profile: Profile, cores: u32) -> Settings {
    let mut settings = Settings {
        profile,
        ..settings.clone()
    };
    if let Some(preset) = preset(profile, cores) {
        settings.http_permits = preset.http_permits;
        settings.cpu_permits = preset.cpu_permits;
        settings.store_bytes = preset.store_bytes;
        settings.active_hosts = preset.active_hosts;
        settings.parse_queue = preset.parse_queue;
        settings.save_queue = preset.save_queue;
        settings.parse_memory = preset.parse_memory;
        settings.snapshot_interval = preset.snapshot_interval;
    }
    settings
}

#[cfg(test)]
mod tests;
