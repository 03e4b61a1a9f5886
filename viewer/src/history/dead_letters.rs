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

/// Dead letters kept; beyond them the oldest are only counted.
pub const DEAD_LETTERS_MAX: usize = 10_000;
/// A group by time holds this much of it.
const SPAN_US: u64 = 60_000_000;

/// A page that was given up.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The session that gave the page up.
    pub session: SessionId,
    /// How it failed last.
    pub class: ErrorClass,
    /// The identity of the page.
    pub key: PageKey,
    /// The page's URL, as the site gave it: not safe to show.
    pub url: Arc<str>,
    /// The host of the page.
    pub host: HostId,
    /// The stage of the page.
    pub stage: StageId,
    /// When it was given up: engine time in µs.
    pub at_us: u64,
    /// What its last failure said; empty where nothing is known.
    pub message: Arc<str>,
}

impl DeadLetter {
    fn is_meant(&self, session: SessionId, selector: &DeadSelector, host: Option<HostId>) -> bool {
        self.session == session
            && selector.class.is_none_or(|class| class == self.class)
            && selector.stage.is_none_or(|stage| stage == self.stage)
            && (selector.host.is_none() || host == Some(self.host))
            && (selector.keys.is_empty() || selector.keys.contains(&self.key))
    }
}

/// All that were seen and are still dead.
#[derive(Debug, Clone, Default)]
pub struct DeadLetters {
    /// The newest is the last.
    kept: VecDeque<DeadLetter>,
    /// The pages in `kept`.
    keys: HashSet<PageKey>,
    /// Those that were too many to keep.
    older: u64,
}

/// How dead letters are grouped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Grouping class of failure.
    #[default]
    Class,
    /// All of a host together.
    Host,
    /// All of a stage together.
    Stage,
    /// All of a minute together.
    Time,
}

/// What the dead letters of a group share; the order is that of the groups that are as large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKey {
    /// All failed with a class.
    Class(ErrorClass),
    /// All are of a host.
    Host(HostId),
    /// All are of a stage.
    Stage(StageId),
    /// The minute that begins at this engine time, µs.
    Minute(u64),
}

impl GroupKey {
    /// Whether this dead letter shares it.
    fn has(self, letter: &DeadLetter) -> bool {
        match self {
            Self::Class(class) => letter.class == class,
            Self::Host(host) => letter.host == host,
            Self::Stage(stage) => letter.stage == stage,
            Self::Minute(from) => (from..from + SPAN_US).contains(&letter.at_us),
        }
    }
}

/// Dead letters that share something.
#[derive(Debug, Clone)]
pub struct DeadLetterGroup {
    /// The session that gave these pages up.
    pub session: SessionId,
    /// What these dead letters share.
    pub shared: GroupKey,
    /// How many dead letters.
    pub count: u64,
    /// The commonest class of failure among them.
    pub class: ErrorClass,
    /// When the first and the last were given up: engine time in µs.
    pub span_us: (u64, u64),
    /// The newest dead letter of them.
    pub sample: DeadLetter,
    /// How many hosts they are of.
    pub hosts: usize,
    /// How many stages they are of.
    pub stages: usize,
}

impl DeadLetters {
    /// One more; a page that died again counts once.
    pub fn push(&mut self, letter: DeadLetter) {
        if !self.keys.insert(letter.key) {
            self.kept.retain(|old| old.key != letter.key);
        }
        if self.kept.len() == DEAD_LETTERS_MAX
            && let Some(oldest) = self.kept.pop_front()
        {
            self.keys.remove(&oldest.key);
            self.older += 1;
        }
        self.kept.push_back(letter);
    }

    /// A page is no dead letter any more.
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
        self.keep(|letter| !letter.is_meant(session, selector, host));
    }

    /// The pages that a selector names; `host` is its host by its number.
    #[must_use]
    pub fn keys_of(
        &self,
        session: SessionId,
        selector: &DeadSelector,
        host: Option<HostId>,
    ) -> Vec<PageKey> {
        let kept = self.kept.iter();
        kept.filter(|letter| letter.is_meant(session, selector, host))
            .map(|letter| letter.key)
            .collect()
    }

    fn keep(&mut self, wanted: impl Fn(&DeadLetter) -> bool) {
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
    pub fn grouped(&self, grouping: Grouping) -> Vec<DeadLetterGroup> {
        self.grouped_where(grouping, |_| true)
    }

    /// The same of those that are meant.
    #[must_use]
    pub fn grouped_where(
        &self,
        grouping: Grouping,
        is_meant: impl Fn(&DeadLetter) -> bool,
    ) -> Vec<DeadLetterGroup> {
        let mut members: BTreeMap<(SessionId, GroupKey), Vec<&DeadLetter>> = BTreeMap::new();
        for letter in self.kept.iter().filter(|letter| is_meant(letter)) {
            let shared = match grouping {
                Grouping::Class => GroupKey::Class(letter.class),
                Grouping::Host => GroupKey::Host(letter.host),
                Grouping::Stage => GroupKey::Stage(letter.stage),
                Grouping::Time => GroupKey::Minute(letter.at_us / SPAN_US * SPAN_US),
            };
            members
                .entry((letter.session, shared))
                .or_default()
                .push(letter);
        }
        let mut groups: Vec<DeadLetterGroup> = members
            .into_iter()
            .map(|((session, shared), letters)| group(session, shared, &letters))
            .collect();
        match grouping {
            Grouping::Time => groups.reverse(),
            _ => groups.sort_by(|a, b| b.count.cmp(&a.count).then(a.shared.cmp(&b.shared))),
        }
        groups
    }

    /// The dead letters of a group, the newest first.
    #[must_use]
    pub fn members(&self, session: SessionId, shared: GroupKey) -> Vec<&DeadLetter> {
        let newest_first = self.kept.iter().rev();
        newest_first
            .filter(|letter| letter.session == session && shared.has(letter))
            .collect()
    }

    /// What names the dead letters of a group to the engine.
    #[must_use]
    pub fn selector(&self, group: &DeadLetterGroup, host: Option<String>) -> DeadSelector {
        let mut selector = DeadSelector::default();
        match group.shared {
            GroupKey::Class(class) => selector.class = Some(class),
            GroupKey::Stage(stage) => selector.stage = Some(stage),
            GroupKey::Host(_) => selector.host = host,
            GroupKey::Minute(_) => {
                let members = self.members(group.session, group.shared);
                selector.keys = members.iter().rev().map(|letter| letter.key).collect();
            }
        }
        selector
    }
}

/// A group of at least one dead letter, the oldest first.
fn group(session: SessionId, shared: GroupKey, letters: &[&DeadLetter]) -> DeadLetterGroup {
    let (first, last) = (letters[0], letters[letters.len() - 1]);
    let mut classes: BTreeMap<ErrorClass, u64> = BTreeMap::new();
    for letter in letters {
        *classes.entry(letter.class).or_default() += 1;
    }
    let hosts: HashSet<HostId> = letters.iter().map(|letter| letter.host).collect();
    let stages: HashSet<StageId> = letters.iter().map(|letter| letter.stage).collect();
    let commonest = classes.into_iter().max_by_key(|(_, count)| *count);
    DeadLetterGroup {
        session,
        shared,
        count: letters.len() as u64,
        class: commonest.expect("a group holds a dead letter").0,
        span_us: (first.at_us, last.at_us),
        sample: last.clone(),
        hosts: hosts.len(),
        stages: stages.len(),
    }
}
