//! Completion: reports are matched with their orders, then each kind is taken by the system that
//! moves its owner on; what nobody waits for is dropped.

mod acceptance;
mod answers;
mod bulk_moves;
mod discovered;
mod host_health;
mod new_hosts;
mod opened;
mod pages;
mod redirects;
mod robots;
mod saved;
mod store_trouble;

use std::time::Duration;

use bevy_ecs::{
    entity::Entity,
    schedule::{IntoScheduleConfigs, Schedule},
    system::{Res, ResMut, SystemParam},
    world::World,
};

pub(super) use host_health::{HostAnswered, tell_breaker};
pub(super) use new_hosts::ceiling;
#[cfg(test)]
pub(super) use new_hosts::new_host;

use crate::{
    extract::output::{ExtractError, Extracted},
    message::{
        receipts::{Discovered, Ended, MovedCount, SessionOpened, StoreError, StoreReceipt},
        reports::{Answer, FetchFailure, Outcome, Report},
        store_verbs::{StoreVerb, StoredTask},
    },
    model::{
        class::ErrorClass,
        ids::{BatchId, HostId, OrderId, Seq, SessionId, StageId},
    },
    systems::TickSystems,
    world::{
        border::Inbox,
        condition::StoreHealth,
        host_queue::HostQueueId,
        permits::Permits,
        queue::{Queue, any},
        replies::PendingReplies,
        slots::{Flight, Owner, Slots},
        store_requests::StoreRequests,
    },
};

/// What is said of an order that nobody has answered.
const LOST: &str = "no report came by this order's deadline";

/// Reports of one tick, at most: a burst is several ticks.
const BURST: usize = 8_192;

pub(super) fn install(schedule: &mut Schedule, world: &mut World) {
    install_queues(world);
    let receipts = (
        saved::keep_ended.run_if(any::<EndReceipt>),
        opened::open_sessions.run_if(any::<Opening>),
        discovered::take_discovered.run_if(any::<Discovery>),
        new_hosts::admit_hosts.run_if(new_hosts::any_seen),
        discovered::admit_pages.run_if(any::<Admission>),
        bulk_moves::take_moved.run_if(any::<BulkMove>),
        opened::close_sessions.run_if(any::<SessionClosed>),
        store_trouble::wait_for_store.run_if(any::<StoreFailure>),
    );
    let answers = (
        robots::read_robots.run_if(any::<RobotsReport>),
        answers::take_answers.run_if(any::<FetchReport>),
        host_health::update_hosts.run_if(any::<HostAnswered>),
        pages::take_pages.run_if(any::<ParseReport>),
        redirects::follow_redirects.run_if(any::<Redirected>),
    );
    schedule.add_systems(
        (
            match_reports.run_if(|inbox: Res<Inbox>| !inbox.reports.is_empty()),
            answers.chain(),
            receipts.chain(),
        )
            .chain()
            .in_set(TickSystems::Completion),
    );
}

fn install_queues(world: &mut World) {
    world.init_resource::<Queue<FetchReport>>();
    world.init_resource::<Queue<ParseReport>>();
    world.init_resource::<Queue<RobotsReport>>();
    world.init_resource::<Queue<StoreFailure>>();
    world.init_resource::<Queue<EndReceipt>>();
    world.init_resource::<Queue<Admission>>();
    world.init_resource::<Queue<BulkMove>>();
    world.init_resource::<Queue<Opening>>();
    world.init_resource::<Queue<Discovery>>();
    world.init_resource::<Queue<SessionClosed>>();
    world.init_resource::<Queue<HostAnswered>>();
    world.init_resource::<Queue<Redirected>>();
    world.init_resource::<Queue<Setback>>();
}

/// What came of a task's fetch, or how its worker broke off; `take_answers` takes it.
#[derive(Debug)]
pub(super) struct FetchReport {
    id: OrderId,
    entity: Entity,
    took: Duration,
    outcome: FetchOutcome,
}

#[derive(Debug)]
enum FetchOutcome {
    Answered(Box<Answer>),
    Failed(Box<FetchFailure>),
    /// The worker of a fetch or of a parse panicked, was told to stop, or is lost.
    Broken(ErrorClass, String),
}

/// What came of a task's parse; `take_pages` takes it.
#[derive(Debug)]
pub(super) struct ParseReport {
    id: OrderId,
    entity: Entity,
    took: Duration,
    outcome: Result<Box<Extracted>, ExtractError>,
}

/// What came of a robots.txt or of a probe; `read_robots` takes it.
#[derive(Debug)]
pub(super) struct RobotsReport {
    id: OrderId,
    host: HostId,
    is_probe: bool,
    outcome: Outcome,
}

/// The store could not carry a verb out; `wait_for_store` takes it. The verb waits in its slot.
#[derive(Debug)]
pub(super) struct StoreFailure {
    id: OrderId,
    error: StoreError,
}

