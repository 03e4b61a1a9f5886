//! Answers to tasks' fetches: fetching → fetched, or on to where a redirect leads, or a setback.

use std::{sync::Arc, time::Duration};

use bevy_ecs::system::ResMut;
use url::Url;

use super::{FetchOutcome, FetchReport, HostAnswered, Redirected, Setback};
use crate::{
    extract::{page_number, refresh, sitemap_may_be_missing},
    feed::frame::Detail,
    message::reports::{Answer, FetchFailure},
    model::{class::ErrorClass, host_key::HostKey, numbers::millis, page_url::PageUrl},
    politeness::{
        breaker::Health,
        classify::{Verdict, classify},
        pace::Signal,
    },
    site::compiled::Pages,
    world::{
        permits::Permits,
        queue::{ParseQueue, Queue},
        session::{Session, Sessions},
        slots::{Flight, Slots},
        stats::{Stats, Step},
        task::Identity,
        task_state::{TaskState, Tasks},
    },
};

/// Memory charged per byte of a body while it is parsed (measured on a page of tiny elements).
const MEMORY_PER_BYTE: u64 = 65;

/// Read instead of the 404 that ends a list.
const NO_MORE: &[u8] = b"<!-- no such page: the list has ended -->";

/// What an outcome says of its host's speed and health, and of our own network.
struct Signals(Signal, Health, Option<ErrorClass>);

/// What becomes of the page.
enum Next {
    /// Its body, which waits in the slot, is parsed.
    Parse,
    /// It leads on to this address, which may be relative.
    Redirect(String),
    SetBack {
        class: ErrorClass,
        message: String,
        after: Option<Duration>,
    },
}

impl Next {
    const fn set_back(class: ErrorClass, message: String) -> Self {
        let after = None;
        Self::SetBack {
            class,
            message,
            after,
        }
    }
}

/// fetching → fetched; what else an answer says is left for `follow_redirects`, `judge_setbacks`
/// and `update_hosts`.
pub(super) fn take_answers(
    mut reports: ResMut<Queue<FetchReport>>,
    mut tasks: Tasks,
    mut sessions: Sessions,
    mut slots: ResMut<Slots>,
    mut permits: ResMut<Permits>,
    mut stats: ResMut<Stats>,
    mut parse_queue: ResMut<ParseQueue>,
    mut redirects: ResMut<Queue<Redirected>>,
    mut setbacks: ResMut<Queue<Setback>>,
    mut answered: ResMut<Queue<HostAnswered>>,
) {
    while let Some(report) = reports.pop() {
        let (id, entity, took) = (report.id, report.entity, report.took);
        let now = tasks.now();
        let task = tasks.identity(entity);
        let sent = slots.get(id).expect("a matched order is in flight").sent;
        let asked = slots.release(id, &mut permits);
        parse_queue.ended(id);
        let mut session = sessions.get_mut(task.session);
        let flight = slots.flight_mut(id);
        let bytes = report.outcome.bytes();
        let (Signals(signal, health, failed), next) = match report.outcome {
            FetchOutcome::Answered(answer) => {
                stats.session(task.session).bytes.add(now, bytes);
                tasks.ledger.book_mut(task.session).bytes += bytes;
                gather(flight, &session, &task, tasks.url(entity), *answer, took)
            }
            FetchOutcome::Failed(failure) => fail(flight, *failure, took),
            FetchOutcome::Broken(class, message) => (
                Signals(Signal::Neutral, Health::Neutral, Some(class)),
                Next::set_back(class, message),
            ),
        };
        // A parse that broke off says nothing of a host.
        if let Some(host) = asked {
            answered.push(HostAnswered {
                host,
                sent,
                signal,
                health,
                failed,
            });
        }
        match next {
            Next::Parse => {
                permits.memory.take(flight.memory);
                stats.ended(task.session, Step::Fetch, task.stage, flight.fetch, now);
                session.tempo.on_good(task.stage.0, flight.fetch);
                let ms = millis(took);
                tasks.enter(entity, TaskState::Fetched(id), Detail::Took { ms, bytes });
                parse_queue.waiting.push_back(id);
            }
            Next::Redirect(location) => redirects.push(Redirected {
                id,
                entity,
                location,
                took,
                bytes,
            }),
            Next::SetBack {
                class,
                message,
                after,
            } => {
                let step = match tasks.state(entity) {
                    TaskState::Parsing(_) => Step::Parse,
                    _ => Step::Fetch,
                };
                stats.broke(task.session, step, task.stage);
                setbacks.push(Setback {
                    after,
                    ..Setback::new(&mut slots, id, entity, class, message)
                });
            }
        }
    }
}

impl FetchOutcome {
    /// Bytes of an answer's body as received.
    fn bytes(&self) -> u64 {
        match self {
            Self::Answered(answer) => answer.wire_bytes,
            Self::Failed(_) | Self::Broken(..) => 0,
        }
    }
}

