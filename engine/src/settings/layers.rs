//! Settings in layers (SPEC K2): defaults < profile < settings file < site file < environment <
//! flags; each value knows which layer it came from.

use std::{collections::BTreeMap, fmt, fmt::Write as _};

use serde::Serialize;
use serde_json::Value as Json;

use super::{
    Settings, presets,
    registry::{self, Setting},
};
use crate::site::{
    amounts::show_duration,
    compiled::{Politeness, Site},
    document::{Keys, NamedNode, found, parse, plain},
    problems::{Problems, SiteErrors, nearest, printable},
};

/// Environment variables that are settings begin with this.
pub(crate) const PREFIX: &str = "CRAWLFIELD_";

/// Where a value came from; the later one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Built into the program.
    Default,
    /// The preset of the profile in force.
    Profile,
    /// The settings file, `--settings FILE`.
    File,
    /// The politeness of the site file.
    Site,
    /// An environment variable, `CRAWLFIELD_…`.
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
    /// The values in force: of each, the last layer's.
    pub settings: Settings,
    /// Dotted name → value as text, and its layer.
    pub provenance: BTreeMap<&'static str, (String, Layer)>,
    /// What is odd but does no harm, e.g. an environment variable with a near name.
    pub warnings: Vec<String>,
}

/// What is wrong with a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// All that is wrong with the settings file.
    #[error("{0}")]
    File(SiteErrors),
    /// An environment variable has a wrong value.
    #[error("environment variable {name}: {reason}")]
    Environment {
        /// The variable's whole name.
        name: String,
        /// What was expected, and found.
        reason: String,
    },
    /// A flag, or what a session was begun with, is wrong.
    #[error("setting {name}: {reason}")]
    Flag {
        /// The setting's dotted name.
        name: String,
        /// What was expected, and found.
        reason: String,
    },
}

/// One value that a layer gives: dotted name, value, and where it stands for messages.
struct Given {
    name: &'static str,
    value: Json,
    layer: Layer,
    origin: String,
}

