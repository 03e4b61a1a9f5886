//! The run as a whole, when nothing is selected: speed, what waits and why, what limits, permits,
//! the machine.

use std::{cmp::Reverse, collections::BTreeMap};

use bevy_egui::egui::{Label, RichText, Sense, Ui};
use crawlfield_engine::{
    feed::snapshot::{HostInfo, Pool, Snapshot},
    model::phase::{Phase, SessionPhase},
    progress::{reason, safe},
};

use super::{format, stage_times::is_learning, style::Style};
use crate::{
    feed::Feed,
    field::FieldControl,
    history::{History, plan::Plan},
    numbers::{to_u64, wide},
};

/// Hosts that are named where one asks who holds tasks.
const HOLDING: usize = 4;
/// Lines of work that have room.
const POOLS: usize = 6;

/// Draws the run; where a waiting reason is clicked, its tasks are selected.
pub(super) fn draw(ui: &mut Ui, style: &Style, control: &mut FieldControl<'_>, history: &History) {
    let Some(snapshot) = control.feed.session() else {
        ui.label(RichText::new("The run").heading());
        ui.label(RichText::new("its first snapshot has not come yet").color(style.faint()));
        return;
    };
    ui.label(RichText::new("The run").heading());
    for (name, value) in speeds(snapshot) {
        style.pair(ui, name, value);
    }
    plan(ui, style, history, snapshot);
    limits(ui, style, snapshot);
    let reason = waiting(ui, style, &control.feed, snapshot);
    permits(ui, style, snapshot);
    machine(ui, style, snapshot);
    if let Some(reason) = reason {
        select_waiting(control, &reason);
    }
}

/// How fast it is; at its end how fast it was, for nothing moves any more.
fn speeds(snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let (rates, progress) = (&snapshot.rates, &snapshot.progress);
    let minutes = (snapshot.at / 60.0).max(1.0 / 600.0);
    let count = |value: f64| format::count(to_u64(value.round()));
    let (records, received) = (wide(progress.records), wide(progress.bytes));
    let mut lines = if SessionPhase::is_over_by_name(&snapshot.session.state) {
        vec![
            (
                "pages a minute, on average",
                count(wide(progress.done) / minutes),
            ),
            ("records a minute", count(records / minutes)),
            (
                "received",
                format!("{}/s", format::bytes(received / minutes / 60.0)),
            ),
        ]
    } else {
        vec![
            ("pages a minute", count(rates.pages_per_minute)),
            ("records a minute", count(rates.records_per_minute)),
            (
                "received",
                format!("{}/s", format::bytes(rates.bytes_per_second)),
            ),
        ]
    };
    lines.push(("records saved", format::count(progress.records)));
    lines.push(("received in all", format::bytes(received)));
    lines
}

/// Plan against actual: when it was to end and when it will, or did; how many pages were known and
/// are.
fn plan(ui: &mut Ui, style: &Style, history: &History, snapshot: &Snapshot) {
    let series = &history.series[&snapshot.session.id];
    let Some((plan, now)) = Plan::of(series).zip(series.last()) else {
        return;
    };
    let is_over = SessionPhase::is_over_by_name(&snapshot.session.state);
    let is_told = !is_over && !is_learning(snapshot);
    let foreseen = Plan::at_point(now).filter(|_| is_told);
    style.section(ui, "Plan and actual");
    let (low, high) = plan.end80;
    let of_plan = format!(
        "the first forecast, made at {}: end at {} (80 %: {}–{})",
        format::clock(plan.at),
        format::clock(plan.end),
        format::clock(low),
        format::clock(high)
    );
    let (what, end) = match foreseen {
        Some(now) => ("end, as foreseen now", format::clock(now.end)),
        None if is_over => ("end, in fact", format::clock(now.at)),
        None => ("end, as foreseen now", "unknown".to_owned()),
    };
    style
        .pair(ui, "end, as planned", format::clock(plan.end))
        .on_hover_text(of_plan);
    style.pair(ui, what, end);
    let [then, known] = [plan.discovered, now.discovered].map(|n| format::brief(to_u64(n)));
    let pages = format!("{known} (then {then})");
    style.pair(ui, "pages known", pages);
}

