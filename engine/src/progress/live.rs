//! The live view: a header, a bar per stage, and what is in the way, in lines that fit the terminal.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    feed::{
        hub::{Item, Subscription},
        snapshot::Snapshot,
    },
    progress::{
        TICK,
        letters::Letters,
        picture::{Picture, block},
    },
};

/// Redraws a second, at most.
const REDRAWS: u8 = 10;

/// The lines of one session.
#[derive(Default)]
struct Block(Vec<ProgressBar>);

/// Draws until the feed ends; the last state stays on the screen.
pub(super) fn run(subscription: &Subscription, letters: Letters) {
    let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS));
    let terminal = console::Term::stderr();
    draw(subscription, &screen, letters, &|| {
        usize::from(terminal.size().1)
    });
}

/// Draws on `screen`, which is now as wide as `width` says.
pub(super) fn draw(
    subscription: &Subscription,
    screen: &MultiProgress,
    letters: Letters,
    width: &dyn Fn() -> usize,
) {
    let mut picture = Picture::default();
    let mut blocks: BTreeMap<u32, Block> = BTreeMap::new();
    loop {
        let Some(item) = subscription.recv_timeout(TICK) else {
            continue;
        };
        for line in picture.take(&item) {
            // A line that cannot be written now is not worth ending for.
            drop(screen.println(letters.of(&line)));
        }
        match item {
            Item::Snapshot(snapshot) => blocks.entry(snapshot.session.id).or_default().show(
                &snapshot,
                screen,
                letters,
                width(),
            ),
            Item::Closed => break,
            Item::Key { .. } | Item::Changes(_) => {}
        }
    }
    for block in blocks.values() {
        block.end();
    }
}

impl Block {
    fn show(
        &mut self,
        snapshot: &Snapshot,
        screen: &MultiProgress,
        letters: Letters,
        width: usize,
    ) {
        let mut lines = block(snapshot, width).into_iter();
        for shown in &self.0 {
            let line = lines.next().unwrap_or_default();
            shown.set_message(letters.of(&line).into_owned());
        }
        for line in lines {
            let below = match self.0.last() {
                Some(last) => screen.insert_after(last, text_line()),
                None => screen.add(text_line()),
            };
            below.set_message(letters.of(&line).into_owned());
            self.0.push(below);
        }
    }

    fn end(&self) {
        for line in &self.0 {
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
