//! A body must keep a minimum pace: 1 KiB a second over any 10 seconds.

use std::time::{Duration, Instant};

/// The span over which the pace is measured.
const SPAN: Duration = Duration::from_secs(10);

/// Fewer bytes in a span are too slow.
const LEAST: u64 = 10 << 10;

/// Measures one body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    since: Instant,
    bytes: u64,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            since: now,
            bytes: 0,
        }
    }

    /// When the present span ends; by then [`Pace::is_kept`] must have been asked.
    pub(super) fn span_ends(&self) -> Instant {
        self.since + SPAN
    }

    pub(super) const fn received(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// At the end of a span: whether enough came; then a new span begins.
    pub(super) fn is_kept(&mut self, now: Instant) -> bool {
        if now < self.span_ends() {
            return true;
        }
        let kept = self.bytes >= LEAST;
        *self = Self::new(now);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_too_slow_when_ten_seconds_bring_less_than_ten_kib() {
        let start = Instant::now();
        let check = |pieces: &[(u64, u64)], expected: bool| {
            let mut pace = Pace::new(start);
            let kept = pieces.iter().all(|(at, bytes)| {
                let kept = pace.is_kept(start + Duration::from_secs(*at));
                pace.received(*bytes);
                kept
            });
            assert_eq!(kept, expected, "{pieces:?}");
        };
        check(&[(1, 1), (9, 1)], true);
        check(&[(1, 1), (10, 1)], false);
        check(&[(1, 10 << 10), (10, 1)], true);
        check(&[(1, 20 << 10), (10, 1), (20, 1)], false);
        check(&[(1, 10 << 10), (10, 10 << 10), (20, 0)], true);
    }
}