/// A page's end is on disk; `keep_ended` takes it.
#[derive(Debug)]
pub(super) struct EndReceipt {
    of: EndedPage,
    ended: Ended,
}

#[derive(Debug)]
enum EndedPage {
    /// Saved, with what the save took and its bytes.
    Saved(Entity, Duration, u64),
    /// An attempt that ended otherwise.
    Other(SessionId),
}

/// Pages that the store has added to the frontier; `take_discovered` takes them.
#[derive(Debug)]
pub(super) struct Discovery {
    session: SessionId,
    found_by: FoundBy,
    found: Discovered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FoundBy {
    /// The session's start URLs.
    Start,
    /// A page of this stage that was saved.
    Page(StageId),
    /// What a page had that failed all the same.
    FailedPage,
}

/// Waiting pages that the store has read for a host queue; `admit_pages` takes them.
#[derive(Debug)]
pub(super) struct Admission {
    queue: HostQueueId,
    batch: BatchId,
    tasks: Vec<StoredTask>,
    after: Seq,
    exhausted: bool,
}

/// Pages that a bulk verb has moved in the store; `take_moved` takes it.
#[derive(Debug)]
pub(super) struct BulkMove {
    owner: Owner,
    moved: Vec<MovedCount>,
}

/// A session that the store has opened, by the request for it; `open_sessions` takes it.
#[derive(Debug)]
pub(super) struct Opening(u32, Box<SessionOpened>);

/// A session's last note is kept; `close_sessions` takes it.
#[derive(Debug)]
pub(super) struct SessionClosed(SessionId);

/// A page leads on, by a redirect or by itself; `follow_redirects` takes it.
#[derive(Debug)]
pub(super) struct Redirected {
    id: OrderId,
    entity: Entity,
    location: String,
    took: Duration,
    bytes: u64,
}

/// An attempt ended badly, with what its flight had gathered; its slot is closed.
/// `judge_setbacks` takes it.
#[derive(Debug)]
pub(super) struct Setback {
    pub(super) entity: Entity,
    pub(super) flight: Box<Flight>,
    pub(super) class: ErrorClass,
    /// One line for people.
    pub(super) message: String,
    /// The host asked to wait so long.
    pub(super) after: Option<Duration>,
}

impl Setback {
    /// Closes the slot of an order that is in flight and has given its permits back.
    fn new(slots: &mut Slots, id: OrderId, entity: Entity, class: ErrorClass, why: String) -> Self {
        let busy = slots.close(id).expect("the order is in flight");
        Self {
            entity,
            flight: busy.flight.expect("a task's order has its flight"),
            class,
            message: why,
            after: None,
        }
    }
}

/// Where reports of fetches and parses go.
#[derive(SystemParam)]
struct ReportQueues<'w> {
    fetched: ResMut<'w, Queue<FetchReport>>,
    parsed: ResMut<'w, Queue<ParseReport>>,
    robots: ResMut<'w, Queue<RobotsReport>>,
    failed: ResMut<'w, Queue<StoreFailure>>,
}

/// Where receipts of the store go.
#[derive(SystemParam)]
struct ReceiptQueues<'w> {
    ended: ResMut<'w, Queue<EndReceipt>>,
    discovered: ResMut<'w, Queue<Discovery>>,
    admitted: ResMut<'w, Queue<Admission>>,
    moved: ResMut<'w, Queue<BulkMove>>,
    opened: ResMut<'w, Queue<Opening>>,
    closed: ResMut<'w, Queue<SessionClosed>>,
}

