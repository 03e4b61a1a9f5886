//! Commands on their way: each is sent, its acknowledgement awaited and shown.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crawlfield_engine::{
    message::{
        commands::{Ack, Command, Envelope, Inspected},
        store_verbs::DeadSelector,
    },
    model::ids::{PageKey, SessionId},
};
use crossbeam_channel::{Receiver, TryRecvError, bounded};

use super::words;
use crate::{show::Show, story::Weight};

/// An answer stays so long on the screen.
const SHOWN: Duration = Duration::from_secs(6);
/// A refusal stays longer: it says what to do.
const SHOWN_REFUSED: Duration = Duration::from_secs(12);
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

/// Commands that were sent together, and what came of them so far.
#[derive(Debug)]
struct Asked {
    what: String,
    waiting: Vec<Receiver<Ack>>,
    sent: usize,
    pages: Option<u64>,
    refused: Vec<String>,
    /// Letters that are none any more once it is done.
    letters: Option<(SessionId, DeadSelector)>,
}

/// What was asked and answered.
#[derive(Debug, Default)]
pub(super) struct Asking {
    asked: Vec<Asked>,
    pub(super) answers: VecDeque<Answer>,
    inspecting: Option<(PageKey, Receiver<Ack>)>,
    inspected: Option<(PageKey, Instant, Result<Inspected, String>)>,
}

impl Asking {
    /// Sends a command; `what` says it in words.
    pub(super) fn ask(&mut self, show: &Show, what: impl Into<String>, command: Command) -> bool {
        self.ask_all(show, what, vec![command])
    }

    /// Sends commands that are answered as one; false where none was taken.
    pub(super) fn ask_all(
        &mut self,
        show: &Show,
        what: impl Into<String>,
        commands: Vec<Command>,
    ) -> bool {
        let what = what.into();
        let mut asked = Asked {
            what,
            waiting: Vec::new(),
            sent: commands.len(),
            pages: None,
            refused: Vec::new(),
            letters: None,
        };
        for command in commands {
            if let Command::RequeueDead { session, selector }
            | Command::Drop { session, selector } = &command
            {
                asked.letters = Some((*session, selector.clone()));
            }
            match sent(show, command) {
                Ok(reply) => asked.waiting.push(reply),
                Err(why) => asked.refused.push(why),
            }
        }
        let is_taken = !asked.waiting.is_empty();
        if is_taken {
            self.asked.push(asked);
        } else if let Some(why) = asked.refused.first() {
            self.say(Weight::Warning, format!("{}: {why}", asked.what));
        }
        is_taken
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
        !self.asked.is_empty() || !self.answers.is_empty() || self.inspecting.is_some()
    }

    /// Takes what was answered.
    pub(super) fn hear(&mut self, show: &mut Show) {
        for asked in &mut self.asked {
            asked.hear();
        }
        let is_answered = |asked: &mut Asked| asked.waiting.is_empty();
        let answered: Vec<Asked> = self.asked.extract_if(.., is_answered).collect();
        for asked in answered {
            let (weight, text) = asked.told();
            if let Some((session, selector)) = &asked.letters
                && asked.refused.is_empty()
            {
                forget(show, *session, selector);
            }
            self.say(weight, text);
        }
        self.answers.retain(|answer| {
            let shown = match answer.weight {
                Weight::Warning | Weight::Bad => SHOWN_REFUSED,
                Weight::Plain | Weight::Good => SHOWN,
            };
            answer.at.elapsed() < shown
        });
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
        self.last_inspected(key).cloned()
    }

    /// What the engine said of a task when it was asked last.
    pub(super) fn last_inspected(&self, key: PageKey) -> Option<&Result<Inspected, String>> {
        let known = self.inspected.as_ref().filter(|(of, ..)| *of == key);
        known.map(|(_, _, answer)| answer)
    }
}

impl Asked {
    fn hear(&mut self) {
        let (pages, refused) = (&mut self.pages, &mut self.refused);
        self.waiting.retain(|reply| match reply.try_recv() {
            Ok(Ok(json)) => {
                if let Some(n) = json.get("pages").and_then(serde_json::Value::as_u64) {
                    *pages = Some(pages.unwrap_or(0) + n);
                }
                false
            }
            Ok(Err(why)) => {
                refused.push(why);
                false
            }
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Disconnected) => {
                refused.push("the engine has ended".to_owned());
                false
            }
        });
    }

    fn told(&self) -> (Weight, String) {
        let what = &self.what;
        let done = match self.pages {
            Some(n) => format!("done, {}", words::pages(n)),
            None => "done".to_owned(),
        };
        let Some(why) = self.refused.first() else {
            return match self.sent {
                1 => (Weight::Good, format!("{what}: {done}")),
                n => (Weight::Good, format!("{what}: {done}, {n} of {n}")),
            };
        };
        match self.sent {
            1 => (Weight::Bad, format!("{what}: {why}")),
            n => {
                let well = n - self.refused.len();
                let text = format!("{what}: {well} of {n} done; the others were refused: {why}");
                (Weight::Warning, text)
            }
        }
    }
}

fn forget(show: &mut Show, session: SessionId, selector: &DeadSelector) {
    let host = selector.host.as_ref().and_then(|name| {
        let mut rows = show.mirror.tables().hosts().iter();
        rows.find(|row| *row.name == **name).map(|row| row.id)
    });
    show.news.story.letters.forget(session, selector, host);
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
