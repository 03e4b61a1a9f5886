//! Names of elements and attributes.

use std::cell::Cell;

use html5ever::LocalName;

/// Names in lower case. Long ones are remembered: to intern one takes a hash and sometimes a lock.
pub(super) struct Names([Cell<Option<LocalName>>; 64]);

impl Default for Names {
    fn default() -> Self {
        Self([const { Cell::new(None) }; 64])
    }
}

/// Interned without looking anywhere.
const SHORT: usize = 7;

impl Names {
    pub(super) fn of(&mut self, name: &str) -> LocalName {
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return LocalName::from(name.to_ascii_lowercase());
        }
        let bytes = name.as_bytes();
        if bytes.len() <= SHORT {
            return LocalName::from(name);
        }
        let place =
            bytes.len() * 7 + usize::from(bytes[5]) * 3 + usize::from(bytes[bytes.len() - 1]);
        let known = self.0[place % 64].get_mut();
        match known {
            Some(known) if **known == *name => known.clone(),
            _ => known.insert(LocalName::from(name)).clone(),
        }
    }
}

/// Elements that hold nothing: to end one is a mistake that makes another one.
pub(super) fn is_void(name: &LocalName) -> bool {
    const VOID: &[&str] = &[
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "image", "img",
        "input", "keygen", "link", "meta", "param", "source", "track", "wbr",
    ];
    VOID.contains(&&**name)
}
