//! Text for terminals: remote text made safe, figures in words, and letters that can be shown.

use std::{borrow::Cow, env};

use crate::feed::snapshot::Prediction;

/// Characters of remote text that are shown.
const SHOWN: usize = 256;

/// Remote text made safe for a terminal (SPEC N3): control and direction characters become
/// `\u{…}`, and what is longer than 256 characters ends in `…`.
#[must_use]
pub fn safe(text: &str) -> String {
    let mut clean = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == SHOWN {
            clean.push('…');
            break;
        }
        let is_unsafe = c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if is_unsafe {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// `about 3 min left (80 %: 2–5 min)`, or that it is unknown.
pub(super) fn eta(prediction: Option<&Prediction>) -> String {
    let Some(prediction) = prediction else {
        return "time left unknown".to_owned();
    };
    let [low, high] = prediction.eta80;
    // The interval is told in the unit of its upper end, which stands there once.
    let (size, unit) = unit(high);
    let held = prediction.coverage80.map_or_else(String::new, |share| {
        format!(", held {:.0} % of the time", share * 100.0)
    });
    format!(
        "about {} left (80 %: {}–{} {unit}{held})",
        duration(prediction.eta_median),
        figure(low / size),
        figure(high / size),
    )
}

/// `42 s`, `3.5 min`, `12 min`, `2.1 h`, `3 d`.
pub(super) fn duration(seconds: f64) -> String {
    let (size, unit) = unit(seconds);
    format!("{} {unit}", figure(seconds / size))
}

fn unit(seconds: f64) -> (f64, &'static str) {
    match seconds {
        s if s < 90.0 => (1.0, "s"),
        s if s < 5_400.0 => (60.0, "min"),
        s if s < 172_800.0 => (3_600.0, "h"),
        _ => (86_400.0, "d"),
    }
}

/// One decimal below ten, where it is not zero.
fn figure(number: f64) -> String {
    let text = if number < 9.95 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// `812 B/s`, `1.2 MB/s`.
pub(super) fn bytes_per_second(rate: f64) -> String {
    match rate {
        r if r < 1e3 => format!("{r:.0} B/s"),
        r if r < 1e6 => format!("{} kB/s", figure(r / 1e3)),
        r => format!("{} MB/s", figure(r / 1e6)),
    }
}

/// A waiting reason for people; one that is not known stands as it is.
#[must_use]
pub fn reason(name: &str) -> String {
    let words = match name {
        "pace" => "for the host's pace",
        "crawl_delay" => "for the crawl-delay of robots.txt",
        "retry_after" => "as the host asked (Retry-After)",
        "backoff" => "to be tried again",
        "retry_budget" => "for the retry budget",
        "breaker" => "behind an open breaker",
        "robots_unread" => "for robots.txt",
        "host_limit" => "for the host's in-flight limit",
        "http_permits" => "for an http permit",
        "cpu_permits" => "for a parse worker",
        "store_permits" => "for the store",
        "back_pressure" => "for room downstream",
        "memory" => "for memory",
        "offline" => "for our own network",
        "store_trouble" => "for the store to recover",
        "batch_not_begun" => "for their batch",
        "suspect" => "to be parsed alone",
        "paused" => "paused",
        "outside_window" => "in the store",
        other => return safe(&other.replace('_', " ")),
    };
    words.to_owned()
}

/// Which letters a terminal can show: Unicode, or ASCII alone where the locale has no UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// All letters, as they are.
    Unicode,
    /// ASCII; what we draw with has a stand-in, foreign letters become `\u{…}`.
    Ascii,
}

impl Charset {
    /// That of this process's locale.
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

    /// The text in letters that can be shown.
    #[must_use]
    pub fn encode(self, text: &str) -> Cow<'_, str> {
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
