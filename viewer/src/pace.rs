//! How often the picture is drawn: as often as something moves, and not at all when nothing does.

use std::time::Duration;

use clap::ValueEnum;
use crawlfield_engine::model::phase::Phase;

use crate::show::{Motion, Show};

/// How much the picture may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Quality {
    /// 10 frames a second, only what must move
    Economy,
    /// 30 frames a second
    #[default]
    Balanced,
    /// 60 frames a second
    Performance,
}

/// A move shows for so long: the pop and the fading of a done task.
const ECHO_US: u64 = 2_500_000;

/// How lively the picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Liveliness {
    /// Nothing moves: the picture on the screen stays true.
    Still,
    /// Only rings of waiting tasks close.
    Waiting,
    /// Tasks move.
    Moving,
}

/// What the show needs while its clock runs.
#[must_use]
pub fn liveliness(show: &Show) -> Liveliness {
    if show.now_us.saturating_sub(show.news.moved_us) < ECHO_US && show.news.moved_us > 0 {
        return Liveliness::Moving;
    }
    let of = |phase| -> u64 {
        let sessions = show.mirror.tables().sessions().iter();
        sessions
            .flat_map(|session| &session.stages)
            .map(|stage| stage.counts.of(phase))
            .sum()
    };
    let in_flight = [Phase::Fetching, Phase::Parsing, Phase::Saving];
    if show.choices.motion > Motion::None && in_flight.into_iter().map(of).sum::<u64>() > 0 {
        return Liveliness::Moving;
    }
    if of(Phase::Backoff) > 0 {
        return Liveliness::Waiting;
    }
    Liveliness::Still
}

/// Time between two looks at the feed: a window in use, and one out of focus.
#[must_use]
pub const fn waits(quality: Quality, liveliness: Liveliness) -> (Duration, Duration) {
    let focused = match (liveliness, quality) {
        (Liveliness::Moving, Quality::Performance) => 16,
        (Liveliness::Moving, Quality::Balanced) => 33,
        (Liveliness::Moving, Quality::Economy) => 100,
        (Liveliness::Waiting, _) => 250,
        (Liveliness::Still, _) => 500,
    };
    let unfocused = match (liveliness, quality) {
        (Liveliness::Moving, Quality::Performance) => 200,
        (Liveliness::Moving, Quality::Balanced) => 250,
        (Liveliness::Moving, Quality::Economy) | (Liveliness::Waiting | Liveliness::Still, _) => {
            500
        }
    };
    (
        Duration::from_millis(focused),
        Duration::from_millis(unfocused),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_out_of_focus_is_drawn_at_most_ten_times_a_second() {
        for quality in [Quality::Economy, Quality::Balanced, Quality::Performance] {
            for liveliness in [Liveliness::Still, Liveliness::Waiting, Liveliness::Moving] {
                let (focused, unfocused) = waits(quality, liveliness);
                // A look may bring a second frame: drawing is itself an event of the window.
                assert!(unfocused >= Duration::from_millis(200));
                assert!(focused <= unfocused, "{quality:?} {liveliness:?}");
            }
        }
    }
}
