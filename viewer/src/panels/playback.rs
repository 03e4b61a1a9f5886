//! Between the time line and whoever owns the clock: where the source stands, and what people wish.

use bevy::prelude::Resource;

/// What a person wishes of the clock or the window; the owner takes them each frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wish {
    /// Play on, or hold.
    Play(bool),
    /// So many times as fast, 0.1 to 1,000.
    Speed(f64),
    /// The next item of the recording.
    Step,
    /// To this engine time in microseconds.
    Seek(u64),
    /// Save a picture of the screen.
    Picture,
    /// Close the window.
    Quit,
}

/// Where the source stands.
#[derive(Debug, Clone, Resource)]
pub struct Playback {
    /// A recording; an engine otherwise.
    pub is_replay: bool,
    /// The clock runs.
    pub is_playing: bool,
    /// Times as fast.
    pub speed: f64,
    /// First and last engine time of a recording, µs.
    pub range_us: (u64, u64),
    /// What damage was found, for people.
    pub damage: Option<String>,
    /// What people wish, in order.
    pub wishes: Vec<Wish>,
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            is_replay: false,
            is_playing: true,
            speed: 1.0,
            range_us: (0, 0),
            damage: None,
            wishes: Vec::new(),
        }
    }
}

/// The speeds on offer.
const SPEEDS: [f64; 13] = [
    0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0,
];

impl Playback {
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