/// Sorts what came back by who waits for it. A report whose order is not in flight any more is
/// dropped.
fn match_reports(
    mut inbox: ResMut<Inbox>,
    mut slots: ResMut<Slots>,
    mut permits: ResMut<Permits>,
    mut requests: ResMut<StoreRequests>,
    mut health: ResMut<StoreHealth>,
    mut replies: ResMut<PendingReplies>,
    mut queues: ReportQueues,
    mut receipts: ReceiptQueues,
) {
    for _ in 0..BURST {
        let Some(report) = inbox.reports.pop_front() else {
            break;
        };
        // Before all else: the requests of its page come after this one, so that no page is done
        // whose cookies are not kept; and an order that nobody waits for has changed the jar all
        // the same.
        if let Some(set) = report.cookies {
            let owner = Owner::Note(Some(set.session));
            requests.ask(owner, StoreVerb::KeepCookies(*set));
        }
        let id = report.id;
        let Some(busy) = slots.get_mut(id) else {
            continue;
        };
        let (owner, is_saving) = (busy.owner, busy.store > 0);
        match (owner, report.outcome) {
            (_, Outcome::StoreFailed(error, verb)) => {
                busy.verb = verb;
                queues.failed.push(StoreFailure { id, error });
            }
            (_, Outcome::Stored(receipt)) => {
                health.answered(!matches!(*receipt, StoreReceipt::Admitted { .. }));
                let bytes = busy.store;
                slots.release(id, &mut permits);
                slots.close(id);
                let took = report.took;
                match (owner, *receipt) {
                    (Owner::Task(entity), StoreReceipt::Ended(ended)) => {
                        let of = EndedPage::Saved(entity, took, bytes);
                        receipts.ended.push(EndReceipt { of, ended });
                    }
                    (Owner::Marks, StoreReceipt::Marked) => {
                        keep_marks(&mut slots, requests.marking.remove(&id));
                    }
                    (Owner::Inspect(request), StoreReceipt::Attempts(attempts)) => {
                        replies.inspected(request, attempts);
                    }
                    (owner, receipt) => receipts.sort(owner, receipt),
                }
            }
            (Owner::Robots(host) | Owner::Probe(host), outcome) => {
                queues.robots.push(RobotsReport {
                    id,
                    host,
                    is_probe: matches!(owner, Owner::Probe(_)),
                    outcome,
                });
            }
            (Owner::Task(entity), outcome) if !is_saving => {
                queues.sort(id, entity, report.took, outcome);
            }
            (_, outcome) => {
                // A store thread that panicked says so; nothing it had in hand was committed.
                let message = match outcome {
                    Outcome::Panicked(message) => message,
                    Outcome::Lost => LOST.to_owned(),
                    other => format!("the store answered with {other:?}"),
                };
                let error = StoreError::Fatal(message);
                queues.failed.push(StoreFailure { id, error });
            }
        }
    }
}

impl ReportQueues<'_> {
    /// What came of a task's fetch or parse.
    fn sort(&mut self, id: OrderId, entity: Entity, took: Duration, outcome: Outcome) {
        let broken = |message: &str| FetchOutcome::Broken(ErrorClass::Worker, message.to_owned());
        let outcome = match outcome {
            Outcome::Parsed(extracted) => return self.parse(id, entity, took, Ok(extracted)),
            Outcome::ParseFailed(error) => return self.parse(id, entity, took, Err(error)),
            Outcome::Answered(answer) => FetchOutcome::Answered(answer),
            Outcome::FetchFailed(failure) => FetchOutcome::Failed(failure),
            Outcome::Panicked(message) => broken(&message),
            Outcome::Lost => broken(LOST),
            Outcome::Aborted => {
                FetchOutcome::Broken(ErrorClass::Aborted, "aborted by a command".to_owned())
            }
            Outcome::Stored(_) | Outcome::StoreFailed(..) => {
                unreachable!("receipts are sorted elsewhere")
            }
        };
        self.fetched.push(FetchReport {
            id,
            entity,
            took,
            outcome,
        });
    }

    fn parse(
        &mut self,
        id: OrderId,
        entity: Entity,
        took: Duration,
        outcome: Result<Box<Extracted>, ExtractError>,
    ) {
        self.parsed.push(ParseReport {
            id,
            entity,
            took,
            outcome,
        });
    }
}

impl ReceiptQueues<'_> {
    fn sort(&mut self, owner: Owner, receipt: StoreReceipt) {
        match (owner, receipt) {
            (Owner::End(session), StoreReceipt::Ended(ended)) => {
                let of = EndedPage::Other(session);
                self.ended.push(EndReceipt { of, ended });
            }
            (
                Owner::Admit(queue, batch),
                StoreReceipt::Admitted {
                    tasks,
                    cursor,
                    exhausted,
                },
            ) => self.admitted.push(Admission {
                queue,
                batch,
                tasks,
                after: cursor,
                exhausted,
            }),
            (Owner::Discover(session), StoreReceipt::Discovered(found)) => {
                let found_by = FoundBy::Start;
                self.discovered.push(Discovery {
                    session,
                    found_by,
                    found,
                });
            }
            (Owner::Open(request), StoreReceipt::Opened(opened)) => {
                self.opened.push(Opening(request, opened));
            }
            (owner, StoreReceipt::Moved(moved)) => self.moved.push(BulkMove { owner, moved }),
            (Owner::Close(session), StoreReceipt::Noted) => {
                self.closed.push(SessionClosed(session));
            }
            (Owner::Note(_), StoreReceipt::Noted) => {}
            (owner, receipt) => unreachable!("{owner:?} was answered with {receipt:?}"),
        }
    }
}

/// The marks of these flights are on disk; some may have ended meanwhile.
fn keep_marks(slots: &mut Slots, flights: Option<Vec<OrderId>>) {
    for flight in flights.unwrap_or_default() {
        let busy = slots.get_mut(flight);
        if let Some(flight) = busy.and_then(|busy| busy.flight.as_deref_mut()) {
            flight.mark = flight.mark.kept();
        }
    }
}

/// A report that did not come, told like any other in the next tick.
pub(super) const fn lost(id: OrderId) -> Report {
    Report::new(id, Duration::ZERO, Outcome::Lost)
}

#[cfg(test)]
mod tests;
