//! The run as a whole, when nothing is selected: speed, what waits and why, what limits, permits,
//! the machine.

use bevy_egui::egui::{Label, RichText, Ui};
use crawlfield_engine::{
    feed::snapshot::{Pool, Snapshot},
    progress::{reason, safe},
};

use super::{Desk, plan, words};
use crate::numbers::{to_u64, wide};

/// Lines of work that have room.
const POOLS: usize = 6;

pub(super) fn draw(ui: &mut Ui, desk: &Desk<'_>) {
    let Some(snapshot) = desk.session() else {
        ui.label(RichText::new("The run").heading());
        ui.label(RichText::new("its first snapshot has not come yet").color(desk.look.faint()));
        return;
    };
    ui.label(RichText::new("The run").heading());
    let rates = &snapshot.rates;
    desk.look.pair(
        ui,
        "pages a minute",
        words::count(to_u64(rates.pages_per_minute.round())),
    );
    desk.look.pair(
        ui,
        "records a minute",
        words::count(to_u64(rates.records_per_minute.round())),
    );
    desk.look.pair(
        ui,
        "received",
        format!("{}/s", words::bytes(rates.bytes_per_second)),
    );
    desk.look
        .pair(ui, "records saved", words::count(snapshot.progress.records));
    desk.look.pair(
        ui,
        "received in all",
        words::bytes(wide(snapshot.progress.bytes)),
    );
    plan::draw(ui, desk, snapshot);
    limits(ui, desk, snapshot);
    waiting(ui, desk, snapshot);
    permits(ui, desk, snapshot);
    machine(ui, desk, snapshot);
}

fn limits(ui: &mut Ui, desk: &Desk<'_>, snapshot: &Snapshot) {
    let Some(bottleneck) = &snapshot.bottleneck else {
        return;
    };
    desk.look.section(ui, "Limited by");
    ui.label(RichText::new(safe(&bottleneck.name)).strong());
    let evidence = RichText::new(safe(&bottleneck.evidence))
        .small()
        .color(desk.look.faint());
    ui.add(Label::new(evidence).wrap());
}

fn waiting(ui: &mut Ui, desk: &Desk<'_>, snapshot: &Snapshot) {
    let mut reasons: Vec<(&String, u64)> = snapshot
        .waiting
        .iter()
        .map(|(name, n)| (name, *n))
        .filter(|(_, n)| *n > 0)
        .collect();
    if reasons.is_empty() {
        return;
    }
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let most = reasons[0].1.max(1);
    desk.look.section(ui, "Waiting");
    for (name, n) in reasons.into_iter().take(8) {
        desk.look.pair(ui, &reason(name), words::count(n));
        desk.look
            .bar(ui, wide(n) / wide(most), desk.look.theme.states.queued);
    }
}

fn permits(ui: &mut Ui, desk: &Desk<'_>, snapshot: &Snapshot) {
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
    desk.look.section(ui, title);
    for pool in &pools {
        let figures = format!(
            "{}/{}   {}   {}",
            pool.active,
            pool.max,
            words::span(if is_grouped {
                pool.mean_ms
            } else {
                pool.p50_ms
            }),
            words::span(pool.p95_ms)
        );
        desk.look
            .pair(ui, &safe(&pool.work_type).replace(':', " "), figures)
            .on_hover_text(told(pool));
        desk.look
            .bar(ui, pool.utilisation, desk.look.theme.states.running);
    }
}

/// One line for each kind of work: its stages, which share the permits, together.
fn in_groups(pools: &[Pool]) -> Vec<Pool> {
    let mut groups: Vec<Pool> = Vec::new();
    for pool in pools {
        let kind = pool.work_type.split(':').next().unwrap_or_default();
        match groups.iter_mut().find(|group| group.work_type == kind) {
            Some(group) => gather(group, pool),
            None => groups.push(Pool {
                work_type: kind.to_owned(),
                ..pool.clone()
            }),
        }
    }
    groups
}

/// Adds a stage's figures: the mean stays exact, a percentile is the slowest stage's.
fn gather(group: &mut Pool, pool: &Pool) {
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

fn told(pool: &Pool) -> String {
    let bound = if pool.queue_capacity == 0 {
        String::new()
    } else {
        format!(" of {}", words::count(pool.queue_capacity))
    };
    format!(
        "{} ended, {} a minute\nmean {}, 99 % {}\nwaiting for a permit: {}{bound}",
        words::count(pool.count),
        words::rate(pool.per_minute),
        words::span(pool.mean_ms),
        words::span(pool.p99_ms),
        words::count(pool.queue_depth),
    )
}

/// What is not measured is not shown as a number (SPEC M4).
fn machine(ui: &mut Ui, desk: &Desk<'_>, snapshot: &Snapshot) {
    let used = &snapshot.resources;
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "not measured".to_owned());
    desk.look.section(ui, "Machine");
    desk.look.pair(
        ui,
        "memory",
        or_unknown(used.rss_bytes.map(|n| words::bytes(wide(n)))),
    );
    desk.look.pair(
        ui,
        "CPU",
        or_unknown(used.cpu.map(|cores| format!("{cores:.1} cores"))),
    );
    desk.look.pair(
        ui,
        "network",
        or_unknown(
            used.net_bytes_per_second
                .map(|n| format!("{}/s", words::bytes(n))),
        ),
    );
    desk.look.pair(
        ui,
        "store on disk",
        or_unknown(used.disk_bytes.map(|n| words::bytes(wide(n)))),
    );
    desk.look
        .pair(ui, "tasks in memory", words::count(used.window));
    desk.look
        .pair(ui, "running for", words::clock(used.uptime_seconds));
}
