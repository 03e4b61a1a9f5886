//! Settings in layers (SPEC K2): defaults < profile < settings file < site file < environment <
//! flags; each value knows which layer it came from.

use std::{collections::BTreeMap, fmt, fmt::Write as _};

use serde::Serialize;

use super::{Settings, presets, registry};
use crate::site::{
    compiled::{Politeness, Site},
    problems::{SiteErrors, printable},
};
use given::{Given, environment_values, file_values, flag_values, kept_values, site_values};

mod given;

/// Environment variables that are settings begin with this.
pub const PREFIX: &str = "CRAWLFIELD_";

/// Where a value came from; the later one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Built in.
    Default,
    /// The profile's preset.
    Profile,
    /// The settings file.
    File,
    /// The site file.
    Site,
    /// An environment variable.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Default => "default",
            Self::Profile => "profile",
            Self::File => "settings file",
            Self::Site => "site file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

/// What the layers are made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Cores of the machine, for the profile's parse workers.
    pub cores: u32,
    /// Text and name of the settings file.
    pub file: Option<(&'a str, &'a str)>,
    /// The site that is crawled; its politeness counts.
    pub site: Option<&'a Site>,
    /// What a session was begun with, by dotted name: above the site file, but for names that the
    /// settings file says anew.
    pub kept: &'a [(String, String)],
    /// The environment; only names that begin with `CRAWLFIELD_` are looked at.
    pub environment: &'a BTreeMap<String, String>,
    /// Dotted name and value, the last one of a name wins.
    pub flags: &'a [(String, String)],
}

/// Settings and where each came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Layered {
    /// The effective values.
    pub settings: Settings,
    /// Dotted name → value as text, and its layer.
    pub provenance: BTreeMap<&'static str, (String, Layer)>,
    /// What is odd but does no harm, e.g. an environment variable with a near name.
    pub warnings: Vec<String>,
}

/// What is wrong with a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// The settings file.
    #[error("{0}")]
    File(SiteErrors),
    /// An environment variable.
    #[error("environment variable {name}: {reason}")]
    Environment {
        /// The variable.
        name: String,
        /// What was expected.
        reason: String,
    },
    /// A flag.
    #[error("setting {name}: {reason}")]
    Flag {
        /// The dotted name.
        name: String,
        /// What was expected.
        reason: String,
    },
}

/// Lays the layers over each other.
///
/// # Errors
/// The first layer that holds a bad value, with all problems of the settings file.
pub fn layer(inputs: &Inputs<'_>) -> Result<Layered, LayerError> {
    let mut warnings = Vec::new();
    let mut given = file_values(inputs)?;
    given.extend(
        inputs
            .site
            .into_iter()
            .flat_map(|site| site_values(&site.politeness)),
    );
    let kept = kept_values(inputs.kept, &given);
    given.extend(kept);
    given.extend(environment_values(inputs.environment, &mut warnings));
    given.extend(flag_values(inputs.flags)?);
    let mut settings = Settings::default();
    let mut from: BTreeMap<&'static str, Layer> = BTreeMap::new();
    let profile = given.iter().rev().find(|given| given.name == "profile");
    if let Some(given) = profile {
        let profile = presets::named(&given.value).map_err(|reason| wrong(given, reason))?;
        settings.profile = profile;
        from.insert("profile", given.layer);
    }
    for name in presets::apply(&mut settings, inputs.cores) {
        from.insert(name, Layer::Profile);
    }
    for given in given.iter().filter(|given| given.name != "profile") {
        let setting = registry::named(given.name).map_err(|reason| wrong(given, reason))?;
        setting
            .put(&mut settings, &given.value)
            .map_err(|reason| wrong(given, reason))?;
        from.insert(given.name, given.layer);
    }
    // A set rate is the promise that the site bears it, so it needs no second bound (SPEC A).
    if let (Some(layer), None) = (
        from.get("politeness.max_rate").copied(),
        from.get("politeness.max_in_flight"),
    ) {
        settings.host.max_in_flight = settings.http_permits;
        from.insert("politeness.max_in_flight", layer);
    }
    if let Err((name, reason)) = super::change::consistent(&settings) {
        let last = given.iter().rev().find(|given| given.name == name);
        let reason = format!("{name}: {reason}");
        return Err(last.map_or(
            LayerError::Flag {
                name: name.to_owned(),
                reason: reason.clone(),
            },
            |given| wrong(given, reason),
        ));
    }
    Ok(Layered {
        provenance: provenance(&settings, &from),
        settings,
        warnings,
    })
}

