//! The filter: which tasks are shown in full, by host, by class of failure, by words of the URL.
//! States and stages are filtered by the shader itself (`Choices`).

use std::collections::BTreeSet;

use crawlfield_engine::{
    feed::mirror::{Mirror, Task},
    model::{class::ErrorClass, ids::HostId},
};

use crate::field::{board::Board, texel::FLAG_DIMMED};

#[cfg(test)]
mod tests;

/// What passes. Empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sieve {
    hidden_hosts: BTreeSet<HostId>,
    class: Option<ErrorClass>,
    words: Vec<String>,
}

impl Sieve {
    /// Whether all pass.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this task passes.
    #[must_use]
    pub fn passes(&self, task: &Task<'_>) -> bool {
        !self.hidden_hosts.contains(&task.host)
            && self.class.is_none_or(|class| task.class == Some(class))
            && self.words.iter().all(|word| contains(task.url, word))
    }

    /// Hides a host, or shows it again.
    pub fn toggle_host(&mut self, host: HostId) {
        if !self.hidden_hosts.remove(&host) {
            self.hidden_hosts.insert(host);
        }
    }

    /// Shows this host only; all again where it is the only one already.
    pub fn solo_host(&mut self, host: HostId, all: impl Iterator<Item = HostId>) {
        let others: BTreeSet<HostId> = all.filter(|other| *other != host).collect();
        self.hidden_hosts = if self.hidden_hosts == others {
            BTreeSet::new()
        } else {
            others
        };
    }

    /// Whether a host's tasks pass.
    #[must_use]
    pub fn shows_host(&self, host: HostId) -> bool {
        !self.hidden_hosts.contains(&host)
    }

    /// Only tasks whose last failure was of this class; all again where that is set already.
    pub fn solo_class(&mut self, class: ErrorClass) {
        self.class = (self.class != Some(class)).then_some(class);
    }

    /// The class set by `solo_class`.
    #[must_use]
    pub const fn class(&self) -> Option<ErrorClass> {
        self.class
    }

    /// Only tasks whose URL has all words of this text, whatever their case.
    pub fn search(&mut self, text: &str) {
        self.words = text
            .split_whitespace()
            .map(str::to_ascii_lowercase)
            .collect();
    }

    /// Dims what does not pass among these slots.
    pub fn sift(&self, mirror: &Mirror, board: &mut Board, slots: &[u32]) {
        if self.is_open() {
            return;
        }
        for &slot in slots {
            if let Some(task) = mirror.task(slot) {
                board.flag(mirror, slot, FLAG_DIMMED, !self.passes(&task));
            }
        }
    }

    /// The same for all tasks, after the filter or the board changed; how many pass.
    pub fn sift_all(&self, mirror: &Mirror, board: &mut Board) -> u64 {
        let mut passing = 0;
        for slot in mirror.slots() {
            if let Some(task) = mirror.task(slot) {
                let passes = self.passes(&task);
                passing += u64::from(passes);
                board.flag(mirror, slot, FLAG_DIMMED, !passes);
            }
        }
        passing
    }
}

/// Whether `text` has `word` (lower case already), whatever its case in ASCII.
fn contains(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let Some(first) = word.first() else {
        return true;
    };
    // Most places differ in their first letter: a million URLs are searched at each key.
    text.windows(word.len())
        .any(|part| part[0].eq_ignore_ascii_case(first) && part.eq_ignore_ascii_case(word))
}

/// A click in the legend on bit `bit` of `mask`, where `all` are the bits on offer: hides or shows
/// it; with `solo` shows it alone, or all again where it was alone.
#[must_use]
pub const fn clicked(mask: u32, bit: u32, all: u32, solo: bool) -> u32 {
    if !solo {
        return mask ^ bit;
    }
    if mask & all == bit {
        mask | all
    } else {
        mask & !all | bit
    }
}
