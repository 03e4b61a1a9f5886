//! Dead letters as seen since this view began: a bounded number, grouped as people ask for them.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Arc,
};

use crawlfield_engine::{
    message::store_verbs::DeadSelector,
    model::{
        class::ErrorClass,
        ids::{HostId, PageKey, SessionId, StageId},
    },
};

#[cfg(test)]
mod tests;

/// Letters kept; beyond them the oldest are only counted.
pub const LETTERS: usize = 10_000;
/// A group by time holds this much of it.
const SPAN_US: u64 = 60_000_000;

/// One dead letter.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Whose.
    pub session: SessionId,
    /// How it failed last.
    pub class: ErrorClass,
    /// Which page.
    pub key: PageKey,
    /// Its URL.
    pub url: Arc<str>,
    /// Its host.
    pub host: HostId,
    /// Its stage.
    pub stage: StageId,
    /// When it died, µs.
    pub at_us: u64,
    /// What its last failure said.
    pub message: Arc<str>,
}

/// All that were seen and are still dead.
#[derive(Debug, Clone, Default)]
pub struct Letters {
    /// The newest is the last.
    kept: VecDeque<Letter>,
    keys: HashSet<PageKey>,
    /// Those that were too many to keep.
    older: u64,
}

/// How letters are grouped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// By class of failure.
    #[default]
    Class,
    /// By host.
    Host,
    /// By stage.
    Stage,
    /// By minute.
    Time,
}

/// What the letters of a group share; the order is that of the groups that are as large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shared {
    /// A class.
    Class(ErrorClass),
    /// A host.
    Host(HostId),
    /// A stage.
    Stage(StageId),
    /// The minute that begins at this engine time, µs.
    Minute(u64),
}

/// Letters that share something.
#[derive(Debug, Clone)]
pub struct Group {
    /// Whose.
    pub session: SessionId,
    /// What they share.
    pub shared: Shared,
    /// How many.
    pub count: u64,
    /// Their commonest class.
    pub class: ErrorClass,
    /// When the first and the last died, µs.
    pub span_us: (u64, u64),
    /// The last one.
    pub sample: Letter,
    /// How many hosts they are of.
    pub hosts: usize,
    /// How many stages they are of.
    pub stages: usize,
}

impl Letters {
    /// One more; a page that died again counts once.
    pub fn push(&mut self, letter: Letter) {
        if !self.keys.insert(letter.key) {
            self.kept.retain(|old| old.key != letter.key);
        }
        if self.kept.len() == LETTERS
            && let Some(oldest) = self.kept.pop_front()
        {
            self.keys.remove(&oldest.key);
            self.older += 1;
        }
        self.kept.push_back(letter);
    }

    /// A letter is none any more.
    pub fn remove(&mut self, key: PageKey) {
        if self.keys.remove(&key) {
            self.kept.retain(|letter| letter.key != key);
        }
    }

    /// What lies after this time is unknown again.
    pub fn rewind(&mut self, to_us: u64) {
        self.keep(|letter| letter.at_us <= to_us);
    }

    /// A person took these away; `host` is the selector's host by its number.
    pub fn forget(&mut self, session: SessionId, selector: &DeadSelector, host: Option<HostId>) {
        self.keep(|letter| {
            letter.session != session
                || selector.class.is_some_and(|class| class != letter.class)
                || selector.stage.is_some_and(|stage| stage != letter.stage)
                || (selector.host.is_some() && host != Some(letter.host))
                || (!selector.keys.is_empty() && !selector.keys.contains(&letter.key))
        });
    }

    fn keep(&mut self, wanted: impl Fn(&Letter) -> bool) {
        self.kept.retain(wanted);
        self.keys = self.kept.iter().map(|letter| letter.key).collect();
    }

    /// How many were seen and are still there, the oldest included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.kept.len() as u64 + self.older
    }

    /// Groups, the largest first; by time the newest first.
    #[must_use]
    pub fn grouped(&self, by: By) -> Vec<Group> {
        let mut members: BTreeMap<(SessionId, Shared), Vec<&Letter>> = BTreeMap::new();
        for letter in &self.kept {
            let shared = match by {
                By::Class => Shared::Class(letter.class),
                By::Host => Shared::Host(letter.host),
                By::Stage => Shared::Stage(letter.stage),
                By::Time => Shared::Minute(letter.at_us / SPAN_US * SPAN_US),
            };
            members
                .entry((letter.session, shared))
                .or_default()
                .push(letter);
        }
        let mut groups: Vec<Group> = members
            .into_iter()
            .filter_map(|((session, shared), letters)| group(session, shared, &letters))
            .collect();
        match by {
            By::Time => groups.reverse(),
            _ => groups.sort_by(|a, b| b.count.cmp(&a.count).then(a.shared.cmp(&b.shared))),
        }
        groups
    }

    /// What names the letters of a group to the engine.
    #[must_use]
    pub fn selector(&self, group: &Group, host: Option<String>) -> DeadSelector {
        let mut selector = DeadSelector::default();
        match group.shared {
            Shared::Class(class) => selector.class = Some(class),
            Shared::Stage(stage) => selector.stage = Some(stage),
            Shared::Host(_) => selector.host = host,
            Shared::Minute(from) => {
                let minute = from..from + SPAN_US;
                selector.keys = self
                    .kept
                    .iter()
                    .filter(|letter| letter.session == group.session)
                    .filter(|letter| minute.contains(&letter.at_us))
                    .map(|letter| letter.key)
                    .collect();
            }
        }
        selector
    }
}

fn group(session: SessionId, shared: Shared, letters: &[&Letter]) -> Option<Group> {
    let (first, last) = (letters.first()?, letters.last()?);
    let mut classes: BTreeMap<ErrorClass, u64> = BTreeMap::new();
    for letter in letters {
        *classes.entry(letter.class).or_default() += 1;
    }
    let hosts: HashSet<HostId> = letters.iter().map(|letter| letter.host).collect();
    let stages: HashSet<StageId> = letters.iter().map(|letter| letter.stage).collect();
    Some(Group {
        session,
        shared,
        count: letters.len() as u64,
        class: classes.into_iter().max_by_key(|(_, count)| *count)?.0,
        span_us: (first.at_us, last.at_us),
        sample: (*last).clone(),
        hosts: hosts.len(),
        stages: stages.len(),
    })
}
