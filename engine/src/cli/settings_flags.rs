//! Flags that set settings, and the settings that come of all layers.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value as Json;

use super::{Failure, print_stderr};
use crate::{
    settings::layers::{Inputs, Layered, PREFIX, layer},
    site::compiled::Site,
};

/// Layers above the site file, the same for every command that runs an engine.
#[derive(Args, Debug, Clone, Default)]
pub struct SettingsFlags {
    /// Preset of limits
    #[arg(long, value_enum)]
    profile: Option<ProfileFlag>,
    /// Settings file (TOML)
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// One setting by its dotted name, e.g. `politeness.max_rate=2/s`
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    #[arg(skip)]
    kept: Vec<(String, String)>,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum ProfileFlag {
    /// Few permits
    Economy,
    /// The default
    Balanced,
    /// All that the machine bears
    Performance,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| "expected NAME=VALUE".to_owned())
}

impl SettingsFlags {
    /// The same over what a stopped session was begun with.
    pub(super) fn over(&self, origin: &Json) -> Self {
        let kept = origin["settings"].as_object().into_iter().flatten();
        let kept =
            kept.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Self {
            kept: self.kept.iter().cloned().chain(kept).collect(),
            ..self.clone()
        }
    }

    /// The same over settings that a job brings along.
    #[must_use]
    pub fn over_settings(&self, kept: &[(&str, &str)]) -> Self {
        let kept = kept.iter();
        let kept = kept.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            kept: kept.chain(self.kept.iter().cloned()).collect(),
            ..self.clone()
        }
    }

    /// Defaults, profile, settings file, site file, environment and flags, laid over each other.
    ///
    /// # Errors
    /// A layer holds an unknown name or a value out of its range; the text says where.
    pub fn layered(&self, site: Option<&Site>) -> Result<Layered, Failure> {
        self.with_inputs(site, |inputs| {
            let layered = layer(inputs).map_err(|error| Failure::usage(error.to_string()))?;
            for warning in &layered.warnings {
                print_stderr(&format!("warning: {warning}"));
            }
            Ok(layered)
        })
    }

    /// Calls `with` with the layers that the flags and this process give.
    pub(super) fn with_inputs<T>(
        &self,
        site: Option<&Site>,
        with: impl FnOnce(&Inputs<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let file = self
            .settings
            .as_deref()
            .map(|path| super::read_file(path).map(|text| (text, path.display().to_string())))
            .transpose()?;
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX) && name != "CRAWLFIELD_CASES")
            .collect();
        let mut flags = self.set.clone();
        if let Some(profile) = self.profile.and_then(|profile| profile.to_possible_value()) {
            flags.push(("profile".to_owned(), profile.get_name().to_owned()));
        }
        with(&Inputs {
            cores: crate::run::cores(),
            file: file
                .as_ref()
                .map(|(text, name)| (text.as_str(), name.as_str())),
            site,
            kept: &self.kept,
            environment: &environment,
            flags: &flags,
        })
    }
}
