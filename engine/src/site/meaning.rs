//! What only the whole file shows: stages that nothing leads to, fields that nobody carries.

use std::{collections::BTreeSet, ops::Range};

use super::{compiled::Stage, loading::Loading, problems::shown};
use crate::model::ids::StageId;

/// Checks the stages together; `places` are the place and dotted name of each.
pub(super) fn check(
    stages: &[Stage],
    enter: StageId,
    places: &[(Range<usize>, String)],
    loading: &mut Loading<'_>,
) {
    let reached = reached(stages, enter);
    for (index, stage) in stages.iter().enumerate() {
        let (span, field) = &places[index];
        if !reached.contains(&index) {
            let message = "no link leads to this stage, and it is not the one of the start URLs";
            loading.problems.warn(span, field, message);
        }
        if stage.links.is_empty() && stage.records.is_empty() && stage.pages.is_none() {
            let message = "this stage reads nothing: no links, records or pages";
            loading.problems.warn(span, field, message);
        }
    }
    for wanted in std::mem::take(&mut loading.carried) {
        let carried = carried_into(stages, wanted.stage);
        if !carried.contains(wanted.name.as_str()) {
            let known: Vec<&str> = carried.into_iter().collect();
            let message = format!(
                "no link into this stage carries {}; carried: {}",
                shown(&wanted.name),
                known.join(", ")
            );
            loading
                .problems
                .unknown(&wanted.span, &wanted.field, message, &wanted.name, known);
        }
    }
}

fn reached(stages: &[Stage], enter: StageId) -> BTreeSet<usize> {
    let by_sitemap = stages
        .iter()
        .enumerate()
        .filter(|(_, stage)| stage.sitemaps.is_some());
    let mut open: Vec<usize> = by_sitemap.map(|(index, _)| index).collect();
    open.push(usize::from(enter.0));
    let mut reached = BTreeSet::new();
    while let Some(index) = open.pop() {
        if reached.insert(index) {
            open.extend(
                stages[index]
                    .links
                    .iter()
                    .map(|link| usize::from(link.to.0)),
            );
        }
    }
    reached
}

/// Names of all fields that some link carries into a stage, with those that all carry.
fn carried_into(stages: &[Stage], stage: StageId) -> BTreeSet<&str> {
    let links = stages
        .iter()
        .flat_map(|other| &other.links)
        .filter(|link| link.to == stage);
    let fields = links
        .flat_map(|link| &link.carry)
        .map(|field| field.name.as_str());
    fields.chain(["page", "position"]).collect()
}
