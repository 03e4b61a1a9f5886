//! Commands on their way: each is sent, its acknowledgement awaited and shown.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bevy::prelude::Resource;
use crawlfield_engine::{
    feed::mirror::Tables,
    message::{
        commands::{Ack, Command, Envelope, Inspected},
        store_verbs::DeadSelector,
    },
    model::ids::{PageKey, SessionId},
};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::format;
use crate::history::{Severity, dead_letters::DeadLetters};

/// A notification stays so long on the screen.
const SHOWN: Duration = Duration::from_secs(6);
/// A refusal stays longer: it says what to do.
const SHOWN_REFUSED: Duration = Duration::from_secs(12);
/// Why a task waits is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);
/// Notifications on the screen at once.
const NOTIFICATIONS_MAX: usize = 4;

/// A line on the screen that goes by itself.
#[derive(Debug)]
pub(super) struct Notification {
    pub(super) severity: Severity,
    /// For people; safe to show.
    pub(super) text: String,
    /// When it was shown first.
    at: Instant,
}

/// Commands that were sent together, and what came of them so far.
#[derive(Debug)]
struct Sent {
    /// The commands in words.
    what: String,
    waiting: Vec<Receiver<Ack>>,
    /// Commands, the refused ones included.
    count: usize,
    /// Pages that were changed, where an acknowledgement tells.
    pages: Option<u64>,
    /// Why, of each refused command.
    refused: Vec<String>,
    /// Dead letters that are none any more once it is done.
    dead_letters: Option<(SessionId, DeadSelector)>,
}

/// What was sent and acknowledged: filled by the panels, emptied by `receive`.
#[derive(Resource, Debug, Default)]
pub struct PendingCommands {
    /// To the engine, where there is one.
    sender: Option<Sender<Envelope>>,
    sent: Vec<Sent>,
    notifications: VecDeque<Notification>,
    inspecting: Option<(PageKey, Receiver<Ack>)>,
    inspected: Option<(PageKey, Instant, Result<Inspected, String>)>,
}

impl PendingCommands {
    /// To this engine; a recording takes no commands.
    pub(super) fn to(sender: Option<Sender<Envelope>>) -> Self {
        Self {
            sender,
            ..Self::default()
        }
    }

    /// Whether there is an engine that takes commands.
    pub(super) const fn can_send(&self) -> bool {
        self.sender.is_some()
    }

    /// Sends a command; `what` says it in words.
    pub(super) fn send(&mut self, what: impl Into<String>, command: Command) {
        self.send_all(what, vec![command]);
    }

    /// Sends commands that are answered as one.
    pub(super) fn send_all(&mut self, what: impl Into<String>, commands: Vec<Command>) {
        let mut sent = Sent {
            what: what.into(),
            waiting: Vec::new(),
            count: commands.len(),
            pages: None,
            refused: Vec::new(),
            dead_letters: None,
        };
        for command in commands {
            if let Command::RequeueDead { session, selector }
            | Command::Drop { session, selector } = &command
            {
                sent.dead_letters = Some((*session, selector.clone()));
            }
            match self.try_send(command) {
                Ok(reply) => sent.waiting.push(reply),
                Err(why) => sent.refused.push(why),
            }
        }
        if !sent.waiting.is_empty() {
            self.sent.push(sent);
        } else if let Some(why) = sent.refused.first() {
            self.notify(Severity::Warning, format!("{}: {why}", sent.what));
        }
    }

    /// Sends; never waits for room.
    fn try_send(&self, command: Command) -> Result<Receiver<Ack>, String> {
        let Some(sender) = &self.sender else {
            return Err("a recording takes no commands".to_owned());
        };
        let (reply, answer) = bounded(1);
        let envelope = Envelope {
            command,
            reply: Some(reply),
        };
        sender
            .try_send(envelope)
            .map(|()| answer)
            .map_err(|_| "the engine takes no commands now; try again".to_owned())
    }

    /// Shows a line for some seconds.
    pub(super) fn notify(&mut self, severity: Severity, text: String) {
        if self.notifications.len() == NOTIFICATIONS_MAX {
            self.notifications.pop_front();
        }
        self.notifications.push_back(Notification {
            severity,
            text,
            at: Instant::now(),
        });
    }

    /// What is shown, the newest last.
    pub(super) const fn notifications(&self) -> &VecDeque<Notification> {
        &self.notifications
    }

    /// Whether an acknowledgement is awaited or shown.
    pub(super) fn is_waiting(&self) -> bool {
        !self.sent.is_empty() || !self.notifications.is_empty() || self.inspecting.is_some()
    }

