//! Observe: the tick's journal becomes a change frame; once a second, the whole picture.

mod evidence;
mod snapshot;

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    system::{Res, ResMut},
};

use crate::{
    feed::frame::{ChangeFrame, Frame},
    model::numbers::micros,
    systems::{
        Outbox, TickSystems,
        crawl::{Crawl, Desk, desk},
    },
    world::{clock::Clock, journal::Journal, timers::Due},
};

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        (
            tell_changes.run_if(|journal: Res<Journal>| !journal.is_empty()),
            snapshot::tell_state.run_if(desk(|desk| desk.snapshot_due || desk.moved)),
        )
            .chain()
            .in_set(TickSystems::Observe),
    );
}

/// All changes of this tick, in one frame.
fn tell_changes(
    mut journal: ResMut<Journal>,
    mut desk: ResMut<Desk>,
    mut outbox: ResMut<Outbox>,
    clock: Res<Clock>,
) {
    let changes = journal.take();
    let seq = desk.seq;
    desk.seq += u64::try_from(changes.len()).unwrap_or(0);
    let at_us = micros(clock.now());
    outbox.frames.push_back(Frame::Changes(ChangeFrame {
        seq,
        at_us,
        changes,
    }));
}

/// The next snapshot is due after the interval.
pub(super) fn schedule_next(crawl: &mut Crawl) {
    let at = crawl.now() + crawl.settings.0.snapshot_interval;
    crawl.timers.set(at, Due::Snapshot);
}
