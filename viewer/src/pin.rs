//! A pin: the class, host, stage, state or task that field, tables and log are about. With a moment
//! it makes a link, which shows the same again.

use std::{fmt, str::FromStr};

use bevy::prelude::{App, Resource};
use crawlfield_engine::model::{class::ErrorClass, ids::PageKey, phase::Phase};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// At first nothing is pinned.
pub fn plugin(app: &mut App) {
    app.init_resource::<Pinned>();
}

/// What separates or would be read otherwise in a link's query.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'%')
    .add(b'&')
    .add(b'#')
    .add(b'+')
    .add(b'=');

/// What is pinned; names are as the site has them, not safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// Tasks whose last failure was of this class.
    Class(ErrorClass),
    /// Tasks of a host, by its name.
    Host(String),
    /// Tasks of a stage, by its name.
    Stage(String),
    /// Tasks in this phase.
    State(Phase),
    /// One task, by its page.
    Task(PageKey),
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = |name| utf8_percent_encode(name, RESERVED);
        match self {
            Self::Class(class) => write!(f, "class:{}", class.name()),
            Self::Host(name) => write!(f, "host:{}", encoded(name)),
            Self::Stage(name) => write!(f, "stage:{}", encoded(name)),
            Self::State(phase) => write!(f, "state:{}", phase.name()),
            Self::Task(key) => write!(f, "task:{}", key.0),
        }
    }
}

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || {
            format!(
                "{text:?} is no pin: give class:NAME, host:NAME, stage:NAME, state:NAME or \
                 task:UUID, e.g. host:books.toscrape.com"
            )
        };
        let (kind, name) = text.split_once(':').ok_or_else(form)?;
        let name = percent_decode_str(name).decode_utf8().map_err(|_| form())?;
        let known =
            |names: Vec<&str>| format!("{text:?}: {name:?} is none of {}", names.join(", "));
        match kind {
            "host" if !name.is_empty() => Ok(Self::Host(name.into_owned())),
            "stage" if !name.is_empty() => Ok(Self::Stage(name.into_owned())),
            "class" => {
                let mut all = ErrorClass::ALL.into_iter();
                let class = all.find(|class| class.name() == name);
                let names = || ErrorClass::ALL.iter().map(|class| class.name()).collect();
                class.map(Self::Class).ok_or_else(|| known(names()))
            }
            "state" => {
                let phase = Phase::ALL.into_iter().find(|phase| phase.name() == name);
                let names = || Phase::ALL.iter().map(|phase| phase.name()).collect();
                phase.map(Self::State).ok_or_else(|| known(names()))
            }
            "task" => {
                let key = serde_json::from_value(serde_json::Value::from(&*name));
                key.map(Self::Task).map_err(|_| form())
            }
            _ => Err(form()),
        }
    }
}

/// A view that can be shown again: `?session=ID&at=SECONDS&pin=PIN`, each part where it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Link {
    /// The store's number of the session.
    pub session: Option<u32>,
    /// Seconds after the beginning.
    pub at: Option<f64>,
    /// What the view is about.
    pub pin: Option<Pin>,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.session.map(|id| format!("session={id}")),
            self.at.map(|at| format!("at={at:.1}")),
            self.pin.as_ref().map(|pin| format!("pin={pin}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        write!(f, "?{}", parts.join("&"))
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form =
            || format!("{text:?} is no link: give ?session=ID&at=SECONDS&pin=PIN, or some of it");
        // What stands before the question mark says where it is shown, not what.
        let (_, query) = text.split_once('?').ok_or_else(form)?;
        let mut link = Self::default();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(form)?;
            match name {
                "session" => link.session = Some(value.parse().map_err(|_| form())?),
                "at" => {
                    let at: f64 = value.parse().map_err(|_| form())?;
                    link.at = Some(at).filter(|at| at.is_finite() && *at >= 0.0);
                }
                "pin" => link.pin = Some(value.parse()?),
                _ => return Err(form()),
            }
        }
        Ok(link)
    }
}

/// What is pinned, and whether the field shows it already: a host may be named before it is known.
#[derive(Resource, Debug, Default)]
pub struct Pinned {
    pin: Option<Pin>,
    is_applied: bool,
    /// Snapshots that had come when it was looked for last.
    looked_at: Option<u64>,
}

impl Pinned {
    /// What is pinned, shown by the field already or not.
    #[must_use]
    pub const fn pin(&self) -> Option<&Pin> {
        self.pin.as_ref()
    }

    /// Pins this instead of what was.
    pub fn set(&mut self, pin: Option<Pin>) {
        self.is_applied = pin.is_none();
        self.looked_at = None;
        self.pin = pin;
    }

    /// What is still to be shown; once a snapshot, for a task is looked for among all.
    pub(crate) fn wanted(&mut self, snapshots: u64) -> Option<&Pin> {
        if self.is_applied || self.looked_at.replace(snapshots) == Some(snapshots) {
            return None;
        }
        self.pin.as_ref()
    }

    /// The field shows it.
    pub(crate) const fn applied(&mut self) {
        self.is_applied = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PageKey {
        PageKey::new("shop", "detail", "https://a.test/1")
    }

    #[test]
    fn a_link_is_read_as_it_is_written() {
        let pins = [
            Pin::Class(ErrorClass::RateLimit),
            Pin::Host("a.test:8080".to_owned()),
            Pin::Stage("more & less = 100 %".to_owned()),
            Pin::State(Phase::Backoff),
            Pin::Task(key()),
        ];
        for pin in pins {
            let link = Link {
                session: Some(3),
                at: Some(12.5),
                pin: Some(pin),
            };
            let text = link.to_string();
            assert_eq!(text.parse(), Ok(link), "{text}");
            assert!(!text.contains(' '), "{text}");
        }
        let link: Link = "http://127.0.0.1:9/?session=1&at=7&pin=host:a.test"
            .parse()
            .unwrap();
        assert_eq!(link.to_string(), "?session=1&at=7.0&pin=host:a.test");
    }

    #[test]
    fn what_is_no_link_is_refused_with_the_form_or_the_names() {
        for text in [
            "",
            "session=1",
            "?at=soon",
            "?pin=host:",
            "?colour=red",
            "?pin=task:7",
        ] {
            assert!(text.parse::<Link>().is_err(), "{text}");
        }
        let why = "state:asleep".parse::<Pin>().unwrap_err();
        assert!(why.contains("backoff"), "{why}");
    }
}
