//! Presets of limits: how much of the machine a crawl may use.

use serde::{Deserialize, Serialize};

/// A preset of limits (SPEC F4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Few permits, low frame rate.
    Economy,
    #[default]
    Balanced,
    /// All that the machine bears.
    Performance,
    /// Limits that no preset has.
    Custom,
}

impl Profile {
    /// As text in snapshots and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Economy => "economy",
            Self::Balanced => "balanced",
            Self::Performance => "performance",
            Self::Custom => "custom",
        }
    }
}
