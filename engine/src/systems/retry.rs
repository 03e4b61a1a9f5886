//! Retry: setbacks are judged (backoff, failed, dead, or back to the queue), and due times come.

mod due;
mod setbacks;

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    world::World,
};

pub(super) use due::BudgetWaits;
#[cfg(test)]
pub(super) use due::{BackoffOver, OrderDue};

use crate::{
    systems::{TickSystems, completion::Setback},
    world::queue::{Queue, any},
};

pub(super) fn install(schedule: &mut Schedule, world: &mut World) {
    world.init_resource::<Queue<due::BackoffOver>>();
    world.init_resource::<Queue<due::OrderDue>>();
    world.init_resource::<due::BudgetWaits>();
    schedule.add_systems(
        (
            setbacks::judge_setbacks.run_if(any::<Setback>),
            due::fire_due.run_if(due::is_due),
            due::end_backoffs.run_if(any::<due::BackoffOver>),
            due::watch_orders.run_if(any::<due::OrderDue>),
        )
            .chain()
            .in_set(TickSystems::Retry),
    );
}

#[cfg(test)]
mod tests;
