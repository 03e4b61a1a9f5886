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
    model::ids::{HostId, PageKey, SessionId},
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

/// More pages than this are dropped only when a person has confirmed it.
const DROPPED_UNASKED: u64 = 10;

/// Pages that a person gives up.
#[derive(Debug, Clone, Default)]
pub(super) struct Drops {
    /// What they are, in words, safe to show: "dead letters of a host".
    pub(super) what: String,
    /// How many they are, as far as is known.
    pub(super) count: u64,
    /// What names them to the engine.
    pub(super) pages: Vec<(SessionId, DeadSelector)>,
    /// What names them once they are dropped, where they are known one by one.
    pub(super) named: Vec<(SessionId, Vec<PageKey>)>,
}

impl Drops {
    /// Dead letters that selectors name; how many they are is found out before they are dropped.
    pub(super) fn of_dead_letters(what: String, pages: Vec<(SessionId, DeadSelector)>) -> Self {
        Self {
            what,
            pages,
            ..Self::default()
        }
    }

    /// Names dead letters one by one, as far as they are known, and counts them.
    fn count(&mut self, tables: &Tables, dead_letters: &DeadLetters) {
        if !self.named.is_empty() {
            return;
        }
        for (session, selector) in &self.pages {
            let host = host_of(selector, tables);
            let keys = dead_letters.keys_of(*session, selector, host);
            if !keys.is_empty() {
                self.count += keys.len() as u64;
                self.named.push((*session, keys));
            }
        }
    }

    /// Pages that are known one by one.
    pub(super) fn of_keys(pages: Vec<(SessionId, Vec<PageKey>)>) -> Self {
        let count = pages.iter().map(|(_, keys)| keys.len() as u64).sum();
        let selectors = pages
            .iter()
            .map(|(session, keys)| (*session, DeadSelector::of_pages(keys.clone())));
        Self {
            what: format::pages(count),
            count,
            pages: selectors.collect(),
            named: pages,
        }
    }
}

/// A line on the screen that goes by itself.
#[derive(Debug)]
pub(super) struct Notification {
    pub(super) severity: Severity,
    /// For people; safe to show.
    pub(super) text: String,
    /// What it tells can be undone.
    pub(super) has_undo: bool,
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
    dead_letters: Vec<(SessionId, DeadSelector)>,
    /// Pages that wait again where this is undone.
    undo: Vec<(SessionId, Vec<PageKey>)>,
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
    /// Pages that a person drops, until they are counted.
    wanted: Option<Drops>,
    /// Pages that are dropped when a person says yes.
    question: Option<Drops>,
    /// Pages that were dropped last.
    dropped: Vec<(SessionId, Vec<PageKey>)>,
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
        self.send_undoable(what.into(), commands, Vec::new());
    }

    /// Drops pages; asks first where they are many.
    pub(super) fn drop_pages(&mut self, drops: Drops) {
        self.wanted = Some(drops);
    }

    fn ask_or_drop(&mut self, tables: &Tables, dead_letters: &DeadLetters) {
        let Some(mut drops) = self.wanted.take() else {
            return;
        };
        drops.count(tables, dead_letters);
        if drops.count > DROPPED_UNASKED {
            self.question = Some(drops);
        } else {
            self.send_drops(drops);
        }
    }

    fn send_drops(&mut self, drops: Drops) {
        let commands = drops.pages.into_iter();
        let commands = commands.map(|(session, selector)| Command::Drop { session, selector });
        let what = format!("drop {}", drops.what);
        self.send_undoable(what, commands.collect(), drops.named);
    }

    /// What a person is asked before it is done.
    pub(super) const fn question(&self) -> Option<&Drops> {
        self.question.as_ref()
    }

    /// A person says yes or no.
    pub(super) fn answer_question(&mut self, is_yes: bool) {
        if let Some(drops) = self.question.take().filter(|_| is_yes) {
            self.send_drops(drops);
        }
    }

    /// Lets the pages that were dropped last wait again.
    pub(super) fn undo(&mut self) {
        let dropped = core::mem::take(&mut self.dropped);
        let count: usize = dropped.iter().map(|(_, keys)| keys.len()).sum();
        if count == 0 {
            let text = "nothing was dropped that could wait again".to_owned();
            return self.notify(Severity::Plain, text);
        }
        let requeue = |(session, keys)| Command::RequeueDead {
            session,
            selector: DeadSelector::of_pages(keys),
        };
        let what = format!("bring {} back", format::pages(count as u64));
        self.send_all(what, dropped.into_iter().map(requeue).collect());
    }

    fn send_undoable(
        &mut self,
        what: String,
        commands: Vec<Command>,
        undo: Vec<(SessionId, Vec<PageKey>)>,
    ) {
        let mut sent = Sent {
            what,
            waiting: Vec::new(),
            count: commands.len(),
            pages: None,
            refused: Vec::new(),
            dead_letters: Vec::new(),
            undo,
        };
        for command in commands {
            if let Command::RequeueDead { session, selector }
            | Command::Drop { session, selector } = &command
            {
                sent.dead_letters.push((*session, selector.clone()));
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
    pub(crate) fn notify(&mut self, severity: Severity, text: String) {
        if self.notifications.len() == NOTIFICATIONS_MAX {
            self.notifications.pop_front();
        }
        self.notifications.push_back(Notification {
            severity,
            text,
            has_undo: false,
            at: Instant::now(),
        });
    }

    /// What is shown, the newest last.
    pub(super) const fn notifications(&self) -> &VecDeque<Notification> {
        &self.notifications
    }

    /// Whether an acknowledgement is awaited or shown.
    pub(super) fn is_waiting(&self) -> bool {
        !self.sent.is_empty()
            || !self.notifications.is_empty()
            || self.inspecting.is_some()
            || self.wanted.is_some()
    }

    /// Takes what was acknowledged, and takes away what was shown long enough. Dead letters that a
    /// person requeued or dropped are forgotten.
    pub(super) fn receive(&mut self, tables: &Tables, dead_letters: &mut DeadLetters) {
        self.ask_or_drop(tables, dead_letters);
        for sent in &mut self.sent {
            sent.receive();
        }
        let is_answered = |sent: &mut Sent| sent.waiting.is_empty();
        let answered: Vec<Sent> = self.sent.extract_if(.., is_answered).collect();
        for sent in answered {
            for (session, selector) in &sent.dead_letters {
                if sent.refused.is_empty() {
                    dead_letters.forget(*session, selector, host_of(selector, tables));
                }
            }
            let (severity, mut text) = sent.outcome();
            let has_undo = !sent.undo.is_empty() && sent.pages.is_some_and(|pages| pages > 0);
            if has_undo {
                self.dropped = sent.undo;
                text.push_str("; U brings them back");
            }
            self.notify(severity, text);
            if let Some(last) = self.notifications.back_mut() {
                last.has_undo = has_undo;
            }
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

/// The number of the host that a selector names.
fn host_of(selector: &DeadSelector, tables: &Tables) -> Option<HostId> {
    let name = selector.host.as_ref()?;
    let row = tables.hosts().iter().find(|row| *row.name == **name);
    row.map(|row| row.id)
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
