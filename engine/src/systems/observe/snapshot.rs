//! Snapshots: aggregates of the ledger, the statistics, the hosts; one per session.

use std::collections::BTreeMap;

use bevy_ecs::entity::Entity;

use crate::{
    feed::{
        frame::Frame,
        snapshot::{
            BatchInfo, Bottleneck, HostInfo, Pool, Progress, Rates, Resources, SessionInfo,
            Snapshot, StageInfo,
        },
    },
    forecast::{self, Forecast},
    message::receipts::OverCounts,
    model::{
        class::WaitReason,
        ids::{HostId, SessionId, StageId},
        numbers::{millis, number},
        phase::Phase,
    },
    systems::{crawl::Crawl, observe::evidence},
    world::{ledger::Counts, session::Session, state::TaskState, stats::Step},
};

/// Hosts told in one snapshot.
const HOSTS: usize = 64;

/// Once an interval, and at a session's end, the whole picture.
pub(super) fn tell_state(mut crawl: Crawl) {
    let is_due = std::mem::take(&mut crawl.desk.snapshot_due);
    crawl.desk.moved = false;
    if is_due {
        super::schedule_next(&mut crawl);
    }
    let sessions = crawl.index.sessions.keys().copied();
    let due: Vec<SessionId> = sessions
        .filter(|id| {
            let is_over = crawl.session(*id).is_some_and(Session::is_over);
            let is_told = crawl.desk.last_told.contains(id);
            // Nobody waits for the interval after the end.
            if is_over { !is_told } else { is_due }
        })
        .collect();
    for id in due {
        if crawl.session(id).is_some_and(Session::is_over) {
            crawl.desk.last_told.insert(id);
        } else {
            // Its last one is told again, where it has been taken up again.
            crawl.desk.last_told.remove(&id);
        }
        if let Some(snapshot) = picture(&mut crawl, id) {
            crawl
                .outbox
                .frames
                .push_back(Frame::Snapshot(Box::new(snapshot)));
        }
    }
}

fn picture(crawl: &mut Crawl, id: SessionId) -> Option<Snapshot> {
    let now = crawl.now();
    let session = crawl.session(id)?;
    let info = SessionInfo {
        id: id.0,
        site: session.site.name.clone(),
        state: session.phase().name().to_owned(),
        mode: if session.mode == crate::message::store_verbs::Mode::New {
            "new"
        } else {
            "full"
        }
        .to_owned(),
        profile: crawl.settings.0.profile.name().to_owned(),
        source: session.source.as_deref().map(str::to_owned),
    };
    let forecast = evidence::of(crawl, id);
    let progress = progress(crawl, id, forecast.as_ref())?;
    let waiting = waiting(crawl, id);
    let hosts = hosts(crawl, id);
    let pools = pools(
        crawl,
        id,
        progress.by_state.get("queued").copied().unwrap_or(0),
    );
    let stats = crawl.stats.session(id);
    let rates = Rates {
        pages_per_minute: stats.pages.per_second(now, 10) * 60.0,
        records_per_minute: stats.records.per_second(now, 10) * 60.0,
        bytes_per_second: stats.bytes.per_second(now, 10),
    };
    let errors = crawl
        .moves
        .book(id)?
        .errors
        .iter()
        .map(|(class, count)| (class.name().to_owned(), *count))
        .collect();
    let bottleneck = bottleneck(crawl, id, &waiting);
    let snapshot = Snapshot {
        seq: crawl.desk.seq.saturating_sub(1),
        at: now.as_secs_f64(),
        session: info,
        progress,
        prediction: forecast.map(|forecast| forecast.session),
        rates,
        pools,
        hosts,
        waiting,
        batches: batches(crawl, id),
        resources: Resources {
            uptime_seconds: now.as_secs_f64(),
            window: u64::from(crawl.window.resident()),
            ..Resources::default()
        },
        errors,
        bottleneck,
        lost: 0,
    };
    Some(snapshot)
}

fn progress(crawl: &Crawl, id: SessionId, forecast: Option<&Forecast>) -> Option<Progress> {
    let session = crawl.session(id)?;
    let book = crawl.moves.book(id)?;
    let stages = (0u16..)
        .zip(&session.site.stages)
        .map(|(index, stage)| {
            let counts = book.stage(StageId(index));
            let eta = forecast.and_then(|forecast| forecast.stages[usize::from(index)]);
            StageInfo {
                name: stage.name.clone(),
                state: session.stages[usize::from(index)].name().to_owned(),
                discovered: counts.iter().sum(),
                done: counts[Phase::Done as usize],
                failed: counts[Phase::Failed as usize],
                dead: counts[Phase::Dead as usize],
                skipped: counts[Phase::Skipped as usize],
                in_flight: in_flight(&counts),
                eta: eta.map(|(median, _)| median),
                eta80: eta.map(|(_, interval)| interval),
            }
        })
        .collect();
    Some(Progress {
        discovered: book.discovered,
        done: book.total[Phase::Done as usize],
        failed: book.total[Phase::Failed as usize],
        skipped: book.total[Phase::Skipped as usize],
        dead: book.total[Phase::Dead as usize],
        records: book.records,
        bytes: book.bytes,
        by_state: Phase::ALL
            .into_iter()
            .map(|phase| (phase.name().to_owned(), book.total[phase as usize]))
            .collect(),
        stages,
    })
}

