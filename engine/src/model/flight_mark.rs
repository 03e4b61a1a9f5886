//! Whether the store knows that a page is in flight: what it would suspect after a crash.

/// The in-flight mark of a task's flight. Parsing waits until it is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FlightMark {
    /// On its way to the store, with the next commit.
    #[default]
    Asked,
    /// On disk: the fetch is marked.
    Kept,
    /// A suspect of a crash is about to be parsed alone; that mark is on its way.
    AskedAlone,
    /// On disk: the lone parse is marked.
    KeptAlone,
}

impl FlightMark {
    /// Every state, in the order of a flight.
    pub const ALL: [Self; 4] = [Self::Asked, Self::Kept, Self::AskedAlone, Self::KeptAlone];

    /// As text in the README.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Kept => "kept",
            Self::AskedAlone => "asked alone",
            Self::KeptAlone => "kept alone",
        }
    }

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
