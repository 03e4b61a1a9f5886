//! Observe: the tick's journal becomes a change frame; once a second, the whole picture.

mod bottleneck;
mod forecast;
mod snapshot;
mod waiting;

use bevy_ecs::{
    resource::Resource,
    schedule::{IntoScheduleConfigs, Schedule},
    system::{Query, Res, ResMut},
    world::World,
};

use crate::{
    feed::frame::{ChangeFrame, Frame},
    model::{ids::SessionId, numbers::micros},
    systems::TickSystems,
    world::{
        border::Outbox,
        clock::Clock,
        journal::Journal,
        session::{Session, Sessions},
        settings::ActiveSettings,
        timers::{Due, Timers},
    },
};

/// The time for the next snapshots has come: a timer sets it, `list_snapshots` clears it.
#[derive(Resource, Debug, Default)]
pub(super) struct SnapshotDue(pub(super) bool);

/// Sessions whose snapshot is taken in this tick: `list_snapshots` lists them, and who has moved many
/// pages at once for a person; `take_snapshots` takes them.
#[derive(Resource, Debug, Default)]
pub(super) struct DueSnapshots(Vec<SessionId>);

impl DueSnapshots {
    /// This session's is due.
    pub(super) fn add(&mut self, session: SessionId) {
        if !self.0.contains(&session) {
            self.0.push(session);
        }
    }
}

/// Sequence number of the next change.
#[derive(Resource, Debug, Default)]
pub(super) struct FeedSeq(u64);

pub(super) fn install(schedule: &mut Schedule, world: &mut World) {
    world.init_resource::<SnapshotDue>();
    world.init_resource::<DueSnapshots>();
    world.init_resource::<FeedSeq>();
    world.init_resource::<waiting::WaitingCounts>();
    world.init_resource::<forecast::Forecasts>();
    let snapshots = (
        waiting::count_waiting,
        forecast::predict_ends,
        snapshot::take_snapshots,
    );
    schedule.add_systems(
        (
            tell_changes.run_if(|journal: Res<Journal>| !journal.is_empty()),
            list_snapshots.run_if(is_any_due),
            (snapshots.chain()).run_if(|due: Res<DueSnapshots>| !due.0.is_empty()),
        )
            .chain()
            .in_set(TickSystems::Observe),
    );
}

/// All changes of this tick, in one frame.
pub(super) fn tell_changes(
    mut journal: ResMut<Journal>,
    mut seq: ResMut<FeedSeq>,
    mut outbox: ResMut<Outbox>,
    clock: Res<Clock>,
) {
    let changes = journal.take();
    let frame = ChangeFrame {
        seq: seq.0,
        at_us: micros(clock.now()),
        changes,
    };
    seq.0 += u64::try_from(frame.changes.len()).unwrap_or(0);
    outbox.frames.push_back(Frame::Changes(frame));
}

/// Nobody waits for the interval after a session's end.
fn is_any_due(due: Res<SnapshotDue>, sessions: Query<&Session>) -> bool {
    due.0 || sessions.iter().any(is_last_due)
}

fn is_last_due(session: &Session) -> bool {
    session.is_over() && !session.last_snapshot_taken
}

/// Once an interval every session's that goes on, and at a session's end its last one.
fn list_snapshots(
    mut due: ResMut<SnapshotDue>,
    mut list: ResMut<DueSnapshots>,
    mut sessions: Sessions,
    mut timers: ResMut<Timers>,
    settings: Res<ActiveSettings>,
    clock: Res<Clock>,
) {
    let is_due = std::mem::take(&mut due.0);
    if is_due {
        timers.set(clock.now() + settings.0.snapshot_interval, Due::Snapshot);
    }
    let ids: Vec<SessionId> = sessions.index.ids().collect();
    for id in ids {
        let mut session = sessions.get_mut(id);
        let is_over = session.is_over();
        if is_last_due(&session) || (is_due && !is_over) {
            session.last_snapshot_taken = is_over;
            list.add(id);
        }
    }
}

#[cfg(test)]
mod tests;