fn limits(ui: &mut Ui, style: &Style, snapshot: &Snapshot) {
    let Some(bottleneck) = &snapshot.bottleneck else {
        return;
    };
    style.section(ui, "Limited by");
    ui.label(RichText::new(safe(&bottleneck.name)).strong());
    let evidence = RichText::new(safe(&bottleneck.evidence))
        .small()
        .color(style.faint());
    ui.add(Label::new(evidence).wrap());
}

/// Why tasks wait, the commonest reason first; the one that was clicked.
fn waiting(ui: &mut Ui, style: &Style, feed: &Feed, snapshot: &Snapshot) -> Option<String> {
    let mut reasons: Vec<(&String, u64)> = snapshot
        .waiting
        .iter()
        .map(|(name, n)| (name, *n))
        .filter(|(_, n)| *n > 0)
        .collect();
    if reasons.is_empty() {
        return None;
    }
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let most = reasons[0].1.max(1);
    style.section(ui, "Waiting");
    let mut clicked = None;
    for (name, n) in reasons.into_iter().take(8) {
        let pair = style.pair(ui, &reason(name), format::count(n));
        let hosts = hosts_that_hold(feed, name);
        if let Some(hosts) = hosts {
            let pair = pair.interact(Sense::click());
            let text = format!("{hosts}click: select these tasks");
            if pair.on_hover_text(text).clicked() {
                clicked = Some(name.clone());
            }
        }
        style.bar(ui, wide(n) / wide(most), style.theme.states.queued);
    }
    clicked
}

/// Whether a task of this host in this phase waits for that reason, as far as the host says; `None`
/// for reasons that no host has.
fn waits_for(reason: &str, phase: Phase, host: &HostInfo) -> Option<bool> {
    let is_queued = phase == Phase::Queued;
    let is_open = host.breaker == "open";
    let is_parked = host.parked_for.is_some() && !is_open;
    let is_full = host.in_flight >= host.limit;
    let waits = match reason {
        "backoff" => phase == Phase::Backoff,
        "breaker" => is_queued && is_open,
        "retry_after" => is_queued && is_parked,
        "host_limit" => is_queued && is_full && !is_open && !is_parked,
        "pace" | "crawl_delay" => is_queued && !is_full && !is_open && !is_parked,
        _ => return None,
    };
    Some(waits)
}

/// The hosts whose tasks wait for that, those with most first, in lines; `None` for reasons that no
/// host has.
fn hosts_that_hold(feed: &Feed, reason: &str) -> Option<String> {
    let phase = if reason == "backoff" {
        return Some(String::new());
    } else {
        Phase::Queued
    };
    let infos = feed.snapshots.iter().flat_map(|snapshot| &snapshot.hosts);
    let mut holding = Vec::new();
    for info in infos.filter(|info| info.waiting > 0) {
        if waits_for(reason, phase, info)? {
            holding.push(info);
        }
    }
    holding.sort_by_key(|info| Reverse(info.waiting));
    let lines = holding.iter().take(HOLDING).map(|info| {
        let why = if info.why.is_empty() { "" } else { ": " };
        format!("{}{why}{}\n", safe(&info.host), safe(&info.why))
    });
    Some(lines.collect())
}

/// Selects the tasks that wait for that, of those that the filter shows.
fn select_waiting(control: &mut FieldControl<'_>, reason: &str) {
    let feed = &control.feed;
    let infos = feed.snapshots.iter().flat_map(|snapshot| &snapshot.hosts);
    let infos: BTreeMap<u32, &HostInfo> = infos.map(|info| (info.id, info)).collect();
    let waits = |slot: &u32| {
        let task = feed.mirror.task(*slot);
        task.is_some_and(|task| {
            let info = infos.get(&task.host.0);
            let waits = info.and_then(|info| waits_for(reason, task.phase, info));
            waits.unwrap_or(false)
        })
    };
    let slots = control.shown(feed.mirror.slots().filter(waits));
    control.select(slots);
}

