//! The whole schedule under traffic: what one system leaves for another is taken in the same tick.

use std::time::Duration;

use bevy_ecs::{schedule::Schedule, world::World};

use super::{DETAIL, HOST, LIST, answer, host_key, opened, session, start_session, stored};
use crate::{
    extract::output::Extracted,
    feed::frame::Frame,
    message::{
        commands::{Command, Envelope},
        orders::{FetchOrder, Order, Purpose},
        receipts::{Discovered, Ended, SessionOpened, StoreReceipt},
        reports::{Outcome, Report},
        store_verbs::{PageEnd, StoreVerb, StoredTask},
    },
    model::session_state::{Ending, SessionState},
    settings::Settings,
    systems::{
        completion::{
            Admission, BulkMove, Discovery, EndReceipt, FetchReport, HostAnswered, Opening,
            ParseReport, Redirected, RobotsReport, SessionClosed, Setback, StoreFailure,
        },
        dispatch, install,
        retry::{BackoffOver, OrderDue},
    },
    world::{
        border::{Inbox, Outbox},
        clock::Clock,
        queue::Queue,
        residents::Residents,
        session::Session,
    },
};

/// Two ticks are so far apart.
const TICK: Duration = Duration::from_millis(20);

/// A list page that leads to details, one of which fails at first.
struct Crawl {
    world: World,
    tick: Schedule,
    now: Duration,
    has_failed: bool,
    /// What the store knows to be waiting.
    waiting: Vec<StoredTask>,
}

impl Crawl {
    fn new() -> Self {
        let mut world = World::new();
        let tick = install(&mut world, Settings::default());
        let start = Envelope {
            command: Command::Start(Box::new(start_session())),
            reply: None,
        };
        world.resource_mut::<Inbox>().commands.push_back(start);
        Self {
            world,
            tick,
            now: Duration::ZERO,
            has_failed: false,
            waiting: Vec::new(),
        }
    }

    /// One tick, as the engine steps; its orders are answered in the next.
    fn step(&mut self) -> Vec<Frame> {
        self.now += TICK;
        self.world.resource_mut::<Clock>().advance_to(self.now);
        self.tick.run(&mut self.world);
        self.world.resource_mut::<Residents>().settle();
        let mut outbox = self.world.resource_mut::<Outbox>();
        let frames = std::mem::take(&mut outbox.frames);
        for order in std::mem::take(&mut outbox.orders) {
            let (id, outcome) = match order {
                Order::Fetch(order) => (order.id, self.fetch(&order)),
                Order::Parse(order) => {
                    let page = Extracted {
                        page: 1,
                        distinct_items: 2,
                        ..Extracted::default()
                    };
                    (order.id, Outcome::Parsed(Box::new(page)))
                }
                Order::Store(order) => {
                    let receipt = Box::new(self.store(&order.verb));
                    (order.id, Outcome::Stored(receipt))
                }
                Order::Abort(id) => panic!("nobody is to abort {id:?}"),
            };
            let report = Report::new(id, TICK, outcome);
            self.world.resource_mut::<Inbox>().reports.push_back(report);
        }
        frames.into()
    }

    fn fetch(&mut self, order: &FetchOrder) -> Outcome {
        let fails = order.purpose == Purpose::Page && order.url.ends_with("/d3");
        let status = if fails && !std::mem::replace(&mut self.has_failed, true) {
            500
        } else {
            200
        };
        Outcome::Answered(Box::new(answer(status, "")))
    }

    fn store(&mut self, verb: &StoreVerb) -> StoreReceipt {
        match verb {
            StoreVerb::OpenSession(_) => StoreReceipt::Opened(Box::new(opened())),
            StoreVerb::Discover { .. } => StoreReceipt::Discovered(Discovered {
                hosts: vec![(HOST, host_key("https://a.test/"))],
                ..self.find(vec![stored(1, LIST)])
            }),
            StoreVerb::Admit { after, .. } => {
                let mut tasks = self.waiting.clone();
                tasks.retain(|task| task.seq > *after);
                StoreReceipt::Admitted {
                    cursor: tasks.last().map_or(*after, |task| task.seq),
                    tasks,
                    exhausted: true,
                }
            }
            StoreVerb::Mark { .. } => StoreReceipt::Marked,
            StoreVerb::End(end) => {
                let is_done = matches!(end.end, PageEnd::Done { .. });
                self.waiting.retain(|task| !is_done || task.seq != end.seq);
                let new = (2..7).filter(|_| end.stage == LIST);
                StoreReceipt::Ended(Ended {
                    discovered: self.find(new.map(|n| stored(n, DETAIL)).collect()),
                    ..Ended::default()
                })
            }
            StoreVerb::Note(_) | StoreVerb::KeepCookies(_) => StoreReceipt::Noted,
            other => panic!("such a crawl asks no {other:?}"),
        }
    }

    fn find(&mut self, new: Vec<StoredTask>) -> Discovered {
        self.waiting.extend(new.iter().cloned());
        Discovered {
            new,
            ..Discovered::default()
        }
    }

    fn is_over(&mut self) -> bool {
        let mut all = self.world.query::<&Session>();
        all.iter(&self.world).any(Session::is_over)
    }
}

fn left<T: Send + Sync + 'static>(world: &World) -> (&'static str, usize) {
    let queue = world.resource::<Queue<T>>();
    (std::any::type_name::<T>(), queue.len())
}

/// Every queue of the schedule.
fn all_left(world: &World) -> Vec<(&'static str, usize)> {
    let mut all = vec![
        left::<FetchReport>(world),
        left::<ParseReport>(world),
        left::<RobotsReport>(world),
        left::<StoreFailure>(world),
        left::<EndReceipt>(world),
        left::<Discovery>(world),
        left::<Admission>(world),
        left::<BulkMove>(world),
        left::<Opening>(world),
        left::<SessionClosed>(world),
        left::<Redirected>(world),
        left::<Setback>(world),
        left::<HostAnswered>(world),
        left::<BackoffOver>(world),
        left::<OrderDue>(world),
        left::<SessionOpened>(world),
    ];
    all.extend(dispatch::tests::left(world));
    all
}

#[test]
fn every_queue_is_empty_at_a_ticks_end() {
    let mut crawl = Crawl::new();
    let mut ticks = 0;
    while !crawl.is_over() {
        crawl.step();
        let mut all = all_left(&crawl.world);
        all.retain(|(_, left)| *left > 0);
        assert!(all.is_empty(), "at {:?}: {all:?}", crawl.now);
        ticks += 1;
        assert!(ticks < 1_000, "the crawl ends");
    }
    let completed = SessionState::Over(Ending::Completed);
    assert_eq!(*session(&mut crawl.world).state(), completed);
    assert_eq!(session(&mut crawl.world).ended, 6);
}
