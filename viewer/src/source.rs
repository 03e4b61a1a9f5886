//! What arrives: one code path for an engine in this process, a recording, or frames made by hand.

use bevy::prelude::Resource;
use crawlfield_engine::{
    feed::{
        frame::Frame,
        hub::{Item, Subscription},
        mirror::Mirror,
    },
    message::commands::Envelope,
};
use crossbeam_channel::Sender;

use crate::{
    feed::{Feed, FeedStatus},
    history::History,
    replay::Replay,
};

/// Items taken in one frame of the picture, at most: a burst is spread over frames.
const ITEMS_MAX: usize = 4_096;

/// Frames by time, made by hand.
pub trait Frames: Send + Sync {
    /// The next frame if it is due at this engine time.
    fn next_until(&mut self, at_us: u64) -> Option<Frame>;
}

/// Where the picture comes from.
#[derive(Resource)]
pub enum Source {
    /// An engine in this process: its feed, and where commands go.
    InProcess(Subscription, Sender<Envelope>),
    /// A recording and the place in it.
    Replay(Box<Replay>),
    /// Frames by time, made by hand.
    Frames(Box<dyn Frames>),
}

impl Source {
    /// Applies what has come up to the shown time to the feed, and tells the history.
    pub fn receive(&mut self, feed: &mut Feed, history: &mut History) {
        if let Self::Replay(replay) = self {
            let items = replay.advance(feed.now_us, &mut feed.mirror, |item, before| {
                record(item, before, history);
            });
            for item in items {
                feed.take(item, history);
            }
            return;
        }
        for _ in 0..ITEMS_MAX {
            match self {
                Self::Replay(_) => return,
                Self::InProcess(subscription, _) => match subscription.try_recv() {
                    Some(item) => {
                        record(&item, &feed.mirror, history);
                        feed.apply(&item);
                        feed.take(item, history);
                    }
                    None => return,
                },
                Self::Frames(frames) => match frames.next_until(feed.now_us) {
                    Some(Frame::Changes(tick)) => {
                        history.record_changes(&tick, &feed.mirror);
                        feed.mirror.apply(&tick);
                        feed.changed_us = tick.at_us;
                        feed.status = FeedStatus::Live;
                    }
                    Some(Frame::Snapshot(snapshot)) => feed.update(snapshot.into(), history),
                    None => return,
                },
            }
            if feed.status == FeedStatus::Ended {
                return;
            }
        }
    }

    /// Where commands go; a recording takes none.
    #[must_use]
    pub const fn commands(&self) -> Option<&Sender<Envelope>> {
        match self {
            Self::InProcess(_, commands) => Some(commands),
            Self::Replay(_) | Self::Frames(_) => None,
        }
    }

    /// Engine time of the first and the last item, in microseconds, where the source is a recording.
    #[must_use]
    pub fn range_us(&self) -> Option<(u64, u64)> {
        match self {
            Self::Replay(replay) => Some(replay.span_us()),
            Self::InProcess(..) | Self::Frames(_) => None,
        }
    }

    /// What marks its data as not real, where that is known before anything is shown.
    #[must_use]
    pub fn mark(&self) -> Option<&str> {
        match self {
            Self::Replay(replay) => replay.mark(),
            Self::InProcess(..) | Self::Frames(_) => None,
        }
    }

    /// Where a recording stops making sense, for people, if anywhere that is known by now.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        match self {
            Self::Replay(replay) => replay.damage(),
            Self::InProcess(..) | Self::Frames(_) => None,
        }
    }

    /// Plays the next item, where the source is a recording; the engine time of it.
    pub fn step(&mut self, feed: &mut Feed, history: &mut History) -> Option<u64> {
        let Self::Replay(replay) = self else {
            return None;
        };
        let (item, at_us) = replay.step(&mut feed.mirror, |item, before| {
            record(item, before, history);
        });
        if let Some(item) = item {
            feed.take(item, history);
        }
        Some(at_us)
    }

    /// Goes to another time, where the source can; what is there replaces the mirror.
    ///
    /// # Errors
    /// The source holds only the present, or cannot be read again.
    pub fn seek(
        &mut self,
        at_us: u64,
        feed: &mut Feed,
        history: &mut History,
    ) -> Result<(), String> {
        let Self::Replay(replay) = self else {
            return Err("only a recording can be put to another time".to_owned());
        };
        let items = replay.seek(at_us, &mut feed.mirror)?;
        history.rewind(at_us);
        history.series = replay.curves_until(at_us);
        feed.snapshots.clear();
        feed.changed_us = at_us;
        for item in items {
            feed.take(item, history);
        }
        feed.is_replaced = true;
        Ok(())
    }
}

/// The history hears of changes before the mirror does.
fn record(item: &Item, before: &Mirror, history: &mut History) {
    if let Item::Changes(tick) = item {
        history.record_changes(tick, before);
    }
}
