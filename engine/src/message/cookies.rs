//! A session's cookies between the jar that reads them and the store that keeps them. Nobody on the
//! way looks inside, and nothing of them is ever printed (SPEC N4).

use std::fmt;

use crate::model::ids::SessionId;

/// One cookie of a session's jar.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptCookie {
    /// Its place in the jar (domain, path and name, in the jar's own writing).
    pub place: String,
    /// The cookie in the jar's own writing; `None` where its server took it back.
    pub text: Option<String>,
}

impl fmt::Debug for KeptCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptCookie")
    }
}

/// What changed in a session's jar since it last told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCookies {
    /// The session whose jar it is.
    pub session: SessionId,
    /// Each place once.
    pub cookies: Vec<KeptCookie>,
}
