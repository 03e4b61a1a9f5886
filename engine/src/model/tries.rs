//! How often a task was sent, failed and was throttled.

use serde::{Deserialize, Serialize};

/// Counters of a task's attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Charged attempts that have failed.
    pub failed: u16,
    /// Orders sent, charged or not.
    pub dispatched: u16,
    /// Throttles in a row.
    pub throttled: u16,
}
