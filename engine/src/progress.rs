//! The feed as a terminal view: a live one on a terminal, plain lines in a pipe. Writes to stderr
//! only.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::feed::{
    hub::{Item, Subscription},
    snapshot::Snapshot,
};

mod status;
#[cfg(test)]
mod tests;
mod text;

use status::{Status, block};
pub use text::{Charset, reason, safe};

/// Plain lines come at least so far apart in engine time, moves of sessions and stages aside.
const LINE_SECONDS: f64 = 5.0;
/// How long the live view waits for news before it only moves its clock.
const TICK: Duration = Duration::from_millis(500);

/// Redraws a second, at most.
const REDRAWS: u8 = 10;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Bars that redraw themselves.
    Live,
    /// A line every few seconds and at each move of a session or stage.
    Lines,
}

impl View {
    /// `Live` where stderr is a terminal.
    #[must_use]
    pub fn for_stderr() -> Self {
        if io::stderr().is_terminal() {
            Self::Live
        } else {
            Self::Lines
        }
    }
}

/// Shows the feed on stderr until it ends.
pub fn run(subscription: &Subscription, view: View) {
    let charset = Charset::of_this_process();
    match view {
        View::Live => draw_live(subscription, charset),
        // A reader that hung up (a closed pipe) does not end the crawl.
        View::Lines => drop(lines(subscription, charset, &mut io::stderr())),
    }
}

/// Writes plain lines into `out` until the feed ends.
///
/// # Errors
/// What `out` says; the feed is read to its end nevertheless.
pub fn lines(
    subscription: &Subscription,
    charset: Charset,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut status = Status::default();
    let mut told_at = f64::NEG_INFINITY;
    let mut written = Ok(());
    loop {
        let Some(item) = subscription.recv_timeout(TICK) else {
            continue;
        };
        let is_end = matches!(item, Item::Closed);
        let mut text = status.take(&item);
        let is_due = matches!(&item, Item::Snapshot(now) if now.at - told_at >= LINE_SECONDS);
        if is_due || is_end {
            told_at = status.at();
            text.extend(status.summaries());
        }
        for line in text {
            if written.is_ok() {
                written = writeln!(out, "{}", charset.encode(&line));
            }
        }
        if is_end {
            return written;
        }
    }
}

/// The lines of one session.
#[derive(Default)]
struct Block(Vec<ProgressBar>);

/// Draws until the feed ends; the last state stays on the screen.
fn draw_live(subscription: &Subscription, charset: Charset) {
    let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS));
    let terminal = console::Term::stderr();
    draw(subscription, &screen, charset, &|| {
        usize::from(terminal.size().1)
    });
}

/// Draws on `screen`, which is now as wide as `width` says.
fn draw(
    subscription: &Subscription,
    screen: &MultiProgress,
    charset: Charset,
    width: &dyn Fn() -> usize,
) {
    let mut status = Status::default();
    let mut blocks: BTreeMap<u32, Block> = BTreeMap::new();
    loop {
        let Some(item) = subscription.recv_timeout(TICK) else {
            continue;
        };
        for line in status.take(&item) {
            // A line that cannot be written now is not worth ending for.
            drop(screen.println(charset.encode(&line)));
        }
        match item {
            Item::Snapshot(snapshot) => blocks.entry(snapshot.session.id).or_default().show(
                &snapshot,
                screen,
                charset,
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
        charset: Charset,
        width: usize,
    ) {
        let mut lines = block(snapshot, width).into_iter();
        for shown in &self.0 {
            let line = lines.next().unwrap_or_default();
            shown.set_message(charset.encode(&line).into_owned());
        }
        for line in lines {
            let below = match self.0.last() {
                Some(last) => screen.insert_after(last, text_line()),
                None => screen.add(text_line()),
            };
            below.set_message(charset.encode(&line).into_owned());
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
