//! Intake: commands are validated, carried out and acknowledged.

mod change;
mod people;

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    system::Res,
};
use serde_json::json;

use crate::{
    message::{
        commands::{Ack, Command, Envelope, StartSession, Target},
        store_verbs::{Note, OpenSession, StoreVerb},
    },
    model::{
        ids::SessionId,
        phase::SessionPhase,
        session_state::{Ending, SessionState},
    },
    systems::{
        Inbox, TickSystems,
        crawl::{Crawl, desk},
    },
    world::{
        session::{Opening, Session},
        slots::Owner,
    },
};

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        (
            take_commands.run_if(|inbox: Res<Inbox>| !inbox.commands.is_empty()),
            people::call_back.run_if(desk(|desk| desk.abort)),
        )
            .chain()
            .in_set(TickSystems::Intake),
    );
}

/// Commands drain first, all of them.
fn take_commands(mut crawl: Crawl) {
    while let Some(envelope) = crawl.inbox.commands.pop_front() {
        let Envelope { command, reply } = envelope;
        let ack: Option<Ack> = match command {
            Command::Start(start) => {
                open(&mut crawl, start, reply.clone());
                None
            }
            Command::RequeueDead { session, selector } => {
                let request = people::request(&mut crawl, reply.clone());
                crawl.evict_ended(session);
                crawl.write(
                    Owner::RequeueDead(session, request),
                    StoreVerb::RequeueDead { session, selector },
                );
                None
            }
            Command::Drop { session, selector } => {
                people::drop_waiting(&mut crawl, session, selector, reply.clone())
            }
            Command::Inspect(key) => people::inspect(&mut crawl, key, reply.clone()),
            command => Some(carry_out(&mut crawl, command)),
        };
        if let (Some(ack), Some(reply)) = (ack, reply) {
            // Nobody may be waiting any more; the command stands all the same.
            reply.try_send(ack).ok();
        }
    }
}

fn carry_out(crawl: &mut Crawl, command: Command) -> Ack {
    match command {
        Command::Pause(target) => pause(crawl, target, true),
        Command::Resume(target) => pause(crawl, target, false),
        Command::Cancel { session, now } => cancel(crawl, session, now),
        Command::SetProfile(profile) => Ok(change::profile(crawl, profile)),
        Command::Set { name, value } => change::setting(crawl, &name, &value),
        Command::AddStart { session, url } => people::add_start(crawl, session, &url),
        Command::Breaker { host, open } => people::breaker(crawl, &host, open),
        Command::Step(ticks) => {
            if crawl.condition.paused {
                crawl.condition.steps = crawl.condition.steps.saturating_add(ticks);
                crawl.desk.again = true;
                crawl.wake_all();
                Ok(json!({ "ticks": ticks }))
            } else {
                Err("single steps need a paused engine: pause it first".to_owned())
            }
        }
        Command::Nothing => Ok(json!({})),
        Command::Shutdown => {
            crawl.condition.shutdown = true;
            Ok(json!({}))
        }
        Command::Start(_)
        | Command::RequeueDead { .. }
        | Command::Drop { .. }
        | Command::Inspect(_) => {
            unreachable!("answered by the store")
        }
    }
}

/// A session is to begin: the store opens it first.
fn open(
    crawl: &mut Crawl,
    start: Box<StartSession>,
    reply: Option<crossbeam_channel::Sender<Ack>>,
) {
    let live = crawl.index.sessions.keys().any(|id| {
        crawl
            .session(*id)
            .is_some_and(|session| !session.is_over() && session.site.name == start.site.name)
    });
    if live {
        if let Some(reply) = reply {
            let name = &start.site.name;
            reply
                .try_send(Err(format!(
                    "a session of site {name:?} is running already"
                )))
                .ok();
        }
        return;
    }
    crawl.index.requests += 1;
    let request = crawl.index.requests;
    let verb = StoreVerb::OpenSession(OpenSession {
        site: std::sync::Arc::clone(&start.site),
        mode: start.mode,
        origin: start.origin.clone(),
        source: start.source.clone(),
        seed: start.seed,
        resume: start.resume,
    });
    crawl
        .index
        .opening
        .insert(request, Opening { start, reply });
    crawl.write(Owner::Open(request), verb);
}

fn pause(crawl: &mut Crawl, target: Target, on: bool) -> Ack {
    match target {
        Target::Engine => {
            crawl.condition.paused = on;
            crawl.condition.steps = 0;
            let sessions: Vec<SessionId> = crawl.index.sessions.keys().copied().collect();
            for session in sessions {
                pause_session(crawl, session, on);
            }
        }
        Target::Session(session) => {
            if crawl
                .session(session)
                .is_none_or(crate::world::session::Session::is_over)
            {
                return Err(format!("session {} is not running", session.0));
            }
            pause_session(crawl, session, on);
        }
        Target::Task(key) => return people::pause_task(crawl, key, on),
    }
    Ok(json!({ "paused": on }))
}

fn pause_session(crawl: &mut Crawl, id: SessionId, on: bool) {
    let state = crawl.session(id).map(Session::state);
    let to = match (state, on) {
        (Some(SessionState::Running), true) => SessionState::Paused,
        (Some(SessionState::Paused), false) => SessionState::Running,
        _ => return,
    };
    keep_state(crawl, id, to.phase());
    crawl.move_session(id, to);
    let now = crawl.now();
    crawl.lines.wake_session(id, now);
}

/// The store keeps where a session is.
fn keep_state(crawl: &mut Crawl, session: SessionId, to: SessionPhase) {
    let note = Note::SessionState {
        session,
        state: to.name().to_owned(),
        result: None,
    };
    crawl.write(Owner::Note(Some(session)), StoreVerb::Note(note));
}

/// Stops a session resumably: drains, or calls back what is in flight.
fn cancel(crawl: &mut Crawl, session: Option<SessionId>, now: bool) -> Ack {
    let sessions: Vec<SessionId> = match session {
        Some(session) => vec![session],
        None => crawl.index.sessions.keys().copied().collect(),
    };
    let mut stopping = Vec::new();
    for id in sessions {
        let Some(session) = crawl.session(id) else {
            return Err(format!("there is no session {}", id.0));
        };
        if session.is_over() {
            continue;
        }
        stopping.push(id.0);
        let to = match session.state() {
            // It ends by itself.
            SessionState::Closing(_) => continue,
            SessionState::Draining { at_once, then } => SessionState::Draining {
                at_once: now || *at_once,
                then: then.clone(),
            },
            _ => SessionState::Draining {
                at_once: now,
                then: Ending::Stopped(None),
            },
        };
        crawl.move_session(id, to);
    }
    crawl.desk.restless = true;
    crawl.desk.abort |= now;
    Ok(json!({ "stopping": stopping }))
}
