//! Presets of limits: how much of the machine a crawl may use.

use crate::model::named::named_enum;

named_enum! {
    /// A preset of limits (SPEC F4).
    #[derive(Default)]
    pub enum Profile {
        /// Few permits, low frame rate.
        Economy = "economy",
        #[default]
        Balanced = "balanced",
        /// All that the machine bears.
        Performance = "performance",
        /// Limits that no preset has.
        Custom = "custom",
    }
}