/// An answer of any status is judged, and waits in the flight.
fn gather(
    flight: &mut Flight,
    session: &Session,
    task: &Identity,
    url: &PageUrl,
    mut answer: Answer,
    took: Duration,
) -> (Signals, Next) {
    let verdict = match classify(&answer.head, answer.wall) {
        // Many sites have no robots.txt, and most of those no sitemap: nothing is listed.
        Verdict::Fail {
            class: ErrorClass::NotFound,
            ..
        } if is_unnamed_sitemap(session, task, url) => {
            answer.body = Arc::default();
            Verdict::Page
        }
        // A list that goes on until a page is empty ends as well with a page that is not there.
        Verdict::Fail { class, .. } if ends_list(session, task, url, class) => {
            answer.body = Arc::new(NO_MORE.to_vec());
            Verdict::Page
        }
        // What is asked of a browser counts where a redirect would.
        Verdict::Page => match refreshes_to(flight.target.as_ref().unwrap_or(url), &answer) {
            Some(location) => Verdict::Redirect(location),
            None => Verdict::Page,
        },
        verdict => verdict,
    };
    let signals = answer_signals(&answer, &verdict);
    let body = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
    flight.fetch += took;
    flight.bytes += answer.wire_bytes;
    flight.status = Some(answer.head.status);
    flight.answer = Some(answer);
    let next = match verdict {
        Verdict::Page => {
            flight.memory = body.saturating_mul(MEMORY_PER_BYTE);
            Next::Parse
        }
        Verdict::Redirect(location) => Next::Redirect(location),
        Verdict::Fail { class, message } => Next::set_back(class, message),
        Verdict::Throttle { after } => Next::SetBack {
            class: ErrorClass::RateLimit,
            message: match after {
                Some(after) => format!("the host asks to wait {} s", after.as_secs()),
                None => "the host asks for fewer requests".to_owned(),
            },
            after,
        },
    };
    (signals, next)
}

/// Where the answer's `Refresh` leads within five seconds, if that is another page.
fn refreshes_to(from: &PageUrl, answer: &Answer) -> Option<String> {
    let location = refresh::target(answer.head.header("refresh")?)?;
    let from = Url::parse(from).ok()?;
    let url = from.join(location).ok()?;
    let is_own = refresh::is_same_page(&from, &url);
    (HostKey::of(&url).is_some() && !is_own).then(|| url.into())
}

/// Whether this page was asked for only to see whether there is a sitemap.
fn is_unnamed_sitemap(session: &Session, task: &Identity, url: &PageUrl) -> bool {
    session.site.stage(task.stage).sitemap_of.is_some()
        && sitemap_may_be_missing(url, url.carried())
}

/// Whether a page of a list was asked for only to see whether there is one, and this says no.
fn ends_list(session: &Session, task: &Identity, url: &PageUrl, class: ErrorClass) -> bool {
    let stage = session.site.stage(task.stage);
    let Some(Pages::Pattern { first, .. }) = &stage.pages else {
        return false;
    };
    let carried = url.carried().parse().unwrap_or_default();
    let page = page_number(stage, url, &carried);
    match session.page_counts.get(&task.stage) {
        // Past what the site itself told, any refusal bears it out.
        Some((told, _)) => page > *told,
        None => page > *first && class == ErrorClass::NotFound,
    }
}

fn answer_signals(answer: &Answer, verdict: &Verdict) -> Signals {
    match verdict {
        Verdict::Page => Signals(Signal::Good(answer.first_byte), Health::Good, None),
        Verdict::Throttle { after } => Signals(Signal::Throttled(*after), Health::Neutral, None),
        Verdict::Fail { class, .. } if class.is_host_failure() => {
            let signal = if answer.head.status == 503 {
                Signal::Strained
            } else {
                Signal::Neutral
            };
            Signals(signal, Health::Bad, None)
        }
        Verdict::Redirect(_) | Verdict::Fail { .. } => Signals(Signal::Neutral, Health::Good, None),
    }
}

/// No whole answer came.
fn fail(flight: &mut Flight, failure: FetchFailure, took: Duration) -> (Signals, Next) {
    let class = failure.class;
    let signal = match class {
        ErrorClass::TimeoutFirstByte => Signal::Lost,
        ErrorClass::TimeoutWhole => Signal::Strained,
        _ => Signal::Neutral,
    };
    let health = if class.is_host_failure() {
        Health::Bad
    } else {
        Health::Neutral
    };
    flight.fetch += took;
    flight.bytes += failure.wire_bytes;
    if let Some(head) = failure.head {
        flight.status = Some(head.status);
        flight.answer = Some(Answer {
            head,
            ..Answer::default()
        });
    }
    let next = Next::set_back(class, failure.message);
    (Signals(signal, health, Some(class)), next)
}
