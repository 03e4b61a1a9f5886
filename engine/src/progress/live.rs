//! The live view: a header, a bar per stage, and what is in the way.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    feed::{
        hub::{Item, Subscription},
        snapshot::Snapshot,
    },
    progress::{
        TICK,
        picture::{Picture, header, speed, stage, troubles},
    },
};

/// Redraws a second, at most.
const REDRAWS: u8 = 10;
/// Errors, waiting, bottleneck, losses.
const TROUBLES: usize = 4;

/// The lines of one session.
struct Block {
    header: ProgressBar,
    stages: Vec<ProgressBar>,
    speed: ProgressBar,
    troubles: Vec<ProgressBar>,
}

/// Draws until the feed ends; the last state stays on the screen.
pub(super) fn run(subscription: &Subscription) {
    let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS));
    draw(subscription, &screen);
}

/// Draws on `screen`.
pub(super) fn draw(subscription: &Subscription, screen: &MultiProgress) {
    let mut picture = Picture::default();
    let mut blocks: BTreeMap<u32, Block> = BTreeMap::new();
    loop {
        let Some(item) = subscription.recv_timeout(TICK) else {
            continue;
        };
        for line in picture.take(&item) {
            // A line that cannot be written now is not worth ending for.
            drop(screen.println(line));
        }
        match item {
            Item::Snapshot(snapshot) => blocks
                .entry(snapshot.session.id)
                .or_insert_with(|| Block::new(screen))
                .show(&snapshot, screen),
            Item::Closed => break,
            Item::Key { .. } | Item::Changes(_) => {}
        }
    }
    for block in blocks.values() {
        block.end();
    }
}

impl Block {
    fn new(screen: &MultiProgress) -> Self {
        let line = || screen.add(text_line());
        Self {
            header: line(),
            stages: Vec::new(),
            speed: line(),
            troubles: (0..TROUBLES).map(|_| line()).collect(),
        }
    }

    fn show(&mut self, snapshot: &Snapshot, screen: &MultiProgress) {
        self.header.set_message(header(snapshot));
        for (n, info) in snapshot.progress.stages.iter().enumerate() {
            if self.stages.len() <= n {
                let bar = screen.insert_before(&self.speed, stage_bar());
                self.stages.push(bar);
            }
            let bar = &self.stages[n];
            bar.set_length(info.discovered);
            bar.set_position(info.done + info.skipped);
            bar.set_message(stage(info));
        }
        self.speed.set_message(speed(snapshot));
        let mut texts = troubles(snapshot).into_iter();
        for line in &self.troubles {
            line.set_message(texts.next().unwrap_or_default());
        }
    }

    fn end(&self) {
        for line in [&self.header, &self.speed]
            .into_iter()
            .chain(&self.stages)
            .chain(&self.troubles)
        {
            if line.message().is_empty() {
                line.finish_and_clear();
            } else {
                line.abandon();
            }
        }
    }
}

fn text_line() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}").expect("the template is well formed");
    ProgressBar::new(0).with_style(style)
}

fn stage_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("  {bar:24} {percent:>3} %  {wide_msg}")
        .expect("the template is well formed")
        .progress_chars("━╸─");
    ProgressBar::new(0).with_style(style)
}
