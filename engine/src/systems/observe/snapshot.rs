//! Snapshots: aggregates of the ledger, the statistics, the hosts; one per session.

use std::{collections::BTreeMap, time::Duration};

use bevy_ecs::system::{Res, ResMut};

use super::{
    DueSnapshots, FeedSeq,
    bottleneck::bottleneck,
    forecast::{Forecasts, host_load},
    waiting::WaitingCounts,
};
use crate::{
    feed::{
        frame::Frame,
        snapshot::{
            BatchInfo, HostInfo, Pool, Progress, Rates, Resources, SessionInfo, Snapshot, StageInfo,
        },
    },
    forecast::{self, Forecast, host::seconds_left},
    message::store_verbs::Mode,
    model::{
        class::WaitReason,
        ids::StageId,
        numbers::{millis, number},
        phase::Phase,
    },
    world::{
        border::Outbox,
        clock::Clock,
        host::{Host, Hosts},
        host_queue::{HostQueue, HostQueues},
        ledger::{Book, Ledger, in_flight},
        permits::Permits,
        session::{Session, Sessions},
        stats::{SessionStats, Stats, Step},
        window::Window,
    },
};

/// Hosts told in one snapshot.
const HOSTS: usize = 64;
/// A host that was sent fewer requests has not shown yet how fast it can be asked.
const LEARNING: u64 = 20;

/// The whole picture of each session that is due.
pub(super) fn take_snapshots(
    mut due: ResMut<DueSnapshots>,
    mut waiting: ResMut<WaitingCounts>,
    mut forecasts: ResMut<Forecasts>,
    sessions: Sessions,
    mut hosts: Hosts,
    mut stats: ResMut<Stats>,
    mut outbox: ResMut<Outbox>,
    host_queues: Res<HostQueues>,
    ledger: Res<Ledger>,
    permits: Res<Permits>,
    window: Res<Window>,
    seq: Res<FeedSeq>,
    clock: Res<Clock>,
) {
    let now = clock.now();
    for id in due.0.drain(..) {
        let session = sessions.get(id);
        let waiting = waiting.take(id);
        let forecast = forecasts.take(id);
        // The session is opened before it is counted.
        let Some(book) = ledger.book(id) else {
            continue;
        };
        let stats = stats.session(id);
        let rates = Rates {
            pages_per_minute: stats.pages.per_second(now, 10) * 60.0,
            records_per_minute: stats.records.per_second(now, 10) * 60.0,
            bytes_per_second: stats.bytes.per_second(now, 10),
        };
        let of_reason = |reason| waiting.get(&reason).copied().unwrap_or(0);
        let depth = [
            book.total[Phase::Queued as usize],
            of_reason(WaitReason::CpuPermits),
            of_reason(WaitReason::StorePermits),
        ];
        let errors = book.errors.iter();
        let told_hosts = host_infos(session, &mut hosts, &host_queues, now);
        let bottleneck = session
            .is_dispatching()
            .then(|| bottleneck(&told_hosts, &permits, &waiting));
        let snapshot = Snapshot {
            seq: seq.0.saturating_sub(1),
            at: now.as_secs_f64(),
            session: info(session),
            progress: progress(session, book, forecast.as_ref()),
            prediction: forecast.map(|forecast| forecast.session),
            rates,
            pools: pools(session, stats, &permits, depth, now),
            hosts: told_hosts,
            bottleneck: bottleneck.flatten(),
            waiting: named(waiting),
            batches: batches(session, now),
            resources: Resources {
                uptime_seconds: now.as_secs_f64(),
                window: u64::from(window.resident()),
                ..Resources::default()
            },
            errors: errors
                .map(|(class, count)| (class.name().to_owned(), *count))
                .collect(),
            lost: 0,
        };
        outbox.frames.push_back(Frame::Snapshot(Box::new(snapshot)));
    }
}

fn info(session: &Session) -> SessionInfo {
    let mode = match session.mode {
        Mode::New => "new",
        Mode::Full => "full",
    };
    SessionInfo {
        id: session.id.0,
        site: session.site.name.clone(),
        state: session.phase().name().to_owned(),
        mode: mode.to_owned(),
        profile: session.settings.profile.name().to_owned(),
        source: session.source.as_deref().map(str::to_owned),
    }
}

fn named(waiting: BTreeMap<WaitReason, u64>) -> BTreeMap<String, u64> {
    let waiting = waiting.into_iter();
    waiting
        .map(|(reason, count)| (reason.name().to_owned(), count))
        .collect()
}

