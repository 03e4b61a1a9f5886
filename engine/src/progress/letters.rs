//! Letters that a terminal can show: Unicode, or ASCII alone where the locale has no UTF-8.

use std::{borrow::Cow, env};

/// What may be written to a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// All.
    Unicode,
    /// ASCII; what we draw with has a stand-in, foreign letters become `\u{…}`.
    Ascii,
}

impl Letters {
    /// Of this process's locale.
    #[must_use]
    pub fn of_this_process() -> Self {
        if cfg!(windows) {
            return Self::Unicode;
        }
        let says = |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::of_locale(["LC_ALL", "LC_CTYPE", "LANG"].map(says))
    }

    /// Of the first of these that says anything, as POSIX has it; of none, the locale is `C`.
    #[must_use]
    pub fn of_locale(named: [Option<String>; 3]) -> Self {
        let said = named.into_iter().flatten().find(|name| !name.is_empty());
        let name = said.unwrap_or_default().to_ascii_lowercase();
        if name.contains("utf-8") || name.contains("utf8") {
            Self::Unicode
        } else {
            Self::Ascii
        }
    }

    /// This text in these letters.
    #[must_use]
    pub fn of(self, text: &str) -> Cow<'_, str> {
        if self == Self::Unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut plain = String::with_capacity(text.len());
        for letter in text.chars() {
            match letter {
                '·' => plain.push('|'),
                '→' => plain.push_str("->"),
                '–' | '─' | '−' => plain.push('-'),
                '━' => plain.push('='),
                '╸' => plain.push('>'),
                '…' => plain.push_str("..."),
                '×' => plain.push('x'),
                '\u{a0}' => plain.push(' '),
                letter if letter.is_ascii() => plain.push(letter),
                letter => plain.extend(letter.escape_unicode()),
            }
        }
        Cow::Owned(plain)
    }
}