fn permits(ui: &mut Ui, style: &Style, snapshot: &Snapshot) {
    if snapshot.pools.is_empty() {
        return;
    }
    let is_grouped = snapshot.pools.len() > POOLS;
    let (title, pools) = if is_grouped {
        let title = "Work: in use, mean, slowest 95 %";
        (title, in_groups(&snapshot.pools))
    } else {
        let title = "Work: in use of permits, median, 95 %";
        (title, snapshot.pools.clone())
    };
    style.section(ui, title);
    for pool in &pools {
        let figures = format!(
            "{}/{}   {}   {}",
            pool.active,
            pool.max,
            format::span(if is_grouped {
                pool.mean_ms
            } else {
                pool.p50_ms
            }),
            format::span(pool.p95_ms)
        );
        style
            .pair(ui, &safe(&pool.work_type).replace(':', " "), figures)
            .on_hover_text(details(pool));
        style.bar(ui, pool.utilisation, style.theme.states.running);
    }
}

/// One line for each kind of work: its stages, which share the permits, together.
fn in_groups(pools: &[Pool]) -> Vec<Pool> {
    let mut groups: Vec<Pool> = Vec::new();
    for pool in pools {
        let kind = pool.work_type.split(':').next().unwrap_or_default();
        match groups.iter_mut().find(|group| group.work_type == kind) {
            Some(group) => merge(group, pool),
            None => groups.push(Pool {
                work_type: kind.to_owned(),
                ..pool.clone()
            }),
        }
    }
    groups
}

/// Adds a stage's figures: the mean stays exact, a percentile is the slowest stage's.
fn merge(group: &mut Pool, pool: &Pool) {
    let (here, there) = (wide(group.count), wide(pool.count));
    group.mean_ms = (group.mean_ms * here + pool.mean_ms * there) / (here + there).max(1.0);
    group.p95_ms = group.p95_ms.max(pool.p95_ms);
    group.p99_ms = group.p99_ms.max(pool.p99_ms);
    group.active += pool.active;
    group.utilisation = wide(group.active.into()) / wide(u64::from(group.max).max(1));
    group.count += pool.count;
    group.per_minute += pool.per_minute;
    group.queue_depth = group.queue_depth.max(pool.queue_depth);
}

fn details(pool: &Pool) -> String {
    let bound = if pool.queue_capacity == 0 {
        String::new()
    } else {
        format!(" of {}", format::count(pool.queue_capacity))
    };
    format!(
        "{} ended, {} a minute\nmean {}, 99 % {}\nwaiting for a permit: {}{bound}",
        format::count(pool.count),
        format::rate(pool.per_minute),
        format::span(pool.mean_ms),
        format::span(pool.p99_ms),
        format::count(pool.queue_depth),
    )
}

/// What is not measured is not shown as a number (SPEC M4).
fn machine(ui: &mut Ui, style: &Style, snapshot: &Snapshot) {
    let used = &snapshot.resources;
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "not measured".to_owned());
    style.section(ui, "Machine");
    for (name, value) in [
        (
            "memory",
            or_unknown(used.rss_bytes.map(|n| format::bytes(wide(n)))),
        ),
        (
            "CPU",
            or_unknown(used.cpu.map(|cores| format!("{cores:.1} cores"))),
        ),
        (
            "network",
            or_unknown(
                used.net_bytes_per_second
                    .map(|n| format!("{}/s", format::bytes(n))),
            ),
        ),
        (
            "store on disk",
            or_unknown(used.disk_bytes.map(|n| format::bytes(wide(n)))),
        ),
        ("tasks in memory", format::count(used.window)),
        ("running for", format::clock(used.uptime_seconds)),
    ] {
        style.pair(ui, name, value);
    }
}
