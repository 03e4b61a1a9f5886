//! Commands on their way: each is sent, its acknowledgement awaited and shown.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crawlfield_engine::{
    model::ids::PageKey,
    ports::commands::{Ack, Command, Envelope, Inspected},
};
use crossbeam_channel::{Receiver, TryRecvError, bounded};

use crate::{show::Show, story::Weight};

/// An answer stays so long on the screen.
const SHOWN: Duration = Duration::from_secs(6);
/// Why a task waits is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);
/// Answers on the screen at once.
const ANSWERS: usize = 4;

/// An answer on the screen.
#[derive(Debug)]
pub(super) struct Answer {
    /// How much it matters.
    pub(super) weight: Weight,
    /// For people.
    pub(super) text: String,
    at: Instant,
}

/// What was asked and answered.
#[derive(Debug, Default)]
pub(super) struct Asking {
    waiting: Vec<(String, Receiver<Ack>)>,
    pub(super) answers: VecDeque<Answer>,
    inspecting: Option<(PageKey, Receiver<Ack>)>,
    inspected: Option<(PageKey, Instant, Result<Inspected, String>)>,
}

impl Asking {
    /// Sends a command; `what` says it in words.
    pub(super) fn ask(&mut self, show: &Show, what: impl Into<String>, command: Command) -> bool {
        let what = what.into();
        match sent(show, command) {
            Ok(reply) => {
                self.waiting.push((what, reply));
                true
            }
            Err(why) => {
                self.say(Weight::Warning, format!("{what}: {why}"));
                false
            }
        }
    }

    /// Sends one of many commands; only a refusal to take it is told, unless `is_told`.
    pub(super) fn ask_of_many(
        &mut self,
        show: &Show,
        what: String,
        command: Command,
        is_told: bool,
    ) -> bool {
        if is_told {
            return self.ask(show, what, command);
        }
        match sent(show, command) {
            Ok(_) => true,
            Err(why) => {
                self.say(Weight::Warning, format!("{what}: {why}"));
                false
            }
        }
    }

    /// Shows a line.
    pub(super) fn say(&mut self, weight: Weight, text: String) {
        if self.answers.len() == ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(Answer {
            weight,
            text,
            at: Instant::now(),
        });
    }

    /// Whether an answer is awaited or shown.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.answers.is_empty() || self.inspecting.is_some()
    }

    /// Takes what was answered.
    pub(super) fn hear(&mut self) {
        let mut told = Vec::new();
        self.waiting.retain(|(what, reply)| match reply.try_recv() {
            Ok(Ok(_)) => {
                told.push((Weight::Good, format!("{what}: done")));
                false
            }
            Ok(Err(why)) => {
                told.push((Weight::Bad, format!("{what}: {why}")));
                false
            }
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Disconnected) => {
                told.push((Weight::Bad, format!("{what}: the engine has ended")));
                false
            }
        });
        for (weight, text) in told {
            self.say(weight, text);
        }
        self.answers.retain(|answer| answer.at.elapsed() < SHOWN);
        if let Some((key, reply)) = &self.inspecting {
            let answer = match reply.try_recv() {
                Ok(Ok(json)) => serde_json::from_value(json).map_err(|error| error.to_string()),
                Ok(Err(why)) => Err(why),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => Err("the engine has ended".to_owned()),
            };
            self.inspected = Some((*key, Instant::now(), answer));
            self.inspecting = None;
        }
    }

    /// What the engine says of a task; asks it each second.
    pub(super) fn inspect(
        &mut self,
        show: &Show,
        key: PageKey,
    ) -> Option<Result<Inspected, String>> {
        let known = self.inspected.as_ref().filter(|(of, ..)| *of == key);
        let is_stale = known.is_none_or(|(_, at, _)| at.elapsed() > AGAIN);
        let is_asked = self.inspecting.as_ref().is_some_and(|(of, _)| *of == key);
        if is_stale && !is_asked {
            self.inspecting = sent(show, Command::Inspect(key))
                .ok()
                .map(|reply| (key, reply));
        }
        let (_, _, answer) = self.inspected.as_ref().filter(|(of, ..)| *of == key)?;
        Some(answer.clone())
    }
}

/// Sends; never waits for room.
fn sent(show: &Show, command: Command) -> Result<Receiver<Ack>, String> {
    let Some(commands) = show.source.commands() else {
        return Err("a recording takes no commands".to_owned());
    };
    let (reply, answer) = bounded(1);
    let envelope = Envelope {
        command,
        reply: Some(reply),
    };
    commands
        .try_send(envelope)
        .map(|()| answer)
        .map_err(|_| "the engine takes no commands now; try again".to_owned())
}
