//! Failures a second by class: the commonest classes one by one, the others as one curve.

use std::collections::BTreeMap;

use crawlfield_engine::model::class::ErrorClass;

use super::{chart_curves::Curve, format};
use crate::{
    history::series::{Series, SeriesPoint},
    numbers::wide,
    theme::StateColours,
};

/// Classes with a curve of their own, at most.
const CLASSES: usize = 5;

/// Curves of the classes, or of one, that failed since `from`: as many by name as `has_room` for, the others as
/// one.
pub(super) fn failures(
    states: &StateColours,
    series: &Series,
    (from, only): (f64, Option<&str>),
    has_room: impl Fn(&[String]) -> bool,
) -> Vec<Curve> {
    let mut classes = classes(series, from);
    classes.retain(|class| only.is_none_or(|only| class == only));
    let names: Vec<String> = classes.iter().map(|class| word(class)).collect();
    // "others" stands for two or more.
    let counts = (0..=names.len().min(CLASSES)).rev();
    let mut counts = counts.filter(|count| *count + 1 != names.len());
    let own = counts.find(|count| has_room(&shown(&names, *count)));
    let (own, others) = classes.split_at(own.unwrap_or(0));
    let inks = inks(states, own);
    let mut curves: Vec<Curve> = own
        .iter()
        .map(|class| Curve {
            name: word(class),
            hex: inks[class.as_str()],
            points: series.slope(from, |point| total(point, core::slice::from_ref(class))),
        })
        .collect();
    if !others.is_empty() {
        curves.push(Curve {
            name: OTHERS.to_owned(),
            hex: states.queued,
            points: series.slope(from, |point| total(point, others)),
        });
    }
    curves
}

const OTHERS: &str = "others";

/// The names that are shown where so many have a curve of their own.
fn shown(names: &[String], own: usize) -> Vec<String> {
    let mut shown = names[..own].to_vec();
    if own < names.len() {
        shown.push(OTHERS.to_owned());
    }
    shown
}

/// Classes with failures since `from`, the commonest first.
fn classes(series: &Series, from: f64) -> Vec<String> {
    let (Some(last), Some(first)) = (series.last(), series.since(from).next()) else {
        return Vec::new();
    };
    let mut counts: Vec<(f64, &String)> = last
        .errors
        .iter()
        .map(|(class, count)| {
            let before = total(first, core::slice::from_ref(class));
            (wide(*count) - before, class)
        })
        .filter(|(count, _)| *count > 0.0)
        .collect();
    counts.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    counts.into_iter().map(|(_, class)| class.clone()).collect()
}

/// Failures of these classes up to a point.
fn total(point: &SeriesPoint, classes: &[String]) -> f64 {
    let counts = point.errors.iter();
    let own = counts.filter(|(class, _)| classes.contains(class));
    own.map(|(_, count)| wide(*count)).sum()
}

fn class_of(name: &str) -> Option<ErrorClass> {
    ErrorClass::ALL
        .into_iter()
        .find(|class| class.name() == name)
}

/// A class as a person says it.
fn word(name: &str) -> String {
    class_of(name).map_or_else(|| name.replace('_', " "), format::class)
}

/// Colours of these classes, whatever their ranks: each its own; where two would have the same, the
/// later by name has the next that is free.
fn inks<'a>(states: &StateColours, classes: &'a [String]) -> BTreeMap<&'a str, u32> {
    let mut inks: BTreeMap<&str, u32> = classes
        .iter()
        .map(|class| (class.as_str(), own_ink(states, class)))
        .collect();
    let mut taken: Vec<u32> = Vec::new();
    for hex in inks.values_mut() {
        let free = [
            *hex,
            states.fatal,
            states.retry,
            states.dead,
            states.parked,
            states.running,
            states.paused,
        ];
        let next = free.into_iter().find(|hex| !taken.contains(hex));
        *hex = next.unwrap_or(*hex);
        taken.push(*hex);
    }
    inks
}

