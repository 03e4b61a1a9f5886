//! What the forecast is made from: the ledger, the statistics and the hosts of one session.

use std::{collections::BTreeMap, time::Duration};

use bevy_ecs::{
    resource::Resource,
    system::{Res, ResMut},
};

use super::DueSnapshots;
use crate::{
    forecast::{self, Forecast, ForecastInput, HostLoad, StageLoad},
    model::{
        ids::{SessionId, StageId},
        numbers::{count, number},
    },
    site::compiled::Pages,
    world::{
        clock::Clock,
        host::{Host, Hosts},
        host_queue::{HostQueue, HostQueues},
        ledger::{Book, Ledger, open},
        session::{Session, Sessions},
        stats::{SessionStats, Stats, Step},
    },
};

/// Seconds of the past that are looked at.
const PAST: u64 = 59;
/// A host's rate is taken from the last three or ten seconds if so many requests went out in them,
/// else from the whole run.
const RECENT: usize = 8;
const SHORT: Duration = Duration::from_secs(3);

/// Forecasts of the sessions whose snapshot is taken in this tick.
#[derive(Resource, Debug, Default)]
pub(super) struct Forecasts(BTreeMap<SessionId, Forecast>);

impl Forecasts {
    /// Takes a session's, if there is one.
    pub(super) fn take(&mut self, session: SessionId) -> Option<Forecast> {
        self.0.remove(&session)
    }
}

/// When sessions end that run.
pub(super) fn predict_ends(
    due: Res<DueSnapshots>,
    mut forecasts: ResMut<Forecasts>,
    sessions: Sessions,
    mut hosts: Hosts,
    mut stats: ResMut<Stats>,
    host_queues: Res<HostQueues>,
    ledger: Res<Ledger>,
    clock: Res<Clock>,
) {
    for id in &due.0 {
        let session = sessions.get(*id);
        let Some(book) = ledger.book(*id).filter(|_| session.is_dispatching()) else {
            continue;
        };
        let now = clock.now();
        let hosts = host_loads(session, &mut hosts, &host_queues, now);
        let input = input(session, book, stats.session(*id), hosts, now);
        if let Some(forecast) = forecast::predict(&input) {
            forecasts.0.insert(*id, forecast);
        }
    }
}

fn input(
    session: &Session,
    book: &Book,
    stats: &mut SessionStats,
    hosts: Vec<HostLoad>,
    now: Duration,
) -> ForecastInput {
    let stages = stage_loads(session, book, stats, now);
    let recent = stats.pages.last(now, PAST);
    let page_s = [Step::Fetch, Step::Parse, Step::Save]
        .into_iter()
        .filter_map(|step| {
            let works = stats.work.iter().filter(|((of, _), _)| *of == step);
            let busiest = works.map(|(_, work)| work).max_by_key(|work| work.count)?;
            (busiest.count > 0).then(|| busiest.total.as_secs_f64() / number(busiest.count))
        })
        .sum();
    ForecastInput {
        stages,
        hosts,
        recent,
        ended: session.ended,
        elapsed_s: now.saturating_sub(session.began).as_secs_f64(),
        page_s,
    }
}

fn stage_loads(
    session: &Session,
    book: &Book,
    stats: &mut SessionStats,
    now: Duration,
) -> Vec<StageLoad> {
    let stages = (0u16..).map(StageId).zip(&session.site.stages);
    stages
        .map(|(number, stage)| {
            let children = session.children.iter();
            let own = children.filter(|((from, _), _)| *from == number);
            let saves = stats.work.get_mut(&(Step::Save, number));
            let (read, recent) = saves.map_or_else(Default::default, |saves| {
                (saves.count, saves.recent.last(now, PAST))
            });
            let is_sitemap = stage.sitemap_of.is_some();
            let pages = &stage.pages;
            StageLoad {
                open: open(&book.stage(number)),
                children: own
                    .map(|((_, to), count)| (usize::from(to.0), *count))
                    .collect(),
                leads: pages.is_some() || !stage.links.is_empty() || is_sitemap,
                is_counted: is_sitemap
                    || matches!(pages, Some(Pages::Pattern { count: Some(_), .. })),
                read,
                recent,
            }
        })
        .collect()
}

/// The hosts of a session's queues.
fn host_loads(
    session: &Session,
    hosts: &mut Hosts,
    host_queues: &HostQueues,
    now: Duration,
) -> Vec<HostLoad> {
    let queues = host_queues.iter().map(|(_, queue)| queue);
    let own = queues.filter(|queue| queue.session == session.id);
    own.filter_map(|queue| {
        let mut host = hosts.get_mut(queue.host)?;
        Some(host_load(session, queue, &mut host, now))
    })
    .collect()
}

/// A host as a session's queue counts it.
pub(super) fn host_load(
    session: &Session,
    queue: &HostQueue,
    host: &mut Host,
    now: Duration,
) -> HostLoad {
    let elapsed = now.saturating_sub(session.began);
    let pages_a_request = number(session.ended) / number(session.requests.max(1));
    let (rate, seen) = rate(host, elapsed, now);
    let parked = host.parked_until(now);
    let resident = u64::try_from(queue.waiting()).unwrap_or(0);
    HostLoad {
        open: resident + queue.outside + u64::from(host.pace.in_flight()),
        rate: rate * pages_a_request,
        seen: u64::try_from(seen).unwrap_or(u64::MAX),
        parked_s: parked.map_or(0.0, |until| until.saturating_sub(now).as_secs_f64()),
    }
}

/// Requests a second to a host, and from how many that was seen.
fn rate(host: &mut Host, elapsed: Duration, now: Duration) -> (f64, usize) {
    let recent = host.rate(now);
    let since = now.saturating_sub(SHORT);
    let short = host.recent.iter().rev().take_while(|sent| **sent > since);
    let short = short.count();
    if short >= RECENT && elapsed > SHORT {
        (count(short) / SHORT.as_secs_f64(), short)
    } else if host.recent.len() >= RECENT {
        (recent, host.recent.len())
    } else {
        let sent = usize::try_from(host.sent).unwrap_or(usize::MAX);
        (number(host.sent) / elapsed.as_secs_f64().max(1.0), sent)
    }
}
