//! Medians of a window of latencies, and the host's idle latency over the last ten minutes.

use std::{collections::VecDeque, time::Duration};

/// Window medians older than this no longer tell the idle latency.
const MEMORY: Duration = Duration::from_mins(10);
/// Medians kept: one a second for as long as they count.
const MEDIANS: usize = 600;
/// Latencies kept of one window; later ones replace the oldest.
const SAMPLES: usize = 512;

/// Latencies of the present window, in µs.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    samples: Vec<u64>,
    count: usize,
}

impl Window {
    pub(super) fn push(&mut self, latency: u64) {
        if self.samples.len() < SAMPLES {
            self.samples.push(latency);
        } else {
            self.samples[self.count % SAMPLES] = latency;
        }
        self.count += 1;
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The median, and an empty window again.
    pub(super) fn take_median(&mut self) -> u64 {
        let median = quantile(&mut self.samples, 1, 2);
        self.samples.clear();
        self.count = 0;
        median
    }
}

/// Idle latency: the 10th percentile of the window medians of the last ten minutes.
#[derive(Debug, Clone, Default)]
pub(super) struct Base {
    medians: VecDeque<(Duration, u64)>,
    value: u64,
}

impl Base {
    /// As an earlier run learned it, until windows of this run say otherwise.
    pub(super) fn restored(value: u64, now: Duration) -> Self {
        let medians = if value == 0 {
            VecDeque::new()
        } else {
            VecDeque::from([(now, value)])
        };
        Self { medians, value }
    }

    pub(super) fn push(&mut self, now: Duration, median: u64) {
        self.medians.push_back((now, median));
        let oldest = now.saturating_sub(MEMORY);
        while self.medians.len() > MEDIANS
            || self.medians.front().is_some_and(|(at, _)| *at < oldest)
        {
            self.medians.pop_front();
        }
        let mut values: Vec<u64> = self.medians.iter().map(|(_, median)| *median).collect();
        self.value = quantile(&mut values, 1, 10);
    }

    /// In µs; 0 before the first window.
    pub(super) fn value(&self) -> u64 {
        self.value
    }
}

/// The value at rank ⌊(n − 1) × part ÷ whole⌋; 0 of nothing.
fn quantile(values: &mut [u64], part: usize, whole: usize) -> u64 {
    if values.is_empty() {
        return 0;
    }
    let rank = (values.len() - 1) * part / whole;
    *values.select_nth_unstable(rank).1
}
