//! Intake: commands are validated, carried out and acknowledged. Each of these systems takes those
//! that are its own, in the order in which they were given.

mod hosts;
mod inspect;
mod recall;
mod requeue;
mod sessions;
mod settings;
mod tasks;

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    system::Res,
};

use crate::{
    message::commands::{Command, Envelope, Target},
    systems::TickSystems,
    world::{border::Inbox, condition::Recall},
};

pub(super) fn install(schedule: &mut Schedule) {
    let commands = (
        sessions::steer_sessions.run_if(asks(Area::Sessions)),
        settings::change_settings.run_if(asks(Area::Settings)),
        hosts::force_breakers.run_if(asks(Area::Hosts)),
        tasks::steer_tasks.run_if(asks(Area::Tasks)),
        requeue::requeue_or_drop.run_if(asks(Area::Pages)),
        inspect::inspect_tasks.run_if(asks(Area::Inspect)),
    );
    schedule.add_systems(
        (
            commands.chain(),
            recall::call_back.run_if(|recall: Res<Recall>| recall.0),
        )
            .chain()
            .in_set(TickSystems::Intake),
    );
}

/// Which system carries a command out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    Sessions,
    Settings,
    Hosts,
    Tasks,
    Pages,
    Inspect,
}

impl Area {
    const fn of(command: &Command) -> Self {
        match command {
            Command::Pause(Target::Task(_)) | Command::Resume(Target::Task(_)) => Self::Tasks,
            Command::RequeueDead { .. } | Command::Drop { .. } => Self::Pages,
            Command::Start(_)
            | Command::Pause(_)
            | Command::Resume(_)
            | Command::Cancel { .. }
            | Command::AddStart { .. }
            | Command::Step(_)
            | Command::Nothing
            | Command::Shutdown => Self::Sessions,
            Command::SetProfile(_) | Command::Set { .. } => Self::Settings,
            Command::Breaker { .. } => Self::Hosts,
            Command::Inspect(_) => Self::Inspect,
        }
    }

    /// Takes the commands of this area.
    fn take(self, inbox: &mut Inbox) -> Vec<Envelope> {
        let all = std::mem::take(&mut inbox.commands);
        let (own, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|envelope| Self::of(&envelope.command) == self);
        inbox.commands = others.into();
        own
    }
}

/// A run condition: whether commands of this area came in.
fn asks(area: Area) -> impl Fn(Res<Inbox>) -> bool {
    move |inbox: Res<Inbox>| {
        let mut commands = inbox.commands.iter();
        commands.any(|envelope| Area::of(&envelope.command) == area)
    }
}

#[cfg(test)]
mod tests;
