//! The status of each session in lines of text: what progress shows.

use std::{cmp::Ordering, collections::BTreeMap, fmt::Write as _, sync::Arc};

use crate::{
    feed::{
        frame::Change,
        hub::Item,
        mirror::Tables,
        snapshot::{Snapshot, StageInfo},
    },
    model::{
        ids::{SessionId, StageId},
        phase::SessionPhase,
    },
    progress::text::{bytes_per_second, eta, reason, safe},
};

/// Reasons and classes that are named; the rest is summed.
const NAMED: usize = 4;

/// Cells of a stage's bar.
const BAR: u64 = 24;
/// A narrower terminal has the counts without bars.
const WITH_BARS: usize = 72;

/// The latest snapshot of each session, and names for what moves.
#[derive(Debug, Default)]
pub(super) struct Status {
    snapshots: BTreeMap<u32, Arc<Snapshot>>,
    tables: Tables,
}

impl Status {
    /// Takes an item; what a person should read at once, as lines.
    pub(super) fn take(&mut self, item: &Item) -> Vec<String> {
        match item {
            Item::Key { frame, lost } => {
                if frame.part == 0 {
                    self.tables = frame.tables.clone();
                }
                let is_loss = frame.part == 0 && *lost > 0;
                let line = format!("this view was too slow and missed {lost} changes");
                is_loss.then_some(line).into_iter().collect()
            }
            Item::Changes(tick) => tick
                .changes
                .iter()
                .filter_map(|change| self.line_of(change))
                .collect(),
            Item::Snapshot(snapshot) => {
                self.snapshots
                    .insert(snapshot.session.id, Arc::clone(snapshot));
                Vec::new()
            }
            Item::Closed => Vec::new(),
        }
    }

    /// Engine time of the latest snapshot, in seconds.
    #[must_use]
    pub(super) fn at(&self) -> f64 {
        let times = self.snapshots.values().map(|snapshot| snapshot.at);
        times.fold(0.0, f64::max)
    }

    /// One plain line a session.
    #[must_use]
    pub(super) fn summaries(&self) -> Vec<String> {
        self.snapshots.values().map(|s| summary(s)).collect()
    }

    fn line_of(&mut self, change: &Change) -> Option<String> {
        self.tables.apply(change);
        match change {
            Change::SessionAdmitted {
                session,
                site,
                source,
                ..
            } => {
                let mark = banner(source.as_deref());
                Some(format!("{mark}{}: session {}", safe(site), session.0))
            }
            Change::SessionMoved { session, from, to } => Some(format!(
                "{}: session {} {} → {}",
                self.site(*session),
                session.0,
                from.name(),
                to.name()
            )),
            Change::StageMoved {
                session,
                stage,
                from,
                to,
            } => Some(format!(
                "{}: stage {} {} → {}",
                self.site(*session),
                self.stage(*session, *stage),
                from.name(),
                to.name()
            )),
            Change::Notice { session, text } => {
                Some(format!("{}: {}", self.site(*session), safe(text)))
            }
            _ => None,
        }
    }

    fn site(&self, session: SessionId) -> String {
        let known = self.tables.session(session);
        let named = known.filter(|session| !session.site.is_empty());
        named.map_or_else(
            || format!("session {}", session.0),
            |session| safe(&session.site),
        )
    }

    fn stage(&self, session: SessionId, stage: StageId) -> String {
        let known = self.tables.stage(session, stage);
        let named = known.filter(|stage| !stage.name.is_empty());
        named.map_or_else(|| stage.0.to_string(), |stage| safe(&stage.name))
    }
}

/// `DEMO · ` before what is not real (SPEC M4).
fn banner(source: Option<&str>) -> String {
    source.map_or_else(String::new, |source| {
        format!("{} · ", safe(source).to_uppercase())
    })
}

/// One session in lines that are no wider than the terminal: who, a bar and the counts of each
/// stage, how fast and how long still, what is in the way.
pub(super) fn block(snapshot: &Snapshot, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    fit("", &header(snapshot), width, &mut lines);
    for info in &snapshot.progress.stages {
        fit(&bar(info, width), &stage(info), width, &mut lines);
    }
    fit("", &speed(snapshot), width, &mut lines);
    for trouble in troubles(snapshot) {
        fit("", &trouble, width, &mut lines);
    }
    lines
}

