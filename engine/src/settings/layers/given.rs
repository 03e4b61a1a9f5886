//! What the settings file, the site file, the environment and the flags say, as named values.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml::de::DeValue;

use super::{Inputs, Layer, LayerError, PREFIX, variable};
use crate::{
    settings::{Settings, presets, registry},
    site::{
        compiled::Politeness,
        parse,
        problems::{Problems, nearest, printable},
        reading::{Entry, Node, Table, found, plain},
    },
};

/// One value that a layer gives: dotted name, value, and where it stands for messages.
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) value: Json,
    pub(super) layer: Layer,
    pub(super) origin: String,
}

fn known_name(name: &str) -> Result<&'static str, String> {
    if name == "profile" {
        Ok("profile")
    } else {
        registry::named(name).map(|setting| setting.name)
    }
}

pub(super) fn file_values(inputs: &Inputs<'_>) -> Result<Vec<Given>, LayerError> {
    let Some((text, file)) = inputs.file else {
        return Ok(Vec::new());
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = Problems::new(file, text);
    let mut given = Vec::new();
    if let Some(document) = parse(text, &mut problems) {
        for entry in Table::root(&document).entries() {
            file_entry(&entry, &mut given, &mut problems);
        }
    }
    problems.finish().map(|_| given).map_err(LayerError::File)
}

fn file_entry(entry: &Entry<'_>, given: &mut Vec<Given>, problems: &mut Problems<'_>) {
    let node: &Node<'_> = &entry.node;
    let name = match known_name(&node.field) {
        Ok(name) => name,
        Err(_) if matches!(node.value, DeValue::Table(_)) && is_group(&node.field) => {
            for entry in node
                .table(problems)
                .map(|table| table.entries())
                .unwrap_or_default()
            {
                file_entry(&entry, given, problems);
            }
            return;
        }
        Err(_) => {
            let known = registry::ALL
                .iter()
                .map(|setting| setting.name)
                .chain(["profile"]);
            let groups = ["politeness", "retry", "breaker", "fetch", "bounds"];
            let message = "there is no such setting; `crawlfield check` lists all";
            problems.unknown(
                &entry.name_span,
                &node.field,
                message,
                &node.field,
                known.chain(groups),
            );
            return;
        }
    };
    let value = plain(node.value).and_then(|value| serde_json::to_value(value).ok());
    let Some(value) = value.filter(|value| !value.is_object() && !value.is_array()) else {
        node.error(
            format!("expected one value, found {}", found(node.value)),
            problems,
        );
        return;
    };
    let tried = if name == "profile" {
        presets::named(&value).map(|_| ())
    } else {
        registry::named(name).and_then(|setting| setting.put(&mut Settings::default(), &value))
    };
    match tried {
        Ok(()) => given.push(Given {
            name,
            value,
            layer: Layer::File,
            origin: name.to_owned(),
        }),
        Err(reason) => node.error(reason, problems),
    }
}

fn is_group(field: &str) -> bool {
    let start = format!("{field}.");
    registry::ALL
        .iter()
        .any(|setting| setting.name.starts_with(&start))
}

pub(super) fn site_values(politeness: &Politeness) -> Vec<Given> {
    let time = |value: Option<std::time::Duration>| {
        value.map(|value| Json::from(crate::site::amounts::show_duration(value)))
    };
    let values = [
        ("politeness.max_rate", politeness.max_rate.map(Json::from)),
        (
            "politeness.max_in_flight",
            politeness.max_in_flight.map(Json::from),
        ),
        (
            "fetch.user_agent",
            politeness.user_agent.clone().map(Json::from),
        ),
        ("fetch.connect_timeout", time(politeness.connect_timeout)),
        (
            "fetch.first_byte_timeout",
            time(politeness.first_byte_timeout),
        ),
        ("fetch.timeout", time(politeness.timeout)),
        ("fetch.max_body", politeness.max_body.map(Json::from)),
    ];
    let given = |(name, value): (&'static str, Option<Json>)| {
        Some(Given {
            name,
            value: value?,
            layer: Layer::Site,
            origin: format!("site file, {name}"),
        })
    };
    values.into_iter().filter_map(given).collect()
}

/// What a session was begun with; names that this program does not know any more are left out.
pub(super) fn kept_values(kept: &[(String, String)], given: &[Given]) -> Vec<Given> {
    let said_anew = |name: &str| {
        let mut file = given.iter().filter(|given| given.layer == Layer::File);
        file.any(|given| given.name == name)
    };
    let known = kept
        .iter()
        .filter_map(|(name, value)| Some((known_name(name).ok()?, value)));
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

pub(super) fn environment_values(
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Vec<Given> {
    let names: BTreeMap<String, &'static str> = registry::ALL
        .iter()
        .map(|setting| setting.name)
        .chain(["profile"])
        .map(|name| (variable(name), name))
        .collect();
    let mut given = Vec::new();
    for (key, value) in environment
        .iter()
        .filter(|(key, _)| key.starts_with(PREFIX))
    {
        if let Some(name) = names.get(key) {
            given.push(Given {
                name,
                value: Json::String(value.clone()),
                layer: Layer::Environment,
                origin: key.clone(),
            });
        } else {
            let known = names.keys().map(|known| &known[PREFIX.len()..]);
            let hint = nearest(&key[PREFIX.len()..], known).map_or_else(
                || "`crawlfield check` lists all".to_owned(),
                |near| format!("did you mean {PREFIX}{near}?"),
            );
            warnings.push(format!(
                "environment variable {} is no setting; {hint}",
                printable(key)
            ));
        }
    }
    given
}

pub(super) fn flag_values(flags: &[(String, String)]) -> Result<Vec<Given>, LayerError> {
    let given = |(name, value): &(String, String)| {
        let known = known_name(name).map_err(|reason| LayerError::Flag {
            name: name.clone(),
            reason,
        })?;
        Ok(Given {
            name: known,
            value: Json::String(value.clone()),
            layer: Layer::Flag,
            origin: name.clone(),
        })
    };
    flags.iter().map(given).collect()
}
