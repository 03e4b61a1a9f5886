//! The viewer over a crawl that was made beforehand, so that making it is not measured.

pub(crate) mod field;
pub(crate) mod frames;
pub(crate) mod rest;

#[expect(
    clippy::too_many_lines,
    dead_code,
    unreachable_pub,
    reason = "a made-up crawl that tests share"
)]
#[path = "../../../viewer/tests/support/synthetic.rs"]
mod synthetic;

use std::collections::VecDeque;

use crawlfield_engine::feed::frame::Frame;
use crawlfield_viewer::{
    field::layout::Rect,
    panels::words::count,
    show::{Choices, Show},
    source::{Frames, Source},
};

use synthetic::{Plan, Synthetic};

/// How much and how fast.
#[derive(Debug, Clone, Copy)]
struct Load {
    tasks: u32,
    hosts: u32,
    changes_per_second: f64,
}

/// Engine time until moves are as frequent as they will be.
const RUN_UP_US: u64 = 4_000_000;

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
    /// So many tasks, of which a tenth changes each second.
    fn usual(tasks: u32, hosts: u32) -> Self {
        Self {
            tasks,
            hosts,
            changes_per_second: f64::from(tasks) / 10.0,
        }
    }

    /// A show that plays it for `seconds` after the run-up.
    fn show(self, seconds: f64) -> Show {
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
        for at in (0..end).step_by(4_000) {
            while let Some(frame) = crawl.next_until(at + 4_000) {
                frames.push_back((at + 4_000, frame));
            }
        }
        Show::new(
            Source::Frames(Box::new(Prepared(frames))),
            Choices::default(),
        )
    }

    /// The same after the run-up, in an area of so many points.
    fn shown(self, seconds: f64, size: [f32; 2]) -> Show {
        let mut show = self.show(seconds);
        show.set_area(Rect::new(0.0, 0.0, size[0], size[1]), 1.0);
        run_up(&mut show);
        show
    }
}

fn run_up(show: &mut Show) {
    for at in (0..RUN_UP_US).step_by(100_000) {
        show.advance(at + 100_000);
    }
}

/// `1,000,000 tasks`.
fn tasks(n: u32) -> String {
    let n = count(u64::from(n)).replace("1.00 M", "1,000,000");
    format!("{n} tasks")
}
