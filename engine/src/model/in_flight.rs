//! Whether the store knows that a page is in flight: what it would suspect after a crash.

use crate::model::named::named_enum;

named_enum! {
    /// The in-flight mark of a task's flight. Parsing waits until it is kept.
    #[derive(Default)]
    pub enum FlightMark {
        /// On its way to the store, with the next commit.
        #[default]
        Asked = "asked",
        /// On disk: the fetch is marked.
        Kept = "kept",
        /// A suspect of a crash is about to be parsed alone; that mark is on its way.
        AskedAlone = "asked alone",
        /// On disk: the lone parse is marked.
        KeptAlone = "kept alone",
    }
}

impl FlightMark {
    /// The table of a mark's moves; the README draws it.
    #[must_use]
    pub const fn may_move(self, to: Self) -> bool {
        use FlightMark::{Asked, AskedAlone, Kept, KeptAlone};
        matches!(
            (self, to),
            (Asked, Kept) | (Kept, AskedAlone) | (AskedAlone, KeptAlone)
        )
    }

    /// The store has committed it.
    ///
    /// # Panics
    /// If none is on its way: a broken invariant of ours.
    #[must_use]
    pub fn kept(self) -> Self {
        match self {
            Self::Asked => Self::Kept,
            Self::AskedAlone => Self::KeptAlone,
            Self::Kept | Self::KeptAlone => panic!("a flight's mark was kept twice"),
        }
    }

    /// Whether it is on disk.
    #[must_use]
    pub const fn is_kept(self) -> bool {
        matches!(self, Self::Kept | Self::KeptAlone)
    }
}