fn wrong(given: &Given, reason: String) -> LayerError {
    let name = given.origin.clone();
    match given.layer {
        Layer::Environment => LayerError::Environment { name, reason },
        _ => LayerError::Flag { name, reason },
    }
}

fn provenance(
    settings: &Settings,
    from: &BTreeMap<&'static str, Layer>,
) -> BTreeMap<&'static str, (String, Layer)> {
    let layer = |name: &str| from.get(name).copied().unwrap_or(Layer::Default);
    let mut all: BTreeMap<&'static str, (String, Layer)> = registry::ALL
        .iter()
        .map(|setting| (setting.name, (setting.show(settings), layer(setting.name))))
        .collect();
    all.insert(
        "profile",
        (settings.profile.name().to_owned(), layer("profile")),
    );
    all
}

/// The environment variable of a setting: `retry.base` is `CRAWLFIELD_RETRY_BASE`.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "_").to_ascii_uppercase())
}

impl Layered {
    /// The layer that a setting's value came from.
    #[must_use]
    pub fn layer_of(&self, name: &str) -> Layer {
        self.provenance
            .get(name)
            .map_or(Layer::Default, |(_, layer)| *layer)
    }

    /// What files, environment and flags set, by dotted name: with it the session goes on later.
    #[must_use]
    pub fn to_keep(&self) -> BTreeMap<&'static str, &str> {
        let is_set = |layer: Layer| !matches!(layer, Layer::Default | Layer::Profile | Layer::Site);
        let set = self
            .provenance
            .iter()
            .filter(|(_, (_, layer))| is_set(*layer));
        set.map(|(name, (value, _))| (*name, value.as_str()))
            .collect()
    }

    /// Writes what environment or flags set above the site file into the site's politeness, so
    /// that those who read it see the effective values.
    pub fn apply_to(&self, politeness: &mut Politeness) {
        let over = |name: &str| self.layer_of(name) > Layer::Site;
        let (host, fetch) = (&self.settings.host, &self.settings.fetch);
        if over("politeness.max_rate") {
            politeness.max_rate = Some(host.max_rate);
        }
        if over("politeness.max_in_flight") {
            politeness.max_in_flight = Some(host.max_in_flight);
        }
        if over("fetch.user_agent") {
            politeness.user_agent = Some(fetch.user_agent.clone());
        }
        if over("fetch.connect_timeout") {
            politeness.connect_timeout = Some(fetch.connect_timeout);
        }
        if over("fetch.first_byte_timeout") {
            politeness.first_byte_timeout = Some(fetch.first_byte_timeout);
        }
        if over("fetch.timeout") {
            politeness.timeout = Some(fetch.timeout);
        }
        if over("fetch.max_body") {
            politeness.max_body = Some(fetch.max_body);
        }
    }

    /// All settings, one a line: name, value, layer, documentation.
    #[must_use]
    pub fn explain(&self) -> String {
        let profile = (
            "profile",
            "Preset of permits and queues: economy, balanced, performance.",
        );
        let all = std::iter::once(profile).chain(
            registry::ALL
                .iter()
                .map(|setting| (setting.name, setting.doc)),
        );
        let mut text = String::new();
        for (name, doc) in all {
            let (value, layer) = &self.provenance[name];
            let value = printable(value);
            let layer = format!("({layer})");
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{name:<28} {value:<16} {layer:<15} {doc}");
        }
        text
    }
}

#[cfg(test)]
mod tests;