/// Lays the layers over each other.
///
/// # Errors
/// The first layer that holds a bad value, with all problems of the settings file.
pub fn layer(inputs: &Inputs<'_>) -> Result<Layered, LayerError> {
    let mut warnings = Vec::new();
    let mut given = file_values(inputs)?;
    if let Some(site) = inputs.site {
        given.extend(site_values(&site.politeness));
    }
    let kept = kept_values(inputs.kept, &given);
    given.extend(kept);
    given.extend(environment_values(inputs.environment, &mut warnings));
    given.extend(flag_values(inputs.flags)?);
    let mut settings = Settings::default();
    let mut from: BTreeMap<&'static str, Layer> = BTreeMap::new();
    let (profiles, others): (Vec<&Given>, Vec<&Given>) =
        given.iter().partition(|given| given.name == "profile");
    let mut put = |given: &Given, settings: &mut Settings| {
        let setting = registry::named(given.name);
        let put = setting.and_then(|setting| setting.put(settings, &given.value));
        from.insert(given.name, given.layer);
        put.map_err(|reason| wrong(given, reason))
    };
    if let Some(profile) = profiles.last() {
        put(profile, &mut settings)?;
    }
    let decided = presets::apply(&mut settings, inputs.cores);
    for given in others {
        put(given, &mut settings)?;
    }
    for name in decided {
        from.entry(name).or_insert(Layer::Profile);
    }
    // A set rate is the promise that the site bears it, so it needs no second bound (SPEC A).
    if let (Some(layer), None) = (
        from.get("politeness.max_rate").copied(),
        from.get("politeness.max_in_flight"),
    ) {
        settings.host.max_in_flight = settings.http_permits;
        from.insert("politeness.max_in_flight", layer);
    }
    if let Err((name, reason)) = settings.consistent() {
        let reason = format!("{name}: {reason}");
        let last = given.iter().rev().find(|given| given.name == name);
        let name = name.to_owned();
        return Err(match last {
            Some(given) => wrong(given, reason),
            None => LayerError::Flag { name, reason },
        });
    }
    let layer = |name| from.get(name).copied().unwrap_or(Layer::Default);
    let provenance = registry::all()
        .map(|setting| (setting.name, (setting.show(&settings), layer(setting.name))))
        .collect();
    Ok(Layered {
        settings,
        provenance,
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

fn file_values(inputs: &Inputs<'_>) -> Result<Vec<Given>, LayerError> {
    let Some((text, file)) = inputs.file else {
        return Ok(Vec::new());
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let problems = Problems::new(file, text);
    let mut given = Vec::new();
    if let Some(document) = parse(text, &problems) {
        for entry in Keys::root(&document, &problems).entries() {
            file_entry(&entry, &mut given);
        }
    }
    problems.finish().map(|_| given).map_err(LayerError::File)
}

fn file_entry(entry: &NamedNode<'_>, given: &mut Vec<Given>) {
    let node = &entry.node;
    let group = |name: &'static str| Some(name.split_once('.')?.0);
    let Ok(setting) = registry::named(&node.field) else {
        let mut groups = registry::all().filter_map(|setting| group(setting.name));
        let is_group = node.is_table() && groups.any(|group| group == node.field);
        if let Some(keys) = is_group.then(|| node.keys()).flatten() {
            for entry in keys.entries() {
                file_entry(&entry, given);
            }
            return;
        }
        let known = registry::all().flat_map(|s| [Some(s.name), group(s.name)]);
        let near = nearest(&node.field, known.flatten());
        let message = "there is no such setting; `crawlfield check` lists all";
        entry.error(message, near);
        return;
    };
    let value = plain(node.value).and_then(|value| serde_json::to_value(value).ok());
    let Some(value) = value.filter(|value| !value.is_object() && !value.is_array()) else {
        node.error(format!("expected one value, found {}", found(node.value)));
        return;
    };
    match setting.put(&mut Settings::default(), &value) {
        Ok(()) => given.push(Given {
            name: setting.name,
            value,
            layer: Layer::File,
            origin: setting.name.to_owned(),
        }),
        Err(reason) => node.error(reason),
    }
}

/// A setting that `[politeness]` has a key for: how the key is read as its value, and written.
struct SiteKey {
    setting: &'static str,
    read: fn(&Politeness) -> Option<Json>,
    write: fn(&mut Politeness, &Settings),
}

macro_rules! site_keys {
    ($($setting:literal $key:ident $place:ident.$field:ident $json:expr;)+) => {
        &[$(SiteKey {
            setting: $setting,
            read: |site| site.$key.as_ref().map($json),
            write: |site, settings| site.$key = Some(settings.$place.$field.clone()),
        }),+]
    };
}

const SITE_KEYS: &[SiteKey] = site_keys! {
    "politeness.max_rate" max_rate host.max_rate |rate| Json::from(*rate);
    "politeness.max_in_flight" max_in_flight host.max_in_flight |count| Json::from(*count);
    "fetch.user_agent" user_agent fetch.user_agent |text| Json::from(text.as_str());
    "fetch.connect_timeout" connect_timeout fetch.connect_timeout |time| Json::from(show_duration(*time));
    "fetch.first_byte_timeout" first_byte_timeout fetch.first_byte_timeout |time| Json::from(show_duration(*time));
    "fetch.timeout" timeout fetch.timeout |time| Json::from(show_duration(*time));
    "fetch.max_body" max_body fetch.max_body |bytes| Json::from(*bytes);
};

fn site_values(politeness: &Politeness) -> impl Iterator<Item = Given> {
    SITE_KEYS.iter().filter_map(|key| {
        Some(Given {
            name: key.setting,
            value: (key.read)(politeness)?,
            layer: Layer::Site,
            origin: format!("site file, {}", key.setting),
        })
    })
}

/// What a session was begun with; names that this program does not know any more are left out.
fn kept_values(kept: &[(String, String)], given: &[Given]) -> Vec<Given> {
    let said_anew = |name: &str| {
        given
            .iter()
            .any(|g| g.layer == Layer::File && g.name == name)
    };
    let known = kept
        .iter()
        .filter_map(|(name, value)| Some((registry::named(name).ok()?.name, value)));
    known
        .filter(|(name, _)| !said_anew(name))
        .map(|(name, value)| Given {
            name,
            value: Json::String(value.clone()),
            layer: Layer::Flag,
            origin: format!("{name}, as the session was begun with"),
        })
        .collect()
}

fn environment_values(
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Vec<Given> {
    let names: BTreeMap<String, &'static str> = registry::all()
        .map(|setting| (variable(setting.name), setting.name))
        .collect();
    let mut given = Vec::new();
    let ours = environment
        .iter()
        .filter(|(key, _)| key.starts_with(PREFIX));
    for (key, value) in ours {
        if let Some(name) = names.get(key) {
            given.push(Given {
                name,
                value: Json::String(value.clone()),
                layer: Layer::Environment,
                origin: key.clone(),
            });
            continue;
        }
        let known = names.keys().map(|known| &known[PREFIX.len()..]);
        let hint = nearest(&key[PREFIX.len()..], known).map_or_else(
            || "`crawlfield check` lists all".to_owned(),
            |near| format!("did you mean {PREFIX}{near}?"),
        );
        let key = printable(key);
        warnings.push(format!("environment variable {key} is no setting; {hint}"));
    }
    given
}

fn flag_values(flags: &[(String, String)]) -> Result<Vec<Given>, LayerError> {
    let given = |(name, value): &(String, String)| {
        let origin = name.clone();
        let setting = registry::named(name).map_err(|reason| LayerError::Flag {
            name: origin.clone(),
            reason,
        })?;
        Ok(Given {
            name: setting.name,
            value: Json::String(value.clone()),
            layer: Layer::Flag,
            origin,
        })
    };
    flags.iter().map(given).collect()
}

/// The environment variable of a setting: `retry.base` is `CRAWLFIELD_RETRY_BASE`.
fn variable(name: &str) -> String {
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
        for key in SITE_KEYS {
            if self.layer_of(key.setting) > Layer::Site {
                (key.write)(politeness, &self.settings);
            }
        }
    }

    /// All settings, one a line: name, value, layer, documentation.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut text = String::new();
        for Setting { name, doc, .. } in registry::all() {
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
