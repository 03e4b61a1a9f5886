//! What arrives: one code path for an engine in this process, a recording, or frames made by hand.

use std::sync::Arc;

use crawlfield_engine::{
    feed::{
        frame::Frame,
        hub::{Item, Subscription},
        mirror::Mirror,
        snapshot::Snapshot,
    },
    ports::commands::Envelope,
};
use crossbeam_channel::Sender;

use crate::story::Story;

/// Items taken in one frame of the picture, at most: a burst is spread over frames.
const ITEMS_MAX: usize = 4_096;

/// Frames by time, as a recording gives them.
pub trait Frames: Send + Sync {
    /// The next frame if it is due at this engine time.
    fn next_until(&mut self, at_us: u64) -> Option<Frame>;
}

/// Where the picture comes from.
pub enum Source {
    /// An engine in this process: its feed, and where commands go.
    InProcess(Subscription, Sender<Envelope>),
    /// Frames by time: a recording.
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
    /// What happened, for the log and the curves.
    pub story: Story,
}

impl Source {
    /// Applies what has come up to `at_us` to the mirror.
    pub fn receive(&mut self, at_us: u64, mirror: &mut Mirror, news: &mut News) {
        for _ in 0..ITEMS_MAX {
            match self {
                Self::InProcess(subscription, _) => match subscription.try_recv() {
                    Some(item) => take_item(item, mirror, news),
                    None => return,
                },
                Self::Frames(frames) => match frames.next_until(at_us) {
                    Some(Frame::Changes(tick)) => {
                        news.story.hear(&tick, mirror);
                        mirror.apply(&tick);
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
            Self::Frames(_) => None,
        }
    }
}

fn take_item(item: Item, mirror: &mut Mirror, news: &mut News) {
    match item {
        Item::Key { frame, lost } => {
            news.is_new |= frame.part == 0;
            news.lost = lost;
            news.link = Link::Live;
            mirror.apply_key(&frame);
        }
        Item::Changes(tick) => {
            news.link = Link::Live;
            news.story.hear(&tick, mirror);
            mirror.apply(&tick);
        }
        Item::Snapshot(snapshot) => {
            news.lost = snapshot.lost;
            news.tell(snapshot);
        }
        Item::Closed => news.link = Link::Ended,
    }
}

impl News {
    fn tell(&mut self, snapshot: Arc<Snapshot>) {
        self.story.note(&snapshot);
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
