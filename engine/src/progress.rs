//! The feed as a terminal view: a live one on a terminal, plain lines in a pipe. Writes to stderr
//! only.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use crate::feed::hub::{Item, Subscription};

mod letters;
mod live;
mod picture;
#[cfg(test)]
mod tests;
mod words;

pub use letters::Letters;
pub use picture::Picture;
pub use words::{reason, safe};

/// Plain lines come at least so far apart in engine time, moves of sessions and stages aside.
const LINE_SECONDS: f64 = 5.0;
/// How long the live view waits for news before it only moves its clock.
const TICK: Duration = Duration::from_millis(500);

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
    let letters = Letters::of_this_process();
    match view {
        View::Live => live::run(subscription, letters),
        // A reader that hung up (a closed pipe) does not end the crawl.
        View::Lines => drop(lines(subscription, letters, &mut io::stderr())),
    }
}

/// Writes plain lines into `out` until the feed ends.
///
/// # Errors
/// What `out` says; the feed is read to its end nevertheless.
pub fn lines(
    subscription: &Subscription,
    letters: Letters,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut picture = Picture::default();
    let mut told_at = f64::NEG_INFINITY;
    let mut written = Ok(());
    loop {
        let Some(item) = subscription.recv_timeout(TICK) else {
            continue;
        };
        let is_end = matches!(item, Item::Closed);
        let mut text = picture.take(&item);
        let is_due = matches!(&item, Item::Snapshot(now) if now.at - told_at >= LINE_SECONDS);
        if is_due || is_end {
            told_at = picture.at();
            text.extend(picture.summaries());
        }
        for line in text {
            if written.is_ok() {
                written = writeln!(out, "{}", letters.of(&line));
            }
        }
        if is_end {
            return written;
        }
    }
}