/// The batches' tempo.
fn batches(crawl: &Crawl, id: SessionId) -> BatchInfo {
    let Some(session) = crawl.session(id) else {
        return BatchInfo::default();
    };
    let (now, bounds) = (crawl.now(), crawl.settings.0.batches());
    let tempo = &session.tempo;
    let round = tempo.last();
    let slowness = round.map_or(0, |round| round.slowness);
    BatchInfo {
        opened: u32::try_from(session.opened.len()).unwrap_or(u32::MAX),
        size: tempo.size(&bounds),
        pause: tempo.pause(&bounds).as_secs_f64(),
        opens_in: tempo
            .rests_until(&bounds)
            .map(|until| until.saturating_sub(now).as_secs_f64()),
        errors: round.map(|round| f64::from(round.errors) / 1e3),
        slowness: (slowness > 0).then(|| number(slowness) / 1e3),
    }
}

fn in_flight(counts: &Counts) -> u64 {
    Phase::ALL
        .into_iter()
        .filter(|phase| phase.is_in_flight())
        .map(|phase| counts[phase as usize])
        .sum()
}

/// Waiting tasks by reason: queues by what holds their line, backoff by the ledger.
fn waiting(crawl: &mut Crawl, id: SessionId) -> BTreeMap<String, u64> {
    let mut waiting = BTreeMap::new();
    let mut add = |reason: WaitReason, count: u64| {
        if count > 0 {
            *waiting.entry(reason.name().to_owned()).or_default() += count;
        }
    };
    let thrifty = thrifty(crawl, id);
    let paused = crawl
        .session(id)
        .is_some_and(|session| !session.is_dispatching());
    let bounds = crawl.settings.0.batches();
    let rests = crawl
        .session(id)
        .is_some_and(|session| session.tempo.rests_until(&bounds).is_some());
    // While a session rests, nothing of its open batches is queued.
    let outside = if rests {
        WaitReason::BatchNotBegun
    } else {
        WaitReason::OutsideWindow
    };
    for (_, line) in crawl.lines.iter().filter(|(_, line)| line.session == id) {
        let reason = if paused {
            WaitReason::Paused
        } else {
            crawl
                .condition
                .limited
                .or(line.held)
                .unwrap_or(WaitReason::HttpPermits)
        };
        add(reason, u64::try_from(line.waiting()).unwrap_or(0));
        add(outside, line.outside);
    }
    add(
        WaitReason::CpuPermits,
        u64::try_from(crawl.desk.to_parse.len()).unwrap_or(0),
    );
    add(
        WaitReason::StorePermits,
        u64::try_from(crawl.desk.to_save.len()).unwrap_or(0),
    );
    let backoff = crawl
        .moves
        .book(id)
        .map_or(0, |book| book.total[Phase::Backoff as usize]);
    let thrifty = thrifty.min(backoff);
    add(WaitReason::RetryBudget, thrifty);
    add(WaitReason::Backoff, backoff - thrifty);
    waiting
}

/// Retries of a session that are due and wait for their host's budget.
fn thrifty(crawl: &mut Crawl, id: SessionId) -> u64 {
    let moves = &crawl.moves;
    let still = |entity: &Entity| matches!(moves.of(*entity), Some(TaskState::Backoff { .. }));
    crawl.desk.thrifty.retain(still);
    let own = |entity: &&Entity| {
        moves
            .identity(**entity)
            .is_some_and(|task| task.session == id)
    };
    u64::try_from(crawl.desk.thrifty.iter().filter(own).count()).unwrap_or(u64::MAX)
}