/// How much of a stage is done: `  ━━━━╸───  42 %  `; without the bar where there is no room.
fn bar(info: &StageInfo, width: usize) -> String {
    let over = info.done + info.skipped;
    let part = |of: u64| over.saturating_mul(of) / info.discovered.max(1);
    let percent = part(100).min(100);
    if width < WITH_BARS {
        return format!("{percent:>3} %  ");
    }
    let filled = usize::try_from(part(BAR)).unwrap_or(usize::MAX);
    let cells: String = (0..usize::try_from(BAR).unwrap_or_default())
        .map(|cell| match cell.cmp(&filled) {
            Ordering::Less => '━',
            Ordering::Equal => '╸',
            Ordering::Greater => '─',
        })
        .collect();
    format!("  {cells} {percent:>3} %  ")
}

/// A text broken at spaces into lines of `width`, the first behind `lead`, the others set in.
fn fit(lead: &str, text: &str, width: usize, lines: &mut Vec<String>) {
    let indent = " ".repeat(if lead.is_empty() {
        2
    } else {
        lead.chars().count()
    });
    let mut line = lead.to_owned();
    let mut is_fresh = true;
    for word in text.split(' ') {
        let long = line.chars().count() + usize::from(!is_fresh) + word.chars().count();
        if long > width && !is_fresh {
            lines.push(std::mem::replace(&mut line, indent.clone()));
            is_fresh = true;
        }
        if !is_fresh {
            line.push(' ');
        }
        line.push_str(word);
        is_fresh = false;
    }
    lines.push(line);
}

/// Who: `DEMO · books · new · balanced · running`.
pub(super) fn header(snapshot: &Snapshot) -> String {
    let session = &snapshot.session;
    let mut line = banner(session.source.as_deref());
    let parts = [
        &session.site,
        &session.mode,
        &session.profile,
        &session.state,
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| safe(part))
        .collect();
    line.push_str(&parts.join(" · "));
    line
}

/// How far a stage is: `list 12/40, 3 in flight, 1 failed`.
pub(super) fn stage(info: &StageInfo) -> String {
    let mut line = format!("{} {}/{}", safe(&info.name), info.done, info.discovered);
    for (count, word) in [
        (info.in_flight, "in flight"),
        (info.failed, "failed"),
        (info.dead, "dead"),
        (info.skipped, "skipped"),
    ] {
        if count > 0 {
            let _ = write!(line, ", {count} {word}");
        }
    }
    line
}

/// `35 pages/min · 12 kB/s · 34 records · about 3 min left (80 %: 2–5 min)`.
pub(super) fn speed(snapshot: &Snapshot) -> String {
    let is_over = SessionPhase::is_over_by_name(&snapshot.session.state);
    let left = (!is_over).then(|| format!(" · {}", eta(snapshot.prediction.as_ref())));
    format!(
        "{:.0} pages/min · {} · {} records{}",
        snapshot.rates.pages_per_minute,
        bytes_per_second(snapshot.rates.bytes_per_second),
        snapshot.progress.records,
        left.unwrap_or_default(),
    )
}

/// What is in the way, one line each: errors, waiting reasons, the bottleneck, losses.
pub(super) fn troubles(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(text) = largest(&snapshot.errors, &|class| safe(class)) {
        lines.push(format!("errors: {text}"));
    }
    if let Some(text) = largest(&snapshot.waiting, &reason) {
        lines.push(format!("waiting: {text}"));
    }
    if let Some(bottleneck) = &snapshot.bottleneck {
        let (name, evidence) = (safe(&bottleneck.name), safe(&bottleneck.evidence));
        lines.push(format!("limited by {name} ({evidence})"));
    }
    if snapshot.lost > 0 {
        lines.push(format!("this view missed {} changes", snapshot.lost));
    }
    lines
}

/// The largest counts first, the rest in one figure; `None` where all are zero.
fn largest(counts: &BTreeMap<String, u64>, word: &dyn Fn(&str) -> String) -> Option<String> {
    let mut counts: Vec<(&String, u64)> = counts
        .iter()
        .map(|(name, n)| (name, *n))
        .filter(|(_, n)| *n > 0)
        .collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let rest: u64 = counts.iter().skip(NAMED).map(|(_, n)| n).sum();
    let mut parts: Vec<String> = counts
        .iter()
        .take(NAMED)
        .map(|(name, n)| format!("{n} {}", word(name)))
        .collect();
    if rest > 0 {
        parts.push(format!("{rest} others"));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn summary(snapshot: &Snapshot) -> String {
    let mut parts = vec![header(snapshot)];
    parts.extend(snapshot.progress.stages.iter().map(stage));
    parts.push(speed(snapshot));
    parts.extend(troubles(snapshot));
    parts.join(" | ")
}
