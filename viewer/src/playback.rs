//! Playback: where the shown time stands, how fast it goes, and what moving it brings along.

use bevy::{ecs::system::SystemParam, prelude::*};

use crate::{
    feed::{Feed, FeedStatus},
    field::{Field, view::View},
    filter::Filter,
    history::History,
    numbers::{narrow, wide},
    selection::Selection,
    source::Source,
    theme::{Appearance, Motion},
};

/// Stands as the source does, whose resource must be there.
pub fn plugin(app: &mut App) {
    let playback = Playback::of(app.world().resource());
    app.insert_resource(playback)
        .add_message::<PlaybackRequest>();
}

/// What a person asks of the clock: written by panels and keys, read by whoever owns the clock.
#[derive(Message, Debug, Clone, Copy, PartialEq)]
pub enum PlaybackRequest {
    /// Play on, or hold.
    Play(bool),
    /// So many times as fast, 0.1 to 1,000.
    Speed(f64),
    /// The next item of the recording.
    Step,
    /// To this engine time in microseconds.
    Seek(u64),
}

/// Where the source stands.
#[derive(Resource, Debug, Clone)]
pub struct Playback {
    /// A recording; an engine otherwise.
    pub is_replay: bool,
    /// The shown time goes on.
    pub is_playing: bool,
    /// Times as fast as it happened.
    pub speed: f64,
    /// First and last engine time of a recording, µs.
    pub range_us: (u64, u64),
    /// What damage was found in the recording, for people.
    pub damage: Option<String>,
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            is_replay: false,
            is_playing: true,
            speed: 1.0,
            range_us: (0, 0),
            damage: None,
        }
    }
}

/// The speeds on offer.
const SPEEDS: [f64; 13] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0,
];

impl Playback {
    /// Before anybody asked for anything.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        Self {
            is_replay: source.range_us().is_some(),
            range_us: source.range_us().unwrap_or_default(),
            damage: source.damage(),
            ..Self::default()
        }
    }

    /// The next faster or slower speed on offer.
    #[must_use]
    pub fn next_speed(&self, is_faster: bool) -> f64 {
        if is_faster {
            SPEEDS
                .into_iter()
                .find(|speed| *speed > self.speed)
                .unwrap_or(1_000.0)
        } else {
            SPEEDS
                .into_iter()
                .rev()
                .find(|speed| *speed < self.speed)
                .unwrap_or(0.1)
        }
    }
}

/// All that moves with the shown time: what arrives, what is known of it, and its cells.
#[derive(SystemParam)]
pub struct Player<'w> {
    source: ResMut<'w, Source>,
    /// What is known; its `now_us` is the shown time.
    pub feed: ResMut<'w, Feed>,
    history: ResMut<'w, History>,
    field: ResMut<'w, Field>,
    selection: ResMut<'w, Selection>,
    filter: Res<'w, Filter>,
    view: ResMut<'w, View>,
    appearance: Res<'w, Appearance>,
}

impl Player<'_> {
    /// Goes to the beginning, where the source has one.
    pub fn begin(&mut self) {
        self.feed.mark = self.source.mark().map(str::to_owned);
        let Some((start_us, _)) = self.source.range_us() else {
            return;
        };
        self.feed.now_us = start_us;
        if self.seek(start_us).is_err() {
            self.feed.status = FeedStatus::Ended;
        }
    }

    /// Takes what has come up to `now_us`, which becomes the shown time.
    pub fn advance(&mut self, now_us: u64) {
        let elapsed = wide(now_us.saturating_sub(self.feed.now_us)) / 1e6;
        self.feed.now_us = now_us;
        self.source.receive(&mut self.feed, &mut self.history);
        let Self {
            feed,
            field,
            selection,
            filter,
            view,
            ..
        } = self;
        let touched = feed.mirror.take_dirty();
        selection.forget_departed(&touched, &feed.mirror, &mut field.cells);
        if core::mem::take(&mut feed.is_replaced) || field.wants_other_lanes(feed) {
            let arrangement = field.cells.arrangement();
            field.arrange(arrangement, feed, filter, selection, view);
        } else {
            field.cells.follow(&feed.mirror, &touched);
            filter.apply_to(&touched, &feed.mirror, &mut field.cells);
        }
        // Where a recording ends the shown time stands: nothing may be on its way there.
        let is_last = self.source.range_us().is_some_and(|(_, to)| now_us >= to);
        let motion = match self.appearance.motion {
            Motion::Full if is_last => Motion::Reduced,
            motion => motion,
        };
        if let Some(held) = field.follow(feed, view, motion, narrow(elapsed)) {
            **view = held;
        }
    }

    /// Goes to another time of a recording, within its bounds.
    ///
    /// # Errors
    /// The source holds only the present, or cannot be read again.
    pub fn seek(&mut self, at_us: u64) -> Result<(), String> {
        let at_us = match self.source.range_us() {
            Some((from, to)) => at_us.clamp(from, to),
            None => at_us,
        };
        let selected = self.selection.keys(&self.feed.mirror);
        self.source.seek(at_us, &mut self.feed, &mut self.history)?;
        self.selection.keep(&selected, &mut self.feed.mirror);
        self.feed.now_us = at_us;
        self.advance(at_us);
        Ok(())
    }

    /// Plays a recording's next item; the shown time goes there.
    pub fn step(&mut self) {
        if let Some(at_us) = self.source.step(&mut self.feed, &mut self.history) {
            let now_us = at_us.max(self.feed.now_us);
            self.advance(now_us);
        }
    }

    /// Where the recording stops making sense, if anywhere that is known by now.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        self.source.damage()
    }
}
