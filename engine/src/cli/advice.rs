//! What a person should look at after a crawl that ended without an error and yet found less than
//! its site file asks for.

use std::path::Path;

use serde_json::Value as Json;

use crate::{extract::output::Notice, site::compiled::Site, store::export::empty_fields};

/// Fewer records than this say nothing about a field.
const FEW: u64 = 5;

/// One sentence each, for a session that is over.
pub(super) fn advice(site: &Site, store: &Path, result: &Json) -> Vec<String> {
    if result["outcome"] != "completed" {
        return Vec::new();
    }
    let mut found: Vec<String> = unread(result).into_iter().collect();
    if found.is_empty() {
        found.extend(unlinked(site, result));
    }
    found.extend(noticed(result));
    found.extend(empty(site, store, result));
    found
}

/// All pages were refused: a start URL that redirects out of scope is the usual cause.
fn unread(result: &Json) -> Option<String> {
    let n = |name: &str| result[name].as_u64().unwrap_or(0);
    let reasons = result["skippedByReason"].as_object()?;
    let refused = ["out_of_scope", "robots"];
    let (reason, _) = reasons
        .iter()
        .find(|(reason, _)| refused.contains(&reason.as_str()))?;
    (n("done") == 0 && n("dead") == 0 && reasons.len() == 1).then(|| {
        format!(
            "nothing was read: all {} pages were skipped ({reason}); does a start URL redirect to \
             a host that `hosts` does not name, or does robots.txt forbid it? `crawlfield try` \
             shows where it leads",
            n("skipped")
        )
    })
}

/// Stages that nothing led to, though pages were read whose links lead there.
fn unlinked(site: &Site, result: &Json) -> Vec<String> {
    let stage = |name: &str| {
        let stages = result["stages"].as_array()?;
        stages.iter().find(|stage| stage["name"] == name)
    };
    let count = |name: &str| stage(name).and_then(|stage| stage["discovered"].as_u64());
    let read = |name: &str| stage(name).and_then(|stage| stage["byState"]["done"].as_u64());
    let mut found = Vec::new();
    for from in &site.stages {
        let pages = read(&from.name).unwrap_or(0);
        for rule in &from.links {
            let to = &site.stage(rule.to).name;
            if pages == 0 || count(to) != Some(0) {
                continue;
            }
            let text = format!(
                "stage {}: {pages} pages were read and no link to stage {to} was found on them; \
                 `crawlfield try` shows what each selector matches",
                from.name
            );
            if !found.contains(&text) {
                found.push(text);
            }
        }
    }
    found
}

/// What pages were read with, though it may not be what the site file means.
fn noticed(result: &Json) -> Vec<String> {
    let stages = result["stages"].as_array().into_iter().flatten();
    let told = stages.flat_map(|stage| {
        Notice::ALL.into_iter().filter_map(|notice| {
            let pages = stage["notices"][notice.name()].as_u64()?;
            Some(notice.told(stage["name"].as_str()?, pages))
        })
    });
    told.collect()
}

/// Fields that none of a kind's records has.
fn empty(site: &Site, store: &Path, result: &Json) -> Vec<String> {
    if result["records"]["saved"].as_u64().unwrap_or(0) == 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for stage in &site.stages {
        for rule in &stage.records {
            // Advice is no reason to fail: a store that cannot be read says so elsewhere.
            let Ok((records, fields)) = empty_fields(store, &rule.kind, &site.name) else {
                continue;
            };
            if records >= FEW && !fields.is_empty() {
                found.push(format!(
                    "record {}: nothing was found for {} in the last {records} records; \
                     `crawlfield try --stage {}` shows what each selector matches",
                    rule.kind,
                    fields.join(", "),
                    stage.name
                ));
            }
        }
    }
    found
}