/// The colour of the state that a failure of this class is most like.
fn own_ink(states: &StateColours, name: &str) -> u32 {
    match class_of(name) {
        Some(ErrorClass::RateLimit | ErrorClass::HostParked | ErrorClass::Blocked) => states.parked,
        Some(
            ErrorClass::NotFound
            | ErrorClass::HttpClient
            | ErrorClass::Redirect
            | ErrorClass::ShortPage
            | ErrorClass::Parse
            | ErrorClass::InvalidRecord,
        ) => states.dead,
        Some(
            ErrorClass::TimeoutConnect
            | ErrorClass::TimeoutFirstByte
            | ErrorClass::TimeoutWhole
            | ErrorClass::Dns
            | ErrorClass::Connect
            | ErrorClass::Reset
            | ErrorClass::Truncated,
        ) => states.retry,
        _ => states.fatal,
    }
}

#[cfg(test)]
mod tests {
    use crawlfield_engine::feed::snapshot::Snapshot;

    use super::*;
    use crate::theme::DARK;

    /// A second apart, with so many failures of each class.
    fn series(totals: &[&[(ErrorClass, u64)]]) -> Series {
        let mut series = Series::default();
        for (second, counts) in (0_u32..).zip(totals) {
            let mut snapshot = Snapshot {
                at: f64::from(second),
                ..Snapshot::default()
            };
            for (class, count) in *counts {
                snapshot.errors.insert(class.name().to_owned(), *count);
            }
            series.push(&snapshot);
        }
        series
    }

    fn three() -> Series {
        use ErrorClass::{HttpServer, NotFound, RateLimit};
        series(&[
            &[(NotFound, 100)],
            &[(NotFound, 101), (HttpServer, 5), (RateLimit, 2)],
        ])
    }

    #[test]
    fn every_class_that_failed_has_a_curve_of_its_own_where_there_is_room() {
        let curves = failures(&DARK.states, &three(), (0.0, None), |_| true);
        let told: Vec<(&str, f64)> = curves
            .iter()
            .map(|curve| (curve.name.as_str(), curve.points[0][1]))
            .collect();
        assert_eq!(
            told,
            [
                ("server error", 5.0),
                ("rate limit", 2.0),
                ("not found", 1.0)
            ]
        );
        let only = failures(&DARK.states, &three(), (0.0, Some("rate_limit")), |_| true);
        assert_eq!(only.len(), 1);
        assert!(failures(&DARK.states, &Series::default(), (0.0, None), |_| true).is_empty());
    }

    #[test]
    fn who_has_no_room_is_one_curve_of_all_others() {
        let curves = failures(&DARK.states, &three(), (0.0, None), |names| {
            names.len() <= 2
        });
        let told: Vec<(&str, f64)> = curves
            .iter()
            .map(|curve| (curve.name.as_str(), curve.points[0][1]))
            .collect();
        assert_eq!(told, [("server error", 5.0), ("others", 3.0)]);
    }

    #[test]
    fn one_class_alone_is_never_called_others() {
        use ErrorClass::{HttpServer, NotFound};
        let two = series(&[&[], &[(HttpServer, 3), (NotFound, 2)]]);
        let curves = failures(&DARK.states, &two, (0.0, None), |names| names.len() <= 1);
        let names: Vec<&str> = curves.iter().map(|curve| curve.name.as_str()).collect();
        assert_eq!(names, ["others"]);
    }

    #[test]
    fn colours_differ_and_stay_with_their_class_whatever_its_rank() {
        let states = &DARK.states;
        let names = ["http_server", "tls", "reset", "truncated", "not_found"].map(str::to_owned);
        let mut others = names.clone();
        others.reverse();
        let told = inks(states, &names);
        assert_eq!(told, inks(states, &others));
        let mut unlike: Vec<u32> = told.values().copied().collect();
        unlike.sort_unstable();
        unlike.dedup();
        assert_eq!(unlike.len(), names.len());
        assert_eq!(told["not_found"], states.dead);
    }
}
