//! Verbs of a tick, in one visible chain.
#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their parameters by value"
)]

mod advance;
mod completion;
mod crawl;
mod dispatch;
mod intake;
mod observe;
mod persist;
mod plan;
mod retry;

use bevy_ecs::{
    schedule::{
        IntoScheduleConfigs, LogLevel, Schedule, ScheduleBuildSettings, SingleThreadedExecutor,
        SystemSet,
    },
    world::World,
};

pub use crawl::{Inbox, Outbox};

use crate::{
    politeness::capacity::Gauge,
    settings::Settings,
    world::{
        clock::Clock,
        host_queue::Lines,
        journal::Journal,
        ledger::Ledger,
        permits::Permits,
        session::{Condition, Index},
        slots::Slots,
        stats::Stats,
        timers::{Due, Timers},
        window::Window,
    },
};

/// The order of a tick.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TickSystems {
    /// Commands.
    Intake,
    /// Reports: what came back.
    Completion,
    /// In flight: fetched → parsing, parsed → saving.
    Advance,
    /// Setbacks judged, due times.
    Retry,
    /// Sessions, batches, stages, admission, departures.
    Plan,
    /// Queued → fetching.
    Dispatch,
    /// Letters to the store.
    Persist,
    /// The feed.
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
    intake::install(&mut schedule);
    completion::install(&mut schedule);
    advance::install(&mut schedule);
    retry::install(&mut schedule);
    plan::install(&mut schedule);
    dispatch::install(&mut schedule);
    persist::install(&mut schedule);
    observe::install(&mut schedule);

    world.insert_resource(permits(&settings));
    let mut timers = Timers::default();
    timers.set(settings.snapshot_interval, Due::Snapshot);
    world.insert_resource(timers);
    world.insert_resource(crawl::Live(settings));
    world.init_resource::<Clock>();
    world.init_resource::<Journal>();
    world.init_resource::<Ledger>();
    world.init_resource::<Lines>();
    world.init_resource::<Slots>();
    world.init_resource::<Stats>();
    world.init_resource::<Window>();
    world.init_resource::<Index>();
    world.init_resource::<Condition>();
    world.init_resource::<Inbox>();
    world.init_resource::<Outbox>();
    world.init_resource::<crawl::Desk>();
    schedule
}

fn permits(settings: &Settings) -> Permits {
    let ceilings = settings.ceilings();
    let mut permits = Permits::default();
    permits.fit(&Gauge::default().capacities(&ceilings), ceilings.cpu);
    permits
}

/// Whether another tick would do something at once.
pub fn wants_more(world: &mut World) -> bool {
    let inbox = world.resource::<Inbox>();
    let waiting = !inbox.commands.is_empty() || !inbox.reports.is_empty();
    let mut desk = world.resource_mut::<crawl::Desk>();
    std::mem::take(&mut desk.again) || desk.restless || !desk.opened.is_empty() || waiting
}
