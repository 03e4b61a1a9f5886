//! Capacities of what stands between the steps: a queue holds what the step after it does in a
//! second, and less fits in while memory runs out. The settings are the ceilings.

use std::time::Duration;

use crate::model::numbers::micros;

#[cfg(test)]
mod tests;

/// Time between two looks at what was measured.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// Pages that a queue holds however slow the step after it is, for each of its workers.
const LEAST_PAGES: u64 = 2;
/// Bytes that may wait for the store however slow it is.
const LEAST_BYTES: u64 = 4 << 20;
/// Below this share of the memory, in hundredths, nothing is held back.
const EASY: u64 = 80;
/// At this share only one page at a time is worked on.
const FULL: u64 = 95;

/// The settings' values: no capacity is ever above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceilings {
    /// Requests in flight at once.
    pub http: u64,
    /// Threads that parse pages.
    pub cpu: u64,
    /// Fetched pages that wait.
    pub parse_queue: u64,
    /// Parsed pages that wait.
    pub save_queue: u64,
    /// Memory of pages being parsed, in bytes.
    pub parse_memory: u64,
    /// Bytes on their way to the store.
    pub store_bytes: u64,
    /// Memory of the process, in bytes, where a person set a limit.
    pub memory: Option<u64>,
}

/// What fits in now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacities {
    /// Requests in flight at once.
    pub http: u64,
    /// Fetched pages that wait.
    pub parse_queue: u64,
    /// Parsed pages that wait.
    pub save_queue: u64,
    /// Memory of pages being parsed, in bytes.
    pub parse_memory: u64,
    /// Bytes on their way to the store.
    pub store_bytes: u64,
    /// Memory runs out: capacities are below their ceilings for it.
    pub is_pressed: bool,
}

/// Memory of the process and what it could grow to, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Memory {
    used: u64,
    limit: u64,
}

/// Sums since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Pages that were parsed, well or not.
    pub parsed: u64,
    /// What their parsing took.
    pub parsing: Duration,
    /// Pages that the store has taken.
    pub saved: u64,
    /// Bytes of the pages that were saved.
    pub bytes: u64,
}

/// What was measured so far.
#[derive(Debug, Clone, Default)]
pub struct Gauge {
    looked: Option<(Duration, Sums)>,
    /// Mean time that the parsing of a page takes.
    parse: Option<Duration>,
    /// Pages and bytes that the store takes in a second, while it is the slowest step.
    store: Option<(u64, u64)>,
    memory: Option<Memory>,
}

impl Gauge {
    /// Whether it is time to look again.
    #[must_use]
    pub fn is_due(&self, now: Duration) -> bool {
        self.looked
            .is_none_or(|(at, _)| now.saturating_sub(at) >= INTERVAL)
    }

    /// The memory as it is now: bytes in use, and bytes that there are for the process.
    pub fn set_memory(&mut self, used: u64, limit: u64) {
        self.memory = Some(Memory { used, limit });
    }

    /// Looks at the sums; `has_backlog`: pages wait for the store.
    pub fn look(&mut self, now: Duration, sums: Sums, has_backlog: bool) {
        let Some((before, old)) = self.looked.replace((now, sums)) else {
            return;
        };
        let elapsed = micros(now.saturating_sub(before)).max(1);
        let parsed = u32::try_from(sums.parsed.saturating_sub(old.parsed)).unwrap_or(u32::MAX);
        let parsing = sums.parsing.saturating_sub(old.parsing);
        if let Some(mean) = parsing.checked_div(parsed) {
            self.parse = Some(self.parse.map_or(mean, |parse| (parse * 3 + mean) / 4));
        }
        let a_second = |n: u64| {
            let n = u128::from(n) * 1_000_000 / u128::from(elapsed);
            u64::try_from(n).unwrap_or(u64::MAX)
        };
        let pages = a_second(sums.saved.saturating_sub(old.saved));
        let bytes = a_second(sums.bytes.saturating_sub(old.bytes));
        self.store = match (has_backlog, self.store) {
            (true, None) => Some((pages, bytes)),
            (true, Some(known)) => Some((known.0.midpoint(pages), known.1.midpoint(bytes))),
            // It kept up: it may take more than was measured.
            (false, Some((pages, bytes))) => Some((
                pages.saturating_mul(2).max(1),
                bytes.saturating_mul(2).max(1),
            )),
            (false, None) => None,
        };
    }

    /// What fits in now.
    #[must_use]
    pub fn capacities(&self, ceilings: &Ceilings) -> Capacities {
        let ease = self.ease(ceilings);
        let eased = |n: u64| {
            let eased = u128::from(n) * u128::from(ease) / u128::from(FULL - EASY);
            u64::try_from(eased).unwrap_or(n)
        };
        let least = LEAST_PAGES * ceilings.cpu.max(1);
        let parsed = self.parse.map_or(u64::MAX, |parse| {
            ceilings.cpu.max(1).saturating_mul(1_000_000) / micros(parse).max(1)
        });
        let (pages, bytes) = self.store.unwrap_or((u64::MAX, u64::MAX));
        let within = |n: u64, least: u64, most: u64| n.max(least).min(most).max(1);
        Capacities {
            http: eased(ceilings.http).max(1),
            parse_queue: within(parsed, least, eased(ceilings.parse_queue)),
            save_queue: within(pages, least, eased(ceilings.save_queue)),
            parse_memory: eased(ceilings.parse_memory).max(1),
            store_bytes: within(bytes, LEAST_BYTES, eased(ceilings.store_bytes)),
            is_pressed: ease < FULL - EASY,
        }
    }

    /// From `FULL - EASY` where there is memory enough, down to 0.
    fn ease(&self, ceilings: &Ceilings) -> u64 {
        let Some(memory) = self.memory else {
            return FULL - EASY;
        };
        let limit = ceilings.memory.unwrap_or(u64::MAX).min(memory.limit).max(1);
        let share = u128::from(memory.used) * 100 / u128::from(limit);
        let share = u64::try_from(share).unwrap_or(u64::MAX);
        FULL.saturating_sub(share).min(FULL - EASY)
    }
}
