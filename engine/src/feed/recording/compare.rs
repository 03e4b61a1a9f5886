//! Compares two recordings: the first change in which they differ.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use crate::feed::{
    frame::{Change, ChangeFrame},
    hub::Item,
    mirror::Mirror,
    recording::{Damage, Reader, Recording, RecordingError},
};

/// Where two recordings part.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// How many changes are the same before it.
    pub after: u64,
    /// What the first one tells there, and when; `None` where it has ended.
    pub first: Option<(Duration, String)>,
    /// What the second one tells there, and when; `None` where it has ended.
    pub second: Option<(Duration, String)>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the same for {} changes, then", self.after)?;
        for (name, side) in [("first", &self.first), ("second", &self.second)] {
            match side {
                Some((at, what)) => write!(f, "\n  {name}: {:.6} s {what}", at.as_secs_f64())?,
                None => write!(f, "\n  {name}: has ended")?,
            }
        }
        Ok(())
    }
}

/// The first change that differs in content, or, where none does, in time. Damage counts as the
/// end of a recording, as `Recording::frames` tells.
///
/// # Errors
/// Where a file cannot be opened again.
pub fn compare(a: &Recording, b: &Recording) -> Result<Option<Divergence>, RecordingError> {
    let (mut a, mut b) = (Side::of(a)?, Side::of(b)?);
    let mut first_in_time = None;
    for after in 0.. {
        let (left, right) = (a.next(), b.next());
        let divergence = |a: &mut Side, b: &mut Side| Divergence {
            after,
            first: left.as_ref().map(|told| a.tell(told)),
            second: right.as_ref().map(|told| b.tell(told)),
        };
        match (&left, &right) {
            (None, None) => break,
            (Some((left_us, left_change)), Some((right_us, right_change)))
                if left_change == right_change =>
            {
                if left_us != right_us && first_in_time.is_none() {
                    first_in_time = Some(divergence(&mut a, &mut b));
                }
            }
            _ => return Ok(Some(divergence(&mut a, &mut b))),
        }
        for (side, told) in [(&mut a, left), (&mut b, right)] {
            if let Some((at_us, change)) = told {
                side.mirror.apply_change(at_us, &change);
            }
        }
    }
    Ok(first_in_time)
}

/// One recording as a flow of changes.
struct Side {
    reader: Reader,
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

    fn tell(&self, (at_us, change): &(u64, Change)) -> (Duration, String) {
        let url = |slot: u32| {
            let task = self.mirror.task(slot);
            task.map_or_else(|| format!("slot {slot}"), |task| task.url.to_string())
        };
        let words = match change {
            Change::Admitted(birth) => format!("admitted {}", birth.url),
            Change::Left { slot } => format!("left {}", url(*slot)),
            Change::Moved(step) => format!(
                "{} → {} ({:?}, {} failed attempts) {}",
                step.from.name(),
                step.to.name(),
                step.detail,
                step.attempts,
                url(step.slot)
            ),
            other => format!("{other:?}"),
        };
        (Duration::from_micros(*at_us), words)
    }
}
