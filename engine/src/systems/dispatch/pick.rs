//! Which queued pages are sent next: sessions take turns; within a session the host queue that may
//! send first goes first.

use std::{sync::Arc, time::Duration};

use bevy_ecs::{entity::Entity, system::ResMut};

use super::{
    robots::{self, Robots, profile_at},
    send::{self, MayAsk, Request},
    turn_away::TurnedAway,
};
use crate::{
    message::orders::Purpose,
    model::{
        class::{ErrorClass, SkipReason, WaitReason},
        ids::{HostId, SessionId},
        in_flight::FlightMark,
        session_state::{Budget, SessionState},
    },
    systems::plan::use_up,
    world::{
        condition::DispatchLimit,
        host::Hosts,
        host_queue::{HostQueueId, HostQueues, LowQueues},
        permits::Permits,
        queue::Queue,
        session::{Session, Sessions},
        slots::{Flight, Owner},
        task::{Hop, Identity},
        task_state::{TaskState, Tasks},
    },
};

/// Why these look-ups cannot fail.
const LOOKED_AT: &str = "a queue that is looked at has a host, a first page and an open session";

/// Takes the permits of each page that it picks, so that the next one is judged with them in use.
pub(super) fn pick_queued(
    tasks: Tasks,
    mut sessions: Sessions,
    hosts: Hosts,
    host_queues: ResMut<HostQueues>,
    low: ResMut<LowQueues>,
    permits: ResMut<Permits>,
    mut limit: ResMut<DispatchLimit>,
    requests: ResMut<Queue<Request>>,
    turned: ResMut<Queue<TurnedAway>>,
) {
    let now = tasks.now();
    let mut turns = turns(&mut sessions, limit.is_step);
    let mut picker = Picker {
        tasks,
        sessions,
        hosts,
        host_queues,
        low,
        permits,
        requests,
        turned,
        now,
    };
    while !turns.is_empty() && limit.limited.is_none() {
        turns.retain(|session| {
            if limit.limited.is_some() {
                return false;
            }
            let Some(at) = picker.host_queues.pop_ready(*session, now) else {
                return false;
            };
            if picker.has_work(*session, at) {
                match lacking(&picker.permits, &limit) {
                    None => {
                        let sent = picker.requests.len();
                        picker.look_at(*session, at);
                        limit.slots -= picker.requests.len() - sent;
                    }
                    Some(reason) => {
                        limit.limited = Some(reason);
                        picker.host_queues.arm(at, now);
                    }
                }
            }
            true
        });
    }
}

/// The sessions that may send, in the order of their turns.
fn turns(sessions: &mut Sessions, is_step: bool) -> Vec<SessionId> {
    let sends = |session: &Session| {
        let steps = is_step && *session.state() == SessionState::Paused;
        steps || session.is_dispatching()
    };
    let ids = sessions.index.ids();
    let mut turns: Vec<SessionId> = ids.filter(|id| sends(sessions.get(*id))).collect();
    if !turns.is_empty() {
        let first = sessions.index.turn as usize % turns.len();
        turns.rotate_left(first);
        sessions.index.turn = sessions.index.turn.wrapping_add(1);
    }
    turns
}

/// What one more page lacks, whichever it is.
fn lacking(permits: &Permits, limit: &DispatchLimit) -> Option<WaitReason> {
    if !permits.http.has_room(1) {
        Some(if permits.is_pressed {
            WaitReason::Memory
        } else {
            WaitReason::HttpPermits
        })
    } else if limit.slots == 0 {
        Some(WaitReason::BackPressure)
    } else {
        limit.lacking
    }
}

/// What [`pick_queued`] works on.
struct Picker<'w, 's> {
    tasks: Tasks<'w, 's>,
    sessions: Sessions<'w, 's>,
    hosts: Hosts<'w, 's>,
    host_queues: ResMut<'w, HostQueues>,
    low: ResMut<'w, LowQueues>,
    permits: ResMut<'w, Permits>,
    requests: ResMut<'w, Queue<Request>>,
    turned: ResMut<'w, Queue<TurnedAway>>,
    now: Duration,
}

