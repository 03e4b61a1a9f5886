//! Commands for the engine and its sessions: started, paused, stepped, cancelled, given a start URL.

use std::sync::Arc;

use bevy_ecs::system::{Res, ResMut};
use crossbeam_channel::Sender;
use serde_json::json;
use url::Url;

use super::Area;
use crate::{
    extract::start_urls,
    message::{
        commands::{Ack, Command, Envelope, StartSession, Target},
        store_verbs::{Note, OpenSession, StoreVerb},
    },
    model::{
        ids::SessionId,
        session_state::{Ending, SessionState},
    },
    systems::plan::discover,
    world::{
        border::{Inbox, TickAgain},
        clock::Clock,
        condition::{Pause, Recall, Shutdown},
        host_queue::HostQueues,
        journal::Journal,
        ledger::Ledger,
        replies::{Opening, PendingReplies, acknowledge},
        session::Sessions,
        slots::Owner,
        store_requests::StoreRequests,
    },
};

pub(super) fn steer_sessions(
    mut inbox: ResMut<Inbox>,
    mut sessions: Sessions,
    mut host_queues: ResMut<HostQueues>,
    mut journal: ResMut<Journal>,
    mut ledger: ResMut<Ledger>,
    mut requests: ResMut<StoreRequests>,
    mut replies: ResMut<PendingReplies>,
    mut pause: ResMut<Pause>,
    mut recall: ResMut<Recall>,
    mut shutdown: ResMut<Shutdown>,
    mut again: ResMut<TickAgain>,
    clock: Res<Clock>,
) {
    for Envelope { command, reply } in Area::Sessions.take(&mut inbox) {
        let ack = match command {
            Command::Start(start) => {
                open(&sessions, &mut requests, &mut replies, start, reply);
                continue;
            }
            Command::Pause(Target::Engine) | Command::Resume(Target::Engine) => {
                let on = matches!(command, Command::Pause(_));
                (pause.is_paused, pause.steps) = (on, 0);
                let ids: Vec<SessionId> = sessions.index.ids().collect();
                for id in ids {
                    if pause_session(&mut sessions, &mut journal, &mut requests, id, on) {
                        host_queues.wake_session(id, clock.now());
                    }
                }
                Ok(json!({ "paused": on }))
            }
            Command::Pause(Target::Session(id)) | Command::Resume(Target::Session(id)) => {
                let on = matches!(command, Command::Pause(_));
                if sessions.find(id).is_none_or(|session| !session.is_open()) {
                    Err(format!("session {} is not running", id.0))
                } else {
                    if pause_session(&mut sessions, &mut journal, &mut requests, id, on) {
                        host_queues.wake_session(id, clock.now());
                    }
                    Ok(json!({ "paused": on }))
                }
            }
            Command::Cancel { session, now } => {
                ledger.stages_changed = true;
                recall.0 |= now;
                cancel(&mut sessions, &mut journal, session, now)
            }
            Command::AddStart { session, url } => {
                add_start(&mut sessions, &mut requests, session, &url)
            }
            Command::Step(ticks) if pause.is_paused => {
                pause.steps = pause.steps.saturating_add(ticks);
                again.0 = true;
                host_queues.wake_sessions(sessions.index.ids(), clock.now());
                Ok(json!({ "ticks": ticks }))
            }
            Command::Step(_) => Err("single steps need a paused engine: pause it first".to_owned()),
            Command::Nothing => Ok(json!({})),
            Command::Shutdown => {
                shutdown.0 = true;
                Ok(json!({}))
            }
            command => unreachable!("{command:?} is another area's"),
        };
        acknowledge(reply, ack);
    }
}

/// A session is to begin: the store opens it first, and its receipt is the answer.
fn open(
    sessions: &Sessions,
    requests: &mut StoreRequests,
    replies: &mut PendingReplies,
    start: Box<StartSession>,
    reply: Option<Sender<Ack>>,
) {
    let name = &start.site.name;
    let mut all = sessions.all.iter();
    if all.any(|session| !session.is_over() && session.site.name == *name) {
        let why = format!("a session of site {name:?} is running already");
        acknowledge(reply, Err(why));
        return;
    }
    let verb = StoreVerb::OpenSession(OpenSession {
        site: Arc::clone(&start.site),
        mode: start.mode,
        origin: start.origin.clone(),
        source: start.source.clone(),
        seed: start.seed,
        resume: start.resume,
    });
    let request = replies.new_request();
    replies.opening.insert(request, Opening { start, reply });
    requests.ask(Owner::Open(request), verb);
}

/// running ↔ paused; the store keeps where the session is. False where it is neither.
fn pause_session(
    sessions: &mut Sessions,
    journal: &mut Journal,
    requests: &mut StoreRequests,
    id: SessionId,
    on: bool,
) -> bool {
    let to = match (sessions.get(id).state(), on) {
        (SessionState::Running, true) => SessionState::Paused,
        (SessionState::Paused, false) => SessionState::Running,
        _ => return false,
    };
    let note = Note::SessionState {
        session: id,
        state: to.phase().name().to_owned(),
        result: None,
    };
    requests.note(Some(id), note);
    sessions.enter(id, to, journal);
    true
}

/// Stops sessions resumably: drains, or calls back what is in flight.
fn cancel(
    sessions: &mut Sessions,
    journal: &mut Journal,
    session: Option<SessionId>,
    now: bool,
) -> Ack {
    let ids: Vec<SessionId> = match session {
        Some(session) => vec![session],
        None => sessions.index.ids().collect(),
    };
    let mut stopping = Vec::new();
    for id in ids {
        let session = sessions.find(id);
        let session = session.ok_or_else(|| format!("there is no session {}", id.0))?;
        if session.is_over() {
            continue;
        }
        stopping.push(id.0);
        let (at_once, then) = match session.state() {
            // It ends by itself.
            SessionState::Closing(_) => continue,
            SessionState::Draining { at_once, then } => (now || *at_once, then.clone()),
            _ => (now, Ending::Stopped(None)),
        };
        sessions.enter(id, SessionState::Draining { at_once, then }, journal);
    }
    Ok(json!({ "stopping": stopping }))
}

/// A start URL joins a running session.
fn add_start(
    sessions: &mut Sessions,
    requests: &mut StoreRequests,
    id: SessionId,
    url: &str,
) -> Ack {
    let session = sessions.find(id).filter(|session| session.is_open());
    let site = session.map(|session| Arc::clone(&session.site));
    let site = site.ok_or_else(|| format!("session {} is not running", id.0))?;
    let parsed = Url::parse(url).map_err(|error| format!("{url:?} is no absolute URL: {error}"))?;
    if !site.scope.contains(&parsed) {
        let hosts = site.scope.hosts.join(", ");
        return Err(format!(
            "{url} is out of scope: the site's hosts are {hosts}"
        ));
    }
    let canonical = site.scope.canonical(&parsed);
    let carried = json!({ "page": 1, "position": 1 });
    let link = start_urls::link(&site, &canonical, carried);
    let link = link.ok_or_else(|| format!("{url} is not an http or https URL"))?;
    discover(&mut sessions.get_mut(id), requests, vec![link]);
    Ok(json!({ "url": url }))
}
