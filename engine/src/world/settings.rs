//! The settings in force.

use std::sync::Arc;

use bevy_ecs::resource::Resource;

use crate::settings::Settings;

/// The settings in force; a command puts others in their place. Sessions and the window hold what
/// concerns them.
#[derive(Resource, Debug)]
pub struct ActiveSettings(pub Arc<Settings>);
