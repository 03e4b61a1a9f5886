//! The viewer over a crawl that was made beforehand, so that making it is not measured.

pub(crate) mod field;
pub(crate) mod frames;
pub(crate) mod rest;

#[expect(
    dead_code,
    unreachable_pub,
    reason = "a made-up crawl that tests share"
)]
#[path = "../../../viewer/tests/support/synthetic.rs"]
mod synthetic;

#[path = "../../../viewer/src/theme/tests/difference.rs"]
mod difference;

use std::collections::VecDeque;

use bevy::app::App;
use crawlfield_engine::feed::frame::Frame;
use crawlfield_viewer::{
    field::layout::Rect,
    headless::{self, Viewer},
    panels::format::count,
    source::{Frames, Source},
    theme::Appearance,
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

    /// A source that plays it for `seconds` after the run-up.
    fn source(self, seconds: f64) -> Source {
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
        Source::Frames(Box::new(Prepared(frames)))
    }

    /// A viewer without a window that has played the run-up, in an area of so many points.
    fn shown(self, seconds: f64, size: [f32; 2]) -> App {
        let mut app = headless::app(self.source(seconds), Appearance::default());
        let mut viewer = Viewer(app.world_mut());
        viewer.set_area(Rect::new(0.0, 0.0, size[0], size[1]), 1.0);
        run_up(&mut viewer);
        app
    }
}

fn run_up(viewer: &mut Viewer<'_>) {
    for at in (0..RUN_UP_US).step_by(100_000) {
        viewer.advance(at + 100_000);
    }
}

/// `1,000,000 tasks`.
fn tasks(n: u32) -> String {
    let n = count(u64::from(n)).replace("1.00 M", "1,000,000");
    format!("{n} tasks")
}
