//! The filter: which tasks are shown in full, by state, stage, host, class of failure and words of
//! the URL. States and stages are dimmed by the shader itself, the rest by a flag of the cell.

use std::collections::BTreeSet;

use bevy::prelude::{App, Resource};
use crawlfield_engine::{
    feed::{mirror::Mirror, task_record::TaskRecord},
    model::{
        class::ErrorClass,
        ids::{HostId, StageId},
        page_url::PageUrl,
    },
};

use crate::field::{
    cells::Cells,
    texel::{FLAG_DIMMED, MAX_STAGE},
};

#[cfg(test)]
mod tests;

/// At first all tasks pass.
pub fn plugin(app: &mut App) {
    app.init_resource::<Filter>();
}

/// What a task must be to be shown in full.
#[derive(Resource, Debug, Clone)]
pub struct Filter {
    /// A bit for each sign shown in full.
    pub signs: u32,
    /// A bit for each stage shown in full, by its number.
    pub stages: u32,
    /// Tasks that passed hosts, class and search when a person changed them last.
    pub matches: Option<u64>,
    hidden_hosts: BTreeSet<HostId>,
    class: Option<ErrorClass>,
    /// The search as it was typed.
    text: String,
    /// Its words in lower case.
    words: Vec<String>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            signs: u32::MAX,
            stages: u32::MAX,
            matches: None,
            hidden_hosts: BTreeSet::new(),
            class: None,
            text: String::new(),
            words: Vec::new(),
        }
    }
}

impl Filter {
    /// Whether hosts, class and search let all tasks pass.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.hidden_hosts.is_empty() && self.class.is_none() && self.words.is_empty()
    }

    /// Lets all tasks pass; states and stages stay as they are.
    pub fn open(&mut self) {
        *self = Self {
            signs: self.signs,
            stages: self.stages,
            ..Self::default()
        };
    }

    /// Whether every task is shown in full.
    #[must_use]
    pub fn shows_all(&self) -> bool {
        self.is_open() && self.signs == u32::MAX && self.stages == u32::MAX
    }

    /// Shows this stage only.
    pub const fn solo_stage(&mut self, stage: StageId) {
        let stage = if stage.0 < 15 { stage.0 } else { 15 };
        self.stages = 1 << stage;
    }

    /// Shows every task in full again; the cells are told by `apply`.
    pub fn show_all(&mut self) {
        *self = Self::default();
    }

    /// Whether hosts, class and search let this task pass.
    #[must_use]
    pub fn passes(&self, task: &TaskRecord<&PageUrl>) -> bool {
        !self.hidden_hosts.contains(&task.host)
            && self.class.is_none_or(|class| task.class == Some(class))
            && self.words.iter().all(|word| contains(task.url, word))
    }

    /// Whether this task is shown in full, with this sign.
    #[must_use]
    pub fn shows(&self, task: &TaskRecord<&PageUrl>, sign: u32) -> bool {
        let stage = u32::from(task.stage.0).min(MAX_STAGE);
        self.signs >> sign & self.stages >> stage & 1 == 1 && self.passes(task)
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
        text.clone_into(&mut self.text);
        self.words = text
            .split_whitespace()
            .map(str::to_ascii_lowercase)
            .collect();
    }

    /// The text that is searched for, as it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Dims what does not pass among these slots, which have changed.
    pub fn apply_to(&self, slots: &[u32], mirror: &Mirror, cells: &mut Cells) {
        if self.is_open() {
            return;
        }
        for &slot in slots {
            if let Some(task) = mirror.task(slot) {
                cells.set_flag(mirror, slot, FLAG_DIMMED, !self.passes(&task));
            }
        }
    }

    /// Dims what does not pass among all tasks, after the filter or the cells changed; how many
    /// pass.
    pub fn apply(&self, mirror: &Mirror, cells: &mut Cells) -> u64 {
        let mut passing = 0;
        for slot in mirror.slots() {
            if let Some(task) = mirror.task(slot) {
                let passes = self.passes(&task);
                passing += u64::from(passes);
                cells.set_flag(mirror, slot, FLAG_DIMMED, !passes);
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
