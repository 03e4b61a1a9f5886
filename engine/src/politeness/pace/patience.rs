//! How long a host may take to begin an answer: a multiple of its own slow answers, and the way
//! out for pages that are slow by nature.

use std::time::Duration;

use super::super::micros;

/// Of a host that has not answered yet.
const FIRST: Duration = Duration::from_secs(10);
/// Of any host, at least.
const LEAST: Duration = Duration::from_secs(3);
/// So many times a slow answer.
const TIMES: u32 = 4;
/// Before this nothing counts as lost.
const LOST: Duration = Duration::from_secs(1);
/// A slow answer is forgotten by a 256th with each one that follows.
const FORGETS: u64 = 256;

/// What is known of a host's slow answers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Patience {
    /// Time to the first byte in µs, of the slowest answers lately; 0: none was seen.
    slow_us: u64,
}

impl Patience {
    pub(super) const fn restored(slow_us: u64) -> Self {
        Self { slow_us }
    }

    pub(super) const fn slow_us(self) -> u64 {
        self.slow_us
    }

    pub(super) fn on_good(&mut self, first_byte: Duration) {
        let faded = self.slow_us - self.slow_us / FORGETS;
        self.slow_us = faded.max(micros(first_byte)).max(1);
    }

    /// A slow answer's time, where one was seen.
    pub(super) fn slow(self) -> Option<Duration> {
        (self.slow_us > 0).then(|| Duration::from_micros(self.slow_us))
    }

    /// How long an attempt waits for the first byte: twice as long after each failure of its
    /// page, the last attempt as long as the setting (`most`) says.
    pub(super) fn first_byte(self, most: Duration, failed: u32, is_last: bool) -> Duration {
        if is_last {
            return most;
        }
        let usual = (self.slow()).map_or(FIRST, |slow| slow.saturating_mul(TIMES).max(LEAST));
        usual.saturating_mul(1 << failed.min(16)).min(most)
    }

    /// A request without an answer for so long hangs: it says nothing of the host's speed, and
    /// another may take its place.
    pub(super) fn lost_after(self) -> Duration {
        (self.slow()).map_or(LOST * 2, |slow| (slow * 2).max(LOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_at_a_quick_host_ends_after_seconds_and_a_slow_page_gets_its_time_in_the_end() {
        let most = Duration::from_secs(30);
        let mut patience = Patience::default();
        assert_eq!(patience.first_byte(most, 0, false), FIRST);
        patience.on_good(Duration::from_millis(20));
        let waits = [(0, false), (1, false), (2, false), (3, true)]
            .map(|(failed, is_last)| patience.first_byte(most, failed, is_last).as_secs());
        assert_eq!(waits, [3, 6, 12, 30]);
        patience.on_good(Duration::from_secs(5));
        assert_eq!(patience.first_byte(most, 0, false).as_secs(), 20);
        for _ in 0..1_000 {
            patience.on_good(Duration::from_millis(20));
        }
        assert_eq!(patience.first_byte(most, 0, false), LEAST);
        assert_eq!(
            patience.first_byte(LOST, 0, false),
            LOST,
            "the setting is the ceiling"
        );
    }
}
