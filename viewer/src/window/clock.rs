//! Real time: the shown time follows the engine's clock where the source is the present, and plays a
//! recording as fast as a person asks.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use std::time::Instant;

use bevy::{input::ButtonInput, prelude::*};

use super::{
    is_keyboard_free,
    pacing::{Activity, Pacing},
};
use crate::{
    feed::Feed,
    numbers::to_u64,
    playback::{Playback, PlaybackRequest, Player},
};

/// Lets the shown time go on in `Update`.
pub fn plugin(app: &mut App) {
    app.init_resource::<Clock>().add_systems(
        Update,
        (
            press_keys.run_if(is_keyboard_free),
            handle_requests,
            advance_time,
        )
            .chain()
            .in_set(ClockSystems),
    );
}

/// How far Page Up and Page Down go in a recording.
const SCRUB_US: u64 = 10_000_000;

/// The systems that move the shown time.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClockSystems;

/// Where time comes from.
#[derive(Resource, Debug)]
pub struct Clock {
    /// Zero of engine time, where the source is the present.
    began: Option<Instant>,
    /// When the last frame was.
    last: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self::since(None)
    }
}

impl Clock {
    /// The engine's clock that began then, else a recording's.
    #[must_use]
    pub fn since(began: Option<Instant>) -> Self {
        let last = Instant::now();
        Self { began, last }
    }
}

/// Keys of a recording's clock that no panel has.
fn press_keys(
    keys: Res<ButtonInput<KeyCode>>,
    feed: Res<Feed>,
    playback: Res<Playback>,
    mut requests: MessageWriter<PlaybackRequest>,
) {
    if !playback.is_replay {
        return;
    }
    for (key, at_us) in [
        (KeyCode::Home, playback.range_us.0),
        (KeyCode::End, playback.range_us.1),
        (KeyCode::PageUp, feed.now_us.saturating_sub(SCRUB_US)),
        (KeyCode::PageDown, feed.now_us + SCRUB_US),
    ] {
        if keys.just_pressed(key) {
            requests.write(PlaybackRequest::Seek(at_us));
        }
    }
}

fn handle_requests(
    mut requests: MessageReader<PlaybackRequest>,
    mut playback: ResMut<Playback>,
    mut player: Player<'_>,
) {
    for request in requests.read() {
        match *request {
            PlaybackRequest::Play(is_playing) => {
                let is_at_end = player.feed.now_us >= playback.range_us.1;
                // Play at the end begins anew.
                if is_playing && is_at_end && playback.is_replay {
                    seek(&mut player, &mut playback, 0);
                }
                playback.is_playing = is_playing;
            }
            PlaybackRequest::Speed(speed) => playback.speed = speed.clamp(0.1, 1000.0),
            PlaybackRequest::Step => {
                playback.is_playing = false;
                player.step();
            }
            PlaybackRequest::Seek(at_us) => seek(&mut player, &mut playback, at_us),
        }
    }
}

fn seek(player: &mut Player<'_>, playback: &mut Playback, at_us: u64) {
    if let Err(error) = player.seek(at_us) {
        playback.damage = Some(error);
    }
}

fn advance_time(
    mut clock: ResMut<Clock>,
    pacing: Option<Res<Pacing>>,
    mut playback: ResMut<Playback>,
    mut player: Player<'_>,
) {
    let elapsed = clock.last.elapsed();
    clock.last = Instant::now();
    if let Some(began) = clock.began {
        let now_us = u64::try_from(began.elapsed().as_micros());
        let now_us = now_us.expect("64 bits of microseconds are half a million years");
        let activity = pacing.map_or(Activity::Moving, |pacing| pacing.activity());
        follow_engine(&mut player, activity, now_us);
        return;
    }
    if !playback.is_playing {
        return;
    }
    let shown_us = player.feed.now_us;
    let step = to_u64(elapsed.as_secs_f64() * playback.speed * 1e6);
    let end_us = playback.range_us.1;
    let now_us = (shown_us + step).min(end_us.max(shown_us));
    player.advance(now_us);
    playback.is_playing = now_us < end_us;
    if playback.is_replay {
        playback.damage = player.damage();
    }
}

/// While nothing moves, the shown time stands until something does.
fn follow_engine(player: &mut Player<'_>, activity: Activity, now_us: u64) {
    let shown_us = player.feed.now_us;
    if activity == Activity::Still {
        player.advance(shown_us);
    }
    if activity > Activity::Still || player.feed.changed_us > shown_us {
        player.advance(now_us);
    }
}
