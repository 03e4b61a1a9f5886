//! What answers say of hosts (pace, breaker, retry budget) and of our own network.

use std::time::Duration;

use bevy_ecs::system::{Res, ResMut};

use crate::{
    feed::frame::Change,
    model::{class::ErrorClass, ids::HostId, phase::Phase},
    politeness::{
        breaker::{BreakerMove, Health},
        network::NetworkChange,
        pace::{Pace, Signal},
    },
    world::{
        condition::NetworkWatch,
        host::{Host, Hosts},
        host_answers::HostOutcome,
        host_queue::HostQueues,
        journal::Journal,
        queue::Queue,
        residents::Residents,
        session::SessionIndex,
        task_state::Tasks,
        timers::{Due, Timers},
    },
};

/// A request to a host has ended; `update_hosts` takes it.
#[derive(Debug, Clone, Copy)]
pub(in crate::systems) struct HostAnswered {
    pub(in crate::systems) host: HostId,
    /// When the request was sent.
    pub(in crate::systems) sent: Duration,
    pub(in crate::systems) signal: Signal,
    pub(in crate::systems) health: Health,
    /// Why no answer came.
    pub(in crate::systems) failed: Option<ErrorClass>,
}

impl HostAnswered {
    /// How the request ended for the host; `None` where that was our own doing.
    fn outcome(&self, now: Duration) -> Option<HostOutcome> {
        match (self.signal, self.health, self.failed) {
            (_, _, Some(ErrorClass::Aborted | ErrorClass::Worker)) => None,
            (Signal::Good(_), ..) => Some(HostOutcome::Page(now.saturating_sub(self.sent))),
            (Signal::Neutral, Health::Good, None) => Some(HostOutcome::Other),
            _ => Some(HostOutcome::Failed),
        }
    }
}

/// What each answer says of its host and of our network; whoever waited for the host's place is
/// looked at again.
pub(super) fn update_hosts(
    mut answered: ResMut<Queue<HostAnswered>>,
    mut hosts: Hosts,
    mut tasks: Tasks,
    mut network: ResMut<NetworkWatch>,
    mut host_queues: ResMut<HostQueues>,
    mut timers: ResMut<Timers>,
    sessions: Res<SessionIndex>,
    residents: Res<Residents>,
) {
    while let Some(answer) = answered.pop() {
        let now = tasks.now();
        let mut host = hosts
            .get_mut(answer.host)
            .expect("only admitted hosts are asked");
        let (notice, moved) = update(&mut host, &answer, now);
        host_queues.wake_host(answer.host, now);
        if let Some(moved) = moved {
            let (journal, queues) = (&mut tasks.journal, &mut host_queues);
            tell_breaker(journal, queues, &mut timers, answer.host, moved, now);
        }
        if let Some(notice) = notice {
            tasks.journal.notice_all(sessions.ids(), &notice);
        }
        if matches!(
            answer.failed,
            Some(ErrorClass::Aborted | ErrorClass::Worker)
        ) {
            continue;
        }
        let change = (network.offline).on_outcome(now, answer.host, answer.failed);
        match change {
            Some(NetworkChange::WentOffline { since }) => {
                give_back(&mut network, &mut tasks, &residents, since);
                let notice = "our own network seems down: dispatch rests and probes";
                tasks.journal.notice_all(sessions.ids(), notice);
                timers.set(now + Duration::from_secs(1), Due::Probe);
            }
            Some(NetworkChange::BackOnline) => {
                let notice = "the network is back";
                tasks.journal.notice_all(sessions.ids(), notice);
                tasks.ledger.stages_changed = true;
                host_queues.wake_sessions(sessions.ids(), now);
            }
            None => {}
        }
    }
}

/// What the host's pace, breaker and budget make of it: a line for people, a move of the breaker.
fn update(
    host: &mut Host,
    answer: &HostAnswered,
    now: Duration,
) -> (Option<String>, Option<BreakerMove>) {
    let refused = |pace: &Pace| pace.refuses_at_any_speed();
    let before = refused(&host.pace);
    host.pace.on_answer(now, answer.sent, answer.signal);
    let after = refused(&host.pace);
    let notice = (after.is_some() != before.is_some()).then(|| match after {
        Some(share) => format!(
            "{} refuses {share} % of all requests at any speed: its Retry-After holds for the \
             page that got it",
            host.name
        ),
        None => format!("the refusals of {} follow our speed again", host.name),
    });
    if let Some(outcome) = answer.outcome(now) {
        host.answers.add(now, outcome);
    }
    if answer.health == Health::Good {
        host.budget.on_success();
    }
    let moved = host.breaker.on_outcome(now, answer.sent, answer.health);
    (notice, moved)
}

/// A breaker moved: its host is looked at again when it may pass.
pub(in crate::systems) fn tell_breaker(
    journal: &mut Journal,
    host_queues: &mut HostQueues,
    timers: &mut Timers,
    host: HostId,
    moved: BreakerMove,
    now: Duration,
) {
    let to = moved.to;
    journal.write(Change::BreakerMoved { host, to });
    match moved.until.filter(|until| *until < Duration::MAX) {
        Some(at) => timers.set(at, Due::Host(host)),
        None => host_queues.wake_host(host, now),
    }
}

/// Attempts that failed by our own network are given back.
fn give_back(
    network: &mut NetworkWatch,
    tasks: &mut Tasks,
    residents: &Residents,
    since: Duration,
) {
    for (stage, key) in network.take_since(since) {
        let entity = tasks.find(residents, stage.0, key);
        let waits = entity.filter(|entity| tasks.state(*entity).phase() != Phase::Failed);
        match waits {
            Some(entity) => {
                tasks.charge(entity, |tries| {
                    tries.failed = tries.failed.saturating_sub(1);
                });
            }
            None => {
                network.excused.insert(stage);
            }
        }
    }
}
