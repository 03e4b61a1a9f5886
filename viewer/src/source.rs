//! What arrives: one code path for an engine in this process, a recording, or frames made by hand.

use std::sync::Arc;

use crawlfield_engine::{
    feed::{
        frame::Frame,
        hub::{Item, Subscription},
        mirror::Mirror,
        snapshot::Snapshot,
    },
    message::commands::Envelope,
};
use crossbeam_channel::Sender;

use crate::{replay::Replay, story::Story};

/// Items taken in one frame of the picture, at most: a burst is spread over frames.
const ITEMS_MAX: usize = 4_096;

/// Frames by time, made by hand.
pub trait Frames: Send + Sync {
    /// The next frame if it is due at this engine time.
    fn next_until(&mut self, at_us: u64) -> Option<Frame>;
}

/// Where the picture comes from.
pub enum Source {
    /// An engine in this process: its feed, and where commands go.
    InProcess(Subscription, Sender<Envelope>),
    /// A recording.
    Replay(Box<Replay>),
    /// Frames by time, made by hand.
    Frames(Box<dyn Frames>),
}

/// How the source is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing came yet.
    #[default]
    Waiting,
    /// Frames arrive.
    Live,
    /// The feed has ended.
    Ended,
}

/// What came besides tasks.
#[derive(Debug, Default)]
pub struct News {
    /// The latest aggregates by session.
    pub snapshots: Vec<Arc<Snapshot>>,
    /// Changes this viewer lost so far, as told by the source.
    pub lost: u64,
    /// The mirror was replaced: lay everything out anew.
    pub is_new: bool,
    /// How the source is now.
    pub link: Link,
    /// Engine time of the last change, in microseconds.
    pub moved_us: u64,
    /// What happened, for the log and the curves.
    pub story: Story,
    /// Snapshots that came so far.
    pub told: u64,
}

impl Source {
    /// Applies what has come up to `at_us` to the mirror.
    pub fn receive(&mut self, at_us: u64, mirror: &mut Mirror, news: &mut News) {
        if let Self::Replay(replay) = self {
            let story = &mut news.story;
            let items = replay.advance(at_us, mirror, |item, before| {
                if let Item::Changes(tick) = item {
                    story.hear(tick, before);
                }
            });
            for item in items {
                news.take(item);
            }
            return;
        }
        for _ in 0..ITEMS_MAX {
            match self {
                Self::Replay(_) => return,
                Self::InProcess(subscription, _) => match subscription.try_recv() {
                    Some(item) => take_item(item, mirror, news),
                    None => return,
                },
                Self::Frames(frames) => match frames.next_until(at_us) {
                    Some(Frame::Changes(tick)) => {
                        news.story.hear(&tick, mirror);
                        mirror.apply(&tick);
                        news.moved_us = tick.at_us;
                        news.link = Link::Live;
                    }
                    Some(Frame::Snapshot(snapshot)) => news.tell(Arc::from(snapshot)),
                    None => return,
                },
            }
            if news.link == Link::Ended {
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

    /// Plays the next item, where the source is a recording; says when it was.
    pub fn step(&mut self, mirror: &mut Mirror, news: &mut News) -> Option<u64> {
        let Self::Replay(replay) = self else {
            return None;
        };
        let story = &mut news.story;
        let (item, at_us) = replay.step(mirror, |item, before| {
            if let Item::Changes(tick) = item {
                story.hear(tick, before);
            }
        });
        if let Some(item) = item {
            news.take(item);
        }
        Some(at_us)
    }

    /// Goes to another time, where the source can; what is there replaces the mirror.
    ///
    /// # Errors
    /// The source holds only the present, or cannot be read again.
    pub fn seek(&mut self, at_us: u64, mirror: &mut Mirror, news: &mut News) -> Result<(), String> {
        let Self::Replay(replay) = self else {
            return Err("only a recording can be put to another time".to_owned());
        };
        let items = replay.seek(at_us, mirror)?;
        news.story.rewind(at_us);
        news.story.series = replay.curves_until(at_us);
        news.snapshots.clear();
        news.moved_us = at_us;
        for item in items {
            news.take(item);
        }
        news.is_new = true;
        Ok(())
    }
}

fn take_item(item: Item, mirror: &mut Mirror, news: &mut News) {
    match &item {
        Item::Key { frame, .. } => mirror.apply_key(frame),
        Item::Changes(tick) => {
            news.story.hear(tick, mirror);
            mirror.apply(tick);
        }
        Item::Snapshot(_) | Item::Closed => {}
    }
    news.take(item);
}

impl News {
    /// Takes note of an item that the mirror has.
    fn take(&mut self, item: Item) {
        match item {
            Item::Key { frame, lost } => {
                self.is_new |= frame.part == 0;
                self.lost = lost;
                self.link = Link::Live;
            }
            Item::Changes(tick) => {
                self.moved_us = self.moved_us.max(tick.at_us);
                self.link = Link::Live;
            }
            Item::Snapshot(snapshot) => {
                self.lost = snapshot.lost;
                self.tell(snapshot);
            }
            Item::Closed => self.link = Link::Ended,
        }
    }

    /// A session's latest aggregates replace its older ones.
    fn tell(&mut self, snapshot: Arc<Snapshot>) {
        self.story.note(&snapshot);
        self.told += 1;
        let old = self
            .snapshots
            .iter_mut()
            .find(|old| old.session.id == snapshot.session.id);
        match old {
            Some(old) => *old = snapshot,
            None => self.snapshots.push(snapshot),
        }
    }
}