fn hosts(crawl: &mut Crawl, id: SessionId) -> Vec<HostInfo> {
    let now = crawl.now();
    let mut lines: Vec<(HostId, u64, u64, OverCounts)> = crawl
        .lines
        .iter()
        .filter(|(_, line)| line.session == id)
        .map(|(_, line)| {
            let resident = u64::try_from(line.waiting()).unwrap_or(0);
            (line.host, resident + line.outside, line.outside, line.gone)
        })
        .collect();
    lines.sort_by_key(|(host, waiting, ..)| (std::cmp::Reverse(*waiting), *host));
    lines.truncate(HOSTS);
    lines
        .into_iter()
        .filter_map(|(id, waiting, outside, gone)| {
            let mut host = crawl.host_mut(id)?;
            let parked = host
                .breaker
                .open_until()
                .or_else(|| host.pace.parked_until(now))
                .filter(|until| *until > now && *until < std::time::Duration::MAX);
            Some(HostInfo {
                id: id.0,
                host: host.name.to_string(),
                rate: host.rate(now),
                limit: host.pace.limit(),
                pace: host.pace.gap(now).as_secs_f64(),
                refuses: host
                    .pace
                    .refuses_at_any_speed()
                    .map(|share| f64::from(share) / 100.0),
                why: host.pace.why(now),
                breaker: host.breaker.phase().name().to_owned(),
                parked_for: parked.map(|until| until.saturating_sub(now).as_secs_f64()),
                waiting,
                outside,
                in_flight: host.pace.in_flight(),
                finished: gone.finished,
                dead: gone.dead,
                failed: gone.failed,
            })
        })
        .collect()
}

/// Statistics by work type; the expected durations of the next second come from here too.
fn pools(crawl: &mut Crawl, id: SessionId, queued: u64) -> Vec<Pool> {
    let now = crawl.now();
    let Some(names) = crawl.session(id).map(|session| {
        session
            .site
            .stages
            .iter()
            .map(|stage| stage.name.clone())
            .collect::<Vec<_>>()
    }) else {
        return Vec::new();
    };
    let permits = &crawl.permits;
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let (http, cpu, store) = (
        narrow(permits.http.limit),
        narrow(permits.cpu.limit),
        narrow(permits.save_queue),
    );
    let capacity = [0, permits.parse_queue, permits.save_queue];
    let depth = [
        queued,
        u64::try_from(crawl.desk.to_parse.len()).unwrap_or(0),
        u64::try_from(crawl.desk.to_save.len()).unwrap_or(0),
    ];
    let mut pools = Vec::new();
    for ((step, stage), work) in &mut crawl.stats.session(id).work {
        let quantile = |q: f64| work.sketch.quantile(q).ok().flatten().unwrap_or(0.0);
        let (p10, p50, p90) = (quantile(0.1), quantile(0.5), quantile(0.9));
        let ms = |value: f64| millis(std::time::Duration::from_secs_f64(value.max(0.0) / 1e3));
        work.expect = (work.count >= forecast::MIN_PAGES).then(|| (ms(p50), ms(p10), ms(p90)));
        let max = match step {
            Step::Fetch => http,
            Step::Parse => cpu,
            Step::Save => store,
        };
        let active = work.active.min(max);
        pools.push(Pool {
            work_type: format!("{}:{}", step.name(), names[usize::from(stage.0)]),
            active,
            max,
            utilisation: f64::from(active) / f64::from(max.max(1)),
            queue_depth: depth[*step as usize] + u64::from(work.active - active),
            queue_capacity: capacity[*step as usize],
            count: work.count,
            per_minute: work.recent.per_second(now, 60) * 60.0,
            mean_ms: work.total.as_secs_f64() * 1e3 / number(work.count.max(1)),
            p50_ms: p50,
            p95_ms: work.sketch.quantile(0.95).ok().flatten().unwrap_or(0.0),
            p99_ms: work.sketch.quantile(0.99).ok().flatten().unwrap_or(0.0),
        });
    }
    pools
}

/// What limits the speed, with its evidence: the reason that most waiting tasks share.
fn bottleneck(crawl: &Crawl, id: SessionId, waiting: &BTreeMap<String, u64>) -> Option<Bottleneck> {
    let running = crawl
        .session(id)
        .is_some_and(crate::world::session::Session::is_dispatching);
    if !running {
        return None;
    }
    let outside = WaitReason::OutsideWindow.name();
    let (reason, count) = waiting
        .iter()
        .filter(|(reason, _)| *reason != outside)
        .max_by_key(|(_, count)| **count)?;
    let permits = &crawl.permits;
    let (name, figures) = match reason.as_str() {
        "pace" | "crawl_delay" | "host_limit" | "retry_after" => ("site's rate", String::new()),
        "http_permits" => (
            "http permits",
            format!("; {} of {} in use", permits.http.used, permits.http.limit),
        ),
        "cpu_permits" | "memory" => (
            "cpu",
            format!("; {} of {} in use", permits.cpu.used, permits.cpu.limit),
        ),
        "store_permits" | "store_trouble" => (
            "store",
            format!("; {} bytes on their way", permits.store.used),
        ),
        "back_pressure" => (
            "cpu",
            format!("; {} pages wait for a parser", crawl.desk.to_parse.len()),
        ),
        "breaker" => ("breaker", String::new()),
        other => (other, String::new()),
    };
    Some(Bottleneck {
        name: name.to_owned(),
        evidence: format!("{count} tasks wait: {}{figures}", reason.replace('_', " ")),
    })
}
