//! A crawl made beforehand, so that making it is not measured.

use std::collections::VecDeque;

use crawlfield_engine::feed::frame::Frame;
use crawlfield_viewer::{
    headless::Viewer,
    source::{Frames, Source},
};

use crate::synthetic::{Plan, Synthetic};

/// How much and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub tasks: u32,
    pub hosts: u32,
    pub changes_per_second: f64,
}

/// Engine time until moves are as frequent as they will be.
pub const RUN_UP_US: u64 = 4_000_000;

struct Prepared(VecDeque<(u64, Frame)>);

impl Frames for Prepared {
    fn next_until(&mut self, at_us: u64) -> Option<Frame> {
        if self.0.front()?.0 > at_us {
            return None;
        }
        self.0.pop_front().map(|(_, frame)| frame)
    }
}

impl Load {
    /// A source that plays it for `seconds` after the run-up.
    pub fn source(self, seconds: f64) -> Source {
        let mut crawl = Synthetic::new(Plan {
            tasks: self.tasks,
            hosts: self.hosts,
            moves_per_second: self.changes_per_second,
            failing: 0.02,
            broken: None,
            seed: 11,
        });
        let end = RUN_UP_US + (seconds * 1e6) as u64;
        let mut frames = VecDeque::new();
        let mut at = 0;
        while at < end {
            at += 4_000;
            while let Some(frame) = crawl.next_until(at) {
                frames.push_back((at, frame));
            }
        }
        Source::Frames(Box::new(Prepared(frames)))
    }
}

/// Plays the run-up.
pub fn run_up(viewer: &mut Viewer<'_>) {
    let mut at = 0;
    while at < RUN_UP_US {
        at += 100_000;
        viewer.advance(at);
    }
}
