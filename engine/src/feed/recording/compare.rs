//! Compares two recordings: the first change in which they differ.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt::Write as _,
    sync::Arc,
    time::Duration,
};

use crate::feed::{
    frame::{Change, ChangeFrame, Detail},
    hub::Item,
    mirror::Mirror,
    recording::{Damage, Recording, RecordingError, RecordingReader},
};

/// Where two recordings part.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// How many changes are the same before it.
    pub after: u64,
    /// What the first one tells there; `None` where it has ended.
    pub first: Option<Described>,
    /// What the second one tells there; `None` where it has ended.
    pub second: Option<Described>,
}

/// What a recording has at one place, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Engine time since the start.
    pub at: Duration,
    /// What happened, in words.
    pub what: String,
    /// The page that it happened to, or the host.
    pub subject: Option<String>,
}

/// The outcome of comparing two recordings.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The first difference; `None` where there is none as far as both can be read.
    pub divergence: Option<Divergence>,
    /// Changes that are the same.
    pub same: u64,
    /// Where the first, and where the second one could not be read on.
    pub damage: [Option<Damage>; 2],
}

/// The first change that differs in content, or, where none does, in time; before all, the picture
/// that the recordings begin with. Damage counts as the end of a recording, as
/// `Recording::frames` tells.
///
/// # Errors
/// Where a file cannot be opened again.
pub fn compare(a: &Recording, b: &Recording) -> Result<Comparison, RecordingError> {
    let (mut a, mut b) = (Side::of(a)?, Side::of(b)?);
    let (mut divergence, mut same) = (None, 0);
    loop {
        let (left, right) = (a.next(), b.next());
        if same == 0
            && let Some(found) = opening(&a, &b)
        {
            divergence = Some(found);
            break;
        }
        let differ = |a: &Side, b: &Side| Divergence {
            after: same,
            first: left.as_ref().map(|change| a.describe(change)),
            second: right.as_ref().map(|change| b.describe(change)),
        };
        match (&left, &right) {
            (None, None) => break,
            (Some((left_us, left_change)), Some((right_us, right_change)))
                if left_change == right_change =>
            {
                // Another time alone is told only where nothing else differs.
                if left_us != right_us && divergence.is_none() {
                    divergence = Some(differ(&a, &b));
                }
            }
            _ => {
                divergence = Some(differ(&a, &b));
                break;
            }
        }
        for (side, change) in [(&mut a, left), (&mut b, right)] {
            if let Some((at_us, change)) = change {
                side.mirror.apply_change(at_us, &change);
            }
        }
        same += 1;
    }
    Ok(Comparison {
        divergence,
        same,
        damage: [a.damage, b.damage],
    })
}

/// The first task in which the pictures at the beginning differ.
fn opening(a: &Side, b: &Side) -> Option<Divergence> {
    let slots: BTreeSet<u32> = a.mirror.slots().chain(b.mirror.slots()).collect();
    let slot = slots
        .into_iter()
        .find(|slot| a.mirror.task(*slot) != b.mirror.task(*slot))?;
    let described = |side: &Side| {
        let task = side.mirror.task(slot);
        Described {
            at: Duration::from_micros(side.mirror.at_us()),
            what: task.as_ref().map_or_else(
                || format!("begins with nothing in slot {slot}"),
                |task| format!("begins with a page {} in slot {slot}", task.phase.name()),
            ),
            subject: task.map(|task| task.url.to_string()),
        }
    };
    Some(Divergence {
        after: 0,
        first: Some(described(a)),
        second: Some(described(b)),
    })
}

/// One recording as a flow of changes.
struct Side {
    reader: RecordingReader,
    mirror: Mirror,
    at_us: u64,
    ready: VecDeque<Change>,
    damage: Option<Damage>,
}

impl Side {
    fn of(recording: &Recording) -> Result<Self, RecordingError> {
        Ok(Self {
            reader: recording.frames()?,
            mirror: Mirror::default(),
            at_us: 0,
            ready: VecDeque::new(),
            damage: None,
        })
    }

    fn next(&mut self) -> Option<(u64, Change)> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Some((self.at_us, change));
            }
            match self.reader.next()? {
                Ok(Item::Changes(tick)) => {
                    let tick: ChangeFrame = Arc::unwrap_or_clone(tick);
                    self.at_us = tick.at_us;
                    self.ready = tick.changes.into();
                }
                Ok(Item::Key { frame, .. }) => self.mirror.apply_key(&frame),
                Ok(_) => {}
                Err(damage) => {
                    self.damage = Some(damage);
                    return None;
                }
            }
        }
    }

    fn describe(&self, (at_us, change): &(u64, Change)) -> Described {
        let url = |slot: u32| {
            let task = self.mirror.task(slot);
            task.map_or_else(|| format!("slot {slot}"), |task| task.url.to_string())
        };
        let host = |host| {
            let row = self.mirror.tables().host(host);
            row.map_or_else(|| format!("host {}", host.0), |row| row.name.to_string())
        };
        let (what, subject) = match change {
            Change::Admitted(task) => (
                format!("admitted to slot {} as {}", task.slot, task.phase.name()),
                Some(task.url.to_string()),
            ),
            Change::Left { slot } => ("left".to_owned(), Some(url(*slot))),
            Change::Moved(step) => {
                let mut what = format!("{} → {}", step.from.name(), step.to.name());
                what.push_str(&detail(&step.detail));
                if step.attempts > 0 {
                    // Writing into a String cannot fail.
                    let _ = write!(what, ", {} failed attempts", step.attempts);
                }
                (what, Some(url(step.slot)))
            }
            Change::BreakerMoved { host: of, to } => {
                (format!("breaker {}", to.name()), Some(host(*of)))
            }
            Change::HostAdmitted { name, .. } => ("host met".to_owned(), Some(name.to_string())),
            other => (format!("{other:?}"), None),
        };
        Described {
            at: Duration::from_micros(*at_us),
            what,
            subject,
        }
    }
}

fn detail(detail: &Detail) -> String {
    match detail {
        Detail::None => String::new(),
        Detail::Began { expect_ms: None } => ", nothing expected".to_owned(),
        Detail::Began {
            expect_ms: Some((median, low, high)),
        } => format!(", expected in {median} ms ({low} to {high})"),
        Detail::Took { ms, bytes: 0 } => format!(" after {ms} ms"),
        Detail::Took { ms, bytes } => format!(" after {ms} ms, {bytes} bytes"),
        Detail::Error(fault) => format!(": {} ({})", fault.message, fault.class.name()),
        Detail::Reason(reason) => format!(": {}", reason.name()),
    }
}
