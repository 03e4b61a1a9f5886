//! Enums with names: one list gives the variants, their order and their text outside.

/// An enum of plain variants, each with the text that it has in events, snapshots, results and the
/// store. `ALL` is the order written here, which is that of the numbers (`as u8`) and of serde's
/// binary forms too: recordings keep them, and stores a `Phase`, so a new variant goes to the end.
macro_rules! named_enum {
    (
        $(#[$of_type:meta])*
        pub enum $type:ident {
            $($(#[$of_variant:meta])* $variant:ident = $name:literal),+ $(,)?
        }
    ) => {
        $(#[$of_type])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        #[repr(u8)]
        pub enum $type {
            $($(#[$of_variant])* #[serde(rename = $name)] $variant),+
        }

        impl $type {
            /// Every variant, at the place that is its number.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Every variant with its name, as site files and settings are read.
            pub const NAMED: [(&'static str, Self); [$($name),+].len()] =
                [$(($name, Self::$variant)),+];

            /// As text in events, snapshots, results and the store.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }

            /// The variant of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|variant| variant.name() == name)
            }
        }
    };
}

pub(crate) use named_enum;
