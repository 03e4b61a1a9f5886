//! What a tick does, in one visible chain.
#![expect(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "a system takes what it touches, by value"
)]

mod advance;
mod completion;
mod dispatch;
mod endings;
mod intake;
mod observe;
mod persist;
mod plan;
mod retry;

use std::sync::Arc;

use bevy_ecs::{
    schedule::{
        IntoScheduleConfigs, LogLevel, Schedule, ScheduleBuildSettings, SingleThreadedExecutor,
        SystemSet,
    },
    system::RunSystemOnce,
    world::World,
};

use crate::{
    model::ids::SessionId,
    settings::Settings,
    world::{
        border::{Inbox, Outbox, TickAgain},
        clock::Clock,
        condition::{
            CapacityGauge, DispatchLimit, NetworkWatch, Pause, Recall, Shutdown, StoreHealth,
        },
        host::HostIndex,
        host_queue::{HostQueues, LowQueues},
        journal::Journal,
        ledger::Ledger,
        permits::Permits,
        queue::{ParseQueue, SaveQueue},
        replies::PendingReplies,
        residents::Residents,
        session::SessionIndex,
        settings::ActiveSettings,
        slots::Slots,
        stats::Stats,
        store_requests::StoreRequests,
        timers::{Due, Timers},
        window::Window,
    },
};

/// The order of a tick.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TickSystems {
    Intake,
    /// Reports: what came back.
    Completion,
    /// In flight: fetched → parsing, parsed → saving.
    Advance,
    /// Setbacks judged, due times.
    Retry,
    /// Sessions, batches, stages, admission, departures.
    Plan,
    Dispatch,
    /// Requests to the store.
    Persist,
    Observe,
}

/// Puts the engine into a world; what a step of it runs.
pub fn install(world: &mut World, settings: Settings) -> Schedule {
    let mut schedule = Schedule::default();
    schedule.set_executor(SingleThreadedExecutor::new());
    schedule.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
    schedule.configure_sets(
        (
            TickSystems::Intake,
            TickSystems::Completion,
            TickSystems::Advance,
            TickSystems::Retry,
            TickSystems::Plan,
            TickSystems::Dispatch,
            TickSystems::Persist,
            TickSystems::Observe,
        )
            .chain(),
    );
    install_resources(world, settings);
    intake::install(&mut schedule);
    completion::install(&mut schedule, world);
    advance::install(&mut schedule);
    retry::install(&mut schedule, world);
    plan::install(&mut schedule, world);
    dispatch::install(&mut schedule, world);
    persist::install(&mut schedule);
    observe::install(&mut schedule, world);
    schedule
}

fn install_resources(world: &mut World, settings: Settings) {
    let gauge = CapacityGauge::default();
    let mut permits = Permits::default();
    plan::fit_capacities(&gauge, &mut permits, &settings);
    let mut timers = Timers::default();
    timers.set(settings.snapshot_interval, Due::Snapshot);
    let mut window = Window::default();
    window.fit(&settings);
    world.insert_resource(gauge);
    world.insert_resource(permits);
    world.insert_resource(timers);
    world.insert_resource(window);
    world.insert_resource(ActiveSettings(Arc::new(settings)));
    world.init_resource::<Inbox>();
    world.init_resource::<Outbox>();
    world.init_resource::<TickAgain>();
    world.init_resource::<Clock>();
    world.init_resource::<Journal>();
    world.init_resource::<Ledger>();
    world.init_resource::<Stats>();
    world.init_resource::<HostQueues>();
    world.init_resource::<LowQueues>();
    world.init_resource::<Residents>();
    world.init_resource::<HostIndex>();
    world.init_resource::<SessionIndex>();
    world.init_resource::<Slots>();
    world.init_resource::<ParseQueue>();
    world.init_resource::<SaveQueue>();
    world.init_resource::<StoreRequests>();
    world.init_resource::<PendingReplies>();
    world.init_resource::<Pause>();
    world.init_resource::<Shutdown>();
    world.init_resource::<Recall>();
    world.init_resource::<StoreHealth>();
    world.init_resource::<NetworkWatch>();
    world.init_resource::<DispatchLimit>();
}

/// A tick broke off by a mistake of ours: the feed says so in every session. What the tick had not
/// told yet stays untold.
///
/// # Panics
/// If nothing was installed in this world.
pub fn tell_mistake(world: &mut World, text: &str) {
    let sessions: Vec<SessionId> = world.resource::<SessionIndex>().ids().collect();
    let mut journal = world.resource_mut::<Journal>();
    journal.take();
    journal.notice_all(sessions.into_iter(), text);
    let told = world.run_system_once(observe::tell_changes);
    told.expect("what a feed is made of is there from the start");
}

/// Whether another tick would do something at once.
pub fn wants_more(world: &mut World) -> bool {
    let again = std::mem::take(&mut world.resource_mut::<TickAgain>().0);
    let inbox = world.resource::<Inbox>();
    let waiting = !inbox.commands.is_empty() || !inbox.reports.is_empty();
    again || waiting || world.resource::<Ledger>().stages_changed
}

#[cfg(test)]
mod tests;