    /// Takes what was acknowledged, and takes away what was shown long enough. Dead letters that a
    /// person requeued or dropped are forgotten.
    pub(super) fn receive(&mut self, tables: &Tables, dead_letters: &mut DeadLetters) {
        for sent in &mut self.sent {
            sent.receive();
        }
        let is_answered = |sent: &mut Sent| sent.waiting.is_empty();
        let answered: Vec<Sent> = self.sent.extract_if(.., is_answered).collect();
        for sent in answered {
            if let Some((session, selector)) = &sent.dead_letters
                && sent.refused.is_empty()
            {
                let mut hosts = tables.hosts().iter();
                let host = selector.host.as_ref();
                let host = host.and_then(|name| hosts.find(|row| *row.name == **name));
                dead_letters.forget(*session, selector, host.map(|row| row.id));
            }
            let (severity, text) = sent.outcome();
            self.notify(severity, text);
        }
        self.notifications.retain(|notification| {
            let shown = match notification.severity {
                Severity::Warning | Severity::Bad => SHOWN_REFUSED,
                Severity::Plain | Severity::Good => SHOWN,
            };
            notification.at.elapsed() < shown
        });
        self.receive_inspection();
    }

    fn receive_inspection(&mut self) {
        let Some((key, reply)) = &self.inspecting else {
            return;
        };
        let answer = match reply.try_recv() {
            Ok(Ok(json)) => serde_json::from_value(json).map_err(|error| error.to_string()),
            Ok(Err(why)) => Err(why),
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => Err("the engine has ended".to_owned()),
        };
        self.inspected = Some((*key, Instant::now(), answer));
        self.inspecting = None;
    }

    /// What the engine says of a task; asks it each second.
    pub(super) fn inspect(&mut self, key: PageKey) -> Option<Result<Inspected, String>> {
        let known = self.inspected.as_ref().filter(|(of, ..)| *of == key);
        let is_stale = known.is_none_or(|(_, at, _)| at.elapsed() > AGAIN);
        let is_asked = self.inspecting.as_ref().is_some_and(|(of, _)| *of == key);
        if is_stale && !is_asked {
            let reply = self.try_send(Command::Inspect(key)).ok();
            self.inspecting = reply.map(|reply| (key, reply));
        }
        self.last_inspected(key).cloned()
    }

    /// What the engine said of a task when it was asked last.
    pub(super) fn last_inspected(&self, key: PageKey) -> Option<&Result<Inspected, String>> {
        let known = self.inspected.as_ref().filter(|(of, ..)| *of == key);
        known.map(|(_, _, answer)| answer)
    }
}

impl Sent {
    fn receive(&mut self) {
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

    /// What came of it, in words.
    fn outcome(&self) -> (Severity, String) {
        let what = &self.what;
        let done = match self.pages {
            Some(n) => format!("done, {}", format::pages(n)),
            None => "done".to_owned(),
        };
        let Some(why) = self.refused.first() else {
            return match self.count {
                1 => (Severity::Good, format!("{what}: {done}")),
                n => (Severity::Good, format!("{what}: {done}, {n} of {n}")),
            };
        };
        match self.count {
            1 => (Severity::Bad, format!("{what}: {why}")),
            n => {
                let well = n - self.refused.len();
                let text = format!("{what}: {well} of {n} done; the others were refused: {why}");
                (Severity::Warning, text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crawlfield_engine::message::commands::Target;
    use serde_json::json;

    use super::*;

    /// Sends three pauses over a channel and acknowledges them so; what is shown then.
    fn shown(acks: [Ack; 3]) -> Vec<(Severity, String)> {
        let (sender, engine) = bounded(3);
        let mut commands = PendingCommands::to(Some(sender));
        let pauses = [(); 3].map(|()| Command::Pause(Target::Engine));
        commands.send_all("pause 3 tasks", pauses.into());
        assert!(commands.is_waiting() && commands.notifications.is_empty());
        for ack in acks {
            let envelope: Envelope = engine.try_recv().expect("it was sent");
            let reply = envelope.reply.expect("an answer is wanted");
            reply.send(ack).expect("it is awaited");
        }
        commands.receive(&Tables::default(), &mut DeadLetters::default());
        let shown = commands.notifications.iter();
        shown
            .map(|shown| (shown.severity, shown.text.clone()))
            .collect()
    }

    #[test]
    fn commands_that_were_sent_together_are_answered_as_one() {
        let done = || Ok(json!({ "pages": 2 }));
        assert_eq!(
            shown([done(), done(), done()]),
            [(
                Severity::Good,
                "pause 3 tasks: done, 6 pages, 3 of 3".to_owned()
            )]
        );
        assert_eq!(
            shown([done(), Err("it is over".to_owned()), done()]),
            [(
                Severity::Warning,
                "pause 3 tasks: 2 of 3 done; the others were refused: it is over".to_owned()
            )]
        );
    }

    #[test]
    fn a_command_that_nobody_takes_is_refused_at_once() {
        let mut commands = PendingCommands::to(None);
        commands.send("pause the run", Command::Pause(Target::Engine));
        let shown = &commands.notifications[0];
        assert_eq!(
            (shown.severity, shown.text.as_str()),
            (
                Severity::Warning,
                "pause the run: a recording takes no commands"
            )
        );
    }
}