fn progress(session: &Session, book: &Book, forecast: Option<&Forecast>) -> Progress {
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
    let by_state = Phase::ALL.into_iter();
    Progress {
        discovered: book.discovered,
        done: book.total[Phase::Done as usize],
        failed: book.total[Phase::Failed as usize],
        skipped: book.total[Phase::Skipped as usize],
        dead: book.total[Phase::Dead as usize],
        records: book.records,
        records_new: session.inserted,
        records_changed: session.changed,
        bytes: book.bytes,
        by_state: by_state
            .map(|phase| (phase.name().to_owned(), book.total[phase as usize]))
            .collect(),
        stages,
    }
}

fn batches(session: &Session, now: Duration) -> BatchInfo {
    let bounds = session.settings.batches();
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

/// The hosts of the session that take longest for the pages that are known of them.
fn host_infos(
    session: &Session,
    hosts: &mut Hosts,
    host_queues: &HostQueues,
    now: Duration,
) -> Vec<HostInfo> {
    let queues = host_queues.iter().map(|(_, queue)| queue);
    let own = queues.filter(|queue| queue.session == session.id);
    let mut all: Vec<_> = own
        .filter_map(|queue| {
            let mut host = hosts.get_mut(queue.host)?;
            let load = host_load(session, queue, &mut host, now);
            Some((queue, seconds_left(&load), load))
        })
        .collect();
    all.sort_by(|(queue, left, load), (other, its_left, its_load)| {
        let left = left.unwrap_or(load.parked_s);
        let order = its_left.unwrap_or(its_load.parked_s).total_cmp(&left);
        let order = order.then(its_load.open.cmp(&load.open));
        order.then(queue.host.cmp(&other.host))
    });
    all.truncate(HOSTS);
    all.into_iter()
        .filter_map(|(queue, left, _)| {
            let mut host = hosts.get_mut(queue.host)?;
            let eta = left.filter(|_| session.is_dispatching());
            Some(host_info(queue, &mut host, eta, now))
        })
        .collect()
}

fn host_info(queue: &HostQueue, host: &mut Host, eta: Option<f64>, now: Duration) -> HostInfo {
    let resident = u64::try_from(queue.waiting()).unwrap_or(0);
    let refuses = host.pace.refuses_at_any_speed();
    let parked = host.parked_until(now);
    let answers = host.answers.figures(now);
    HostInfo {
        id: queue.host.0,
        host: host.name.to_string(),
        rate: host.rate(now),
        limit: host.pace.limit(),
        pace: host.pace.gap(now).as_secs_f64(),
        refuses: refuses.map(|share| f64::from(share) / 100.0),
        p50_ms: answers.p50_ms,
        p95_ms: answers.p95_ms,
        errors: answers.errors,
        eta,
        is_learning: host.sent < LEARNING || host.pace.is_learning(),
        why: host.pace.why(now),
        breaker: host.breaker.phase().name().to_owned(),
        parked_for: parked.map(|until| until.saturating_sub(now).as_secs_f64()),
        waiting: resident + queue.outside,
        outside: queue.outside,
        in_flight: host.pace.in_flight(),
        finished: queue.gone.finished,
        cancelled: queue.gone.cancelled,
        dead: queue.gone.dead,
        failed: queue.gone.failed,
    }
}

/// Statistics by work type; the expected durations of the next second come from here too. `depth`:
/// pages that wait for a fetch, a parse, a save.
fn pools(
    session: &Session,
    stats: &mut SessionStats,
    permits: &Permits,
    depth: [u64; 3],
    now: Duration,
) -> Vec<Pool> {
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let (http, cpu, store) = (
        narrow(permits.http.limit),
        narrow(permits.cpu.limit),
        narrow(permits.save_queue),
    );
    let capacity = [0, permits.parse_queue, permits.save_queue];
    let mut pools = Vec::new();
    for ((step, stage), work) in &mut stats.work {
        let quantile = |q: f64| work.sketch.quantile(q).ok().flatten().unwrap_or(0.0);
        let (p10, p50, p90) = (quantile(0.1), quantile(0.5), quantile(0.9));
        let ms = |value: f64| millis(Duration::from_secs_f64(value.max(0.0) / 1e3));
        work.expect = (work.count >= forecast::MIN_PAGES).then(|| (ms(p50), ms(p10), ms(p90)));
        let max = match step {
            Step::Fetch => http,
            Step::Parse => cpu,
            Step::Save => store,
        };
        let active = work.active.min(max);
        pools.push(Pool {
            work_type: format!("{}:{}", step.name(), session.site.stage(*stage).name),
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
