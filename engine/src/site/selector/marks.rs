//! One bit of 64 for each tag, class and id: an element that lacks a bit which a selector's last
//! part demands cannot match it.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// What a name is the name of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// An element's, without regard to case.
    Tag,
    /// Of a class.
    Class,
    /// An id.
    Id,
}

/// The bit of a name.
pub(crate) fn mark(kind: Kind, name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    if matches!(kind, Kind::Tag) && name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        hasher.write(name.to_ascii_lowercase().as_bytes());
    } else {
        hasher.write(name.as_bytes());
    }
    hasher.write_u8(kind as u8);
    1 << (hasher.finish() & 63)
}
