//! What the forecast is made from: the ledger, the statistics and the hosts of one session.

use std::time::Duration;

use crate::{
    forecast::{self, Evidence, Forecast, HostLoad, StageLoad},
    model::{
        ids::{HostId, SessionId, StageId},
        numbers::{count, number},
    },
    site::compiled::Pages,
    systems::crawl::Crawl,
    world::{ledger::open, stats::Step},
};

/// Seconds of the past that are looked at.
const PAST: u64 = 59;
/// A host's rate is taken from the last three or ten seconds if so many requests went out in them,
/// else from the whole run.
const RECENT: usize = 8;
const SHORT: Duration = Duration::from_secs(3);

/// When the session ends, while it runs.
pub(super) fn of(crawl: &mut Crawl, id: SessionId) -> Option<Forecast> {
    if !crawl.session(id)?.is_dispatching() {
        return None;
    }
    forecast::predict(&evidence(crawl, id)?)
}

fn evidence(crawl: &mut Crawl, id: SessionId) -> Option<Evidence> {
    let now = crawl.now();
    let stages = stages(crawl, id)?;
    let session = crawl.session(id)?;
    let elapsed = now.saturating_sub(session.began);
    let (ended, requests) = (session.ended, session.requests);
    let pages_a_request = number(ended) / number(requests.max(1));
    let hosts = hosts(crawl, id, elapsed, pages_a_request);
    let stats = crawl.stats.session(id);
    let recent = stats.pages.last(now, PAST);
    let page_s = [Step::Fetch, Step::Parse, Step::Save]
        .into_iter()
        .filter_map(|step| {
            let works = stats.work.iter().filter(|((of, _), _)| *of == step);
            let busiest = works.map(|(_, work)| work).max_by_key(|work| work.count)?;
            (busiest.count > 0).then(|| busiest.total.as_secs_f64() / number(busiest.count))
        })
        .sum();
    Some(Evidence {
        stages,
        hosts,
        recent,
        ended,
        elapsed_s: elapsed.as_secs_f64(),
        page_s,
    })
}

fn stages(crawl: &mut Crawl, id: SessionId) -> Option<Vec<StageLoad>> {
    let now = crawl.now();
    let mut loads = Vec::new();
    let session = crawl.session(id)?;
    let book = crawl.moves.book(id)?;
    for (index, stage) in (0u16..).zip(&session.site.stages) {
        let number = StageId(index);
        loads.push(StageLoad {
            open: open(&book.stage(number)),
            children: session
                .children
                .iter()
                .filter(|((from, _), _)| *from == number)
                .map(|((_, to), count)| (usize::from(to.0), *count))
                .collect(),
            leads: stage.pages.is_some() || !stage.links.is_empty() || stage.sitemap_of.is_some(),
            is_counted: stage.sitemap_of.is_some()
                || matches!(&stage.pages, Some(Pages::Pattern { count: Some(_), .. })),
            ..StageLoad::default()
        });
    }
    let works = &mut crawl.stats.session(id).work;
    for (index, load) in (0u16..).zip(&mut loads) {
        if let Some(saves) = works.get_mut(&(Step::Save, StageId(index))) {
            load.read = saves.count;
            load.recent = saves.recent.last(now, PAST);
        }
    }
    Some(loads)
}

fn hosts(
    crawl: &mut Crawl,
    id: SessionId,
    elapsed: Duration,
    pages_a_request: f64,
) -> Vec<HostLoad> {
    let now = crawl.now();
    let lines: Vec<(HostId, u64)> = crawl
        .lines
        .iter()
        .filter(|(_, line)| line.session == id)
        .map(|(_, line)| {
            let resident = u64::try_from(line.waiting()).unwrap_or(0);
            (line.host, resident + line.outside)
        })
        .collect();
    lines
        .into_iter()
        .filter_map(|(id, waiting)| {
            let mut host = crawl.host_mut(id)?;
            let recent = host.rate(now);
            let since = now.saturating_sub(SHORT);
            let short = host.recent.iter().rev().take_while(|sent| **sent > since);
            let short = short.count();
            let (requests, seen) = if short >= RECENT && elapsed > SHORT {
                (count(short) / SHORT.as_secs_f64(), short)
            } else if host.recent.len() >= RECENT {
                (recent, host.recent.len())
            } else {
                let sent = usize::try_from(host.sent).unwrap_or(usize::MAX);
                (number(host.sent) / elapsed.as_secs_f64().max(1.0), sent)
            };
            let parked = host
                .breaker
                .open_until()
                .or_else(|| host.pace.retry_after_until(now))
                .filter(|until| *until > now && *until < Duration::MAX);
            Some(HostLoad {
                open: waiting + u64::from(host.pace.in_flight()),
                rate: requests * pages_a_request,
                seen: u64::try_from(seen).unwrap_or(u64::MAX),
                parked_s: parked.map_or(0.0, |until| until.saturating_sub(now).as_secs_f64()),
            })
        })
        .collect()
}
