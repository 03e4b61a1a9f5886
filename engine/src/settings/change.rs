//! One change of a setting while the engine runs (SPEC B7): validated whole, or refused.

use serde_json::Value as Json;

use super::{Settings, presets, registry};
use crate::model::profile::Profile;

/// A change that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Dotted name.
    pub name: &'static str,
    /// The value before.
    pub old: Json,
    /// The value now.
    pub new: Json,
}

impl Settings {
    /// Changes one setting by its dotted name. Nothing is changed where the value, or the settings
    /// with it, would be wrong. A permit set by hand makes the profile *custom*.
    ///
    /// # Errors
    /// What was expected, with the nearest name or word.
    pub fn set(&mut self, name: &str, value: &Json) -> Result<Change, String> {
        if name == "profile" {
            return Err("the profile is switched by its own command".to_owned());
        }
        let setting = registry::named(name)?;
        let mut changed = self.clone();
        setting
            .put(&mut changed, value)
            .map_err(|reason| format!("{name}: {reason}"))?;
        consistent(&changed).map_err(|(at, reason)| format!("{at}: {reason}"))?;
        let (old, new) = (setting.get(self), setting.get(&changed));
        if presets::decides(name) && old != new {
            changed.profile = Profile::Custom;
        }
        *self = changed;
        Ok(Change {
            name: setting.name,
            old,
            new,
        })
    }
}

/// What no setting shows alone.
pub(super) fn consistent(settings: &Settings) -> Result<(), (&'static str, String)> {
    let breaker = &settings.breaker;
    if settings.retry.policy.cap < settings.retry.policy.base {
        return Err(("retry.cap", "is shorter than retry.base".to_owned()));
    }
    if breaker.min_sample > breaker.window {
        return Err(("breaker.min_sample", "is above breaker.window".to_owned()));
    }
    if breaker.max_open_for < breaker.open_for {
        return Err((
            "breaker.max_open_for",
            "is shorter than breaker.open_for".to_owned(),
        ));
    }
    Ok(())
}