impl Picker<'_, '_> {
    /// Whether a page waits here and its session goes on: a budget may have been used up a queue
    /// ago.
    fn has_work(&self, session: SessionId, at: HostQueueId) -> bool {
        self.host_queues.get(at).peek().is_some() && self.sessions.get(session).is_open()
    }

    fn look_at(&mut self, id: SessionId, at: HostQueueId) {
        let session = self.sessions.get(id);
        let queue = self.host_queues.get(at);
        let (batch, ..) = queue.peek().expect(LOOKED_AT);
        let host_id = queue.host;
        if !session.opened.contains(&batch) {
            self.host_queues.hold(at, WaitReason::BatchNotBegun);
            return;
        }
        let max_retry_after = session.settings.retry.max_retry_after;
        let obeys = session.obeys_robots();
        let host = self.hosts.get(host_id).expect(LOOKED_AT);
        match MayAsk::of(host, self.now) {
            MayAsk::Now => {}
            MayAsk::At(until, WaitReason::RetryAfter)
                if until.saturating_sub(self.now) > max_retry_after =>
            {
                let hours = max_retry_after.as_secs() / 3600;
                let why = format!(
                    "the host asks to be left alone for more than {hours} h; resume the crawl later"
                );
                self.fail_first(at, ErrorClass::HostParked, why);
                return;
            }
            MayAsk::At(until, why) => {
                self.host_queues.hold_until(at, until, why);
                return;
            }
            MayAsk::Woken(why) => {
                self.host_queues.hold(at, why);
                return;
            }
        }
        if !obeys {
            self.take_first(id, at, host_id);
            return;
        }
        match Robots::of(&host.robots, self.now) {
            Robots::Read => self.take_first(id, at, host_id),
            Robots::Wait(None) => self.host_queues.hold(at, WaitReason::RobotsUnread),
            Robots::Wait(Some(until)) => {
                let why = WaitReason::RobotsUnread;
                self.host_queues.hold_until(at, until, why);
            }
            Robots::Unreadable(why) => self.fail_first(at, ErrorClass::Robots, why),
            Robots::Ask => self.ask_robots(at, host_id),
        }
    }

    /// A robots.txt is asked for, and the queue waits for it.
    fn ask_robots(&mut self, at: HostQueueId, id: HostId) {
        let profile = profile_at(id, &self.host_queues, &self.sessions).expect(LOOKED_AT);
        match robots::ask(id, &mut self.hosts, profile, self.now) {
            Ok(request) => {
                self.reserve(request.host);
                self.requests.push(request);
                self.host_queues.hold(at, WaitReason::RobotsUnread);
            }
            Err(until) => {
                let why = WaitReason::RobotsUnread;
                self.host_queues.hold_until(at, until, why);
            }
        }
    }

    fn reserve(&mut self, host: HostId) {
        let mut host = self.hosts.get_mut(host).expect(LOOKED_AT);
        let journal = &mut self.tasks.journal;
        let (permits, queues) = (&mut self.permits, &mut self.host_queues);
        send::reserve(&mut host, permits, queues, journal, self.now);
    }

    /// The first page fails, and so will the next: nothing of this host may be fetched in this run.
    fn fail_first(&mut self, at: HostQueueId, class: ErrorClass, why: String) {
        let (_, entity) = self.host_queues.get_mut(at).pop().expect(LOOKED_AT);
        if let Some((_, TaskState::Queued)) = self.tasks.get(entity) {
            self.turned.push(TurnedAway::Fail(entity, class, why));
        }
        self.host_queues.arm_waiting(at, self.now);
    }

