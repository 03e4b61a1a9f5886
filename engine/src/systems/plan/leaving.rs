//! Ended tasks leave the window.

use bevy_ecs::system::Res;

use crate::world::{frontier::Frontier, permits::Permits, task_state::Tasks};

/// Ended tasks leave when their time is up, at once when the window is nearly full.
pub(super) fn let_leave(mut tasks: Tasks, mut frontier: Frontier, permits: Res<Permits>) {
    let now = tasks.now();
    while let Some((at, entity)) = frontier.window.leaving.front().copied() {
        let is_pressed = permits.is_pressed || frontier.window.is_nearly_full();
        if at > now && !is_pressed {
            break;
        }
        frontier.window.leaving.pop_front();
        frontier.leave(&mut tasks, entity);
    }
}
