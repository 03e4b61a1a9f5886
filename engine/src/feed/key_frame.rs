//! Key frames: the whole window at one moment, cut from a mirror in parts.

use serde::{Deserialize, Serialize};

use crate::feed::{mirror::Mirror, tables::Tables, task_record::TaskRecord};

/// Tasks in one part of a key frame.
const PART_TASKS: usize = 8_192;

/// One part of a key frame; all parts carry the same `seq` and `at_us`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KeyFrame {
    /// Number of the first change that is not in it.
    pub seq: u64,
    /// Engine time in µs.
    pub at_us: u64,
    /// Which part, from 0.
    pub part: u32,
    /// How many parts; at least 1.
    pub parts: u32,
    /// Sessions and hosts, in part 0 only; counts are zero.
    pub tables: Tables,
    /// Resident tasks by slot.
    pub tasks: Vec<TaskRecord>,
}

impl KeyFrame {
    /// Whether the picture is whole with this part.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.part + 1 >= self.parts
    }
}

impl Mirror {
    /// All of it as the parts of one key frame, at least one.
    #[must_use]
    pub fn key_frames(&self) -> Vec<KeyFrame> {
        let parts = self.len().div_ceil(PART_TASKS as u64);
        let parts = u32::try_from(parts).unwrap_or(u32::MAX).max(1);
        let mut slots = self.slots();
        (0..parts)
            .map(|part| KeyFrame {
                seq: self.next_seq(),
                at_us: self.at_us(),
                part,
                parts,
                tables: if part == 0 {
                    self.tables().clone().without_counts()
                } else {
                    Tables::default()
                },
                tasks: slots
                    .by_ref()
                    .take(PART_TASKS)
                    .filter_map(|slot| Some(self.task(slot)?.owned()))
                    .collect(),
            })
            .collect()
    }
}