    /// The first page is sent, or turned away, and the queue looked at again: its host says when it
    /// may go on. A page that was dropped since it was enqueued, and may even have left, is passed
    /// over.
    fn take_first(&mut self, id: SessionId, at: HostQueueId, host: HostId) {
        let queue = self.host_queues.get_mut(at);
        let (rank, entity) = queue.pop().expect(LOOKED_AT);
        let outside = queue.outside;
        if outside > 0 {
            self.low.0.push(at);
        }
        if let Some((task, TaskState::Queued)) = self.tasks.get(entity) {
            if self.tasks.is_paused(entity) {
                self.turned.push(TurnedAway::Park(entity));
            } else if is_barred(&self.sessions, &task) {
                if outside == 0 {
                    self.host_queues.get_mut(at).push(rank, entity);
                    self.host_queues.hold(at, WaitReason::BatchNotBegun);
                    return;
                }
                self.turned.push(TurnedAway::Evict(entity));
            } else if let Some(budget) = self.used_up(id, entity) {
                self.host_queues.get_mut(at).push(rank, entity);
                let (sessions, ledger) = (&mut self.sessions, &mut self.tasks.ledger);
                use_up(sessions, ledger, &mut self.tasks.journal, id, budget);
                return;
            } else {
                self.send(id, host, entity, &task);
            }
        }
        self.host_queues.arm_waiting(at, self.now);
    }

    /// The budget that forbids to ask for this page; one asked for before is no page more.
    fn used_up(&self, id: SessionId, entity: Entity) -> Option<Budget> {
        let session = self.sessions.get(id);
        let bounds = &session.settings.bounds;
        let is_new = self.tasks.tries(entity).dispatched == 0;
        if is_new && bounds.max_pages.is_some_and(|most| session.pages >= most) {
            return Some(Budget::Pages);
        }
        let bytes = self.tasks.ledger.book(id).map_or(0, |book| book.bytes);
        let received = bytes.saturating_sub(session.bytes_before);
        (bounds.max_bytes.is_some_and(|most| received >= most)).then_some(Budget::Bytes)
    }

    /// A page is asked for where its redirects lead, unless its host's robots.txt forbids that.
    fn send(&mut self, id: SessionId, host_id: HostId, entity: Entity, task: &Identity) {
        let hop = self.tasks.hop(entity).cloned();
        let leads = hop.as_ref().map(|hop| &hop.url);
        let url = leads.unwrap_or_else(|| self.tasks.url(entity)).clone();
        let tries = self.tasks.tries(entity);
        let mut session = self.sessions.get_mut(id);
        let host = self.hosts.get(host_id).expect(LOOKED_AT);
        if session.obeys_robots() && robots::is_disallowed(host, &url) {
            let skip = TurnedAway::Skip(entity, SkipReason::Robots);
            self.turned.push(skip);
            return;
        }
        session.requests += 1;
        session.pages += u64::from(tries.dispatched == 0);
        let profile = Arc::clone(&session.profile);
        // By the host's own slow answers, longer after each failure, and the last attempt as long
        // as the setting says.
        let failed = u32::from(tries.failed);
        let is_last = failed + 1 >= session.retry_policy(task.stage).0.attempts;
        let first_byte = (host.pace).first_byte(profile.first_byte_timeout, failed, is_last);
        let flight = Box::new(flight(hop, self.now));
        self.reserve(host_id);
        self.requests.push(Request {
            owner: Owner::Task(entity),
            host: host_id,
            purpose: Purpose::Page,
            url,
            profile,
            first_byte,
            flight: Some(flight),
        });
    }
}

/// A flight that begins, or goes on with the next hop.
fn flight(hop: Option<Hop>, now: Duration) -> Flight {
    let Some(hop) = hop else {
        return Flight::begun(now);
    };
    Flight {
        began: now.saturating_sub(hop.spent),
        fetch: hop.spent,
        target: Some(hop.url.clone()),
        // The page is marked already.
        mark: FlightMark::Kept,
        hop: Some(hop),
        ..Flight::default()
    }
}

/// Whether a barrier holds the task: a stage that leads to its own has not ended.
fn is_barred(sessions: &Sessions, task: &Identity) -> bool {
    let session = sessions.get(task.session);
    if !session.site.stage(task.stage).barrier {
        return false;
    }
    let at = usize::from(task.stage.0);
    let Some(batch) = sessions.batch(task.session, task.batch) else {
        return true;
    };
    session.graph.upstream[at].iter().any(|from| {
        *from != task.stage
            && !session.graph.cycle[at].contains(from)
            && !batch.stages[usize::from(from.0)].state.has_ended()
    })
}
