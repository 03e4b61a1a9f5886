//! How much room each block is given, and when that changes: rarely. A block gets room for what is
//! expected of it, and all blocks change together, at most once in `CALM_US`, unless something has no
//! room at all. Hosts that have finished are folded; at the end all stand again, by what they have
//! brought.

#[cfg(test)]
mod tests;

/// Blocks are laid out for at least so many cells.
const LEAST: u32 = 6;
/// And for at most so many: a block of finished pages may stand for more.
const MOST: u32 = 1 << 20;
/// Between two layouts that nothing forces; half of it until a crawl has found its size.
pub const CALM_US: u64 = 20_000_000;
const FINDING_US: u64 = 40_000_000;
/// What has no room waits so long for others, when the last change is fresh; twice as long each time
/// that happens again, up to eight times.
const GATHER_US: u64 = 250_000;
/// Between two looks of one and the same watching, at most.
const FRESH_US: u64 = 2_000_000;
/// A host has finished when nothing was left of it for so long.
const IDLE_US: u64 = 3_000_000;
/// Growth is foreseen for so many seconds, and must have room for so many.
const FORESEEN: f64 = 23.0;
const NEEDED: f64 = 18.0;
/// Growth is measured over so long.
const MEASURED_US: u64 = 3_000_000;

/// What is known of a block's tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// One past the last cell that holds a task.
    pub used: u32,
    /// Tasks in the window.
    pub resident: u32,
    /// Tasks that wait in the store.
    pub waiting: u64,
    /// Tasks that have ended and left.
    pub ended: u64,
    /// A person wants to see it, finished or not.
    pub is_opened: bool,
}

impl Known {
    const fn is_unknown(&self) -> bool {
        self.used == 0 && self.waiting == 0 && self.ended == 0
    }

    /// Nothing is left to do, as far as is known.
    #[must_use]
    pub const fn has_finished(&self) -> bool {
        self.resident == 0 && self.waiting == 0 && self.ended > 0
    }
}

/// The room of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Room {
    /// No task was ever here: it stands nowhere.
    #[default]
    None,
    /// For so many cells.
    Cells(u32),
    /// Its host has finished: it stands as a chip.
    Folded,
}

/// Which blocks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Hosts, on one map.
    Hosts,
    /// Lanes: each has its own cells, and none is folded.
    Lanes,
}

#[derive(Debug, Clone, Copy, Default)]
struct Row {
    room: Room,
    /// Cells that its place holds, at least its room.
    holds: u32,
    /// The most cells that were in use, and when growth was measured last.
    most: u32,
    most_then: u32,
    /// Cells more a second, as measured then or faster since.
    growth: f64,
    /// Since when nothing is left of it.
    idle_us: Option<u64>,
}

/// The rooms of all blocks, by number.
#[derive(Debug)]
pub struct Rooms {
    kind: Kind,
    rows: Vec<Row>,
    began_us: Option<u64>,
    changed_us: u64,
    measured_us: u64,
    /// Since when something has no room.
    lacking_us: Option<u64>,
    /// All hosts have finished, and stand by what they have brought.
    has_ended: bool,
    /// A person waits for a change.
    is_asked: bool,
    /// Changes so far since the map was calm.
    hurried: u32,
    /// The shown time of the last look.
    followed_us: u64,
    changes: u64,
}

impl Rooms {
    /// Of no block yet.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            rows: Vec::new(),
            began_us: None,
            changed_us: 0,
            measured_us: 0,
            lacking_us: None,
            has_ended: false,
            is_asked: false,
            hurried: 0,
            followed_us: 0,
            changes: 0,
        }
    }

    /// The rooms by block.
    pub fn iter(&self) -> impl Iterator<Item = Room> + '_ {
        self.rows.iter().map(|row| row.room)
    }

    /// How often rooms were given since the tasks were grouped.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether time has gone on since the last look, and not far.
    #[must_use]
    pub const fn is_fresh(&self, now_us: u64) -> bool {
        self.began_us.is_some()
            && now_us >= self.followed_us
            && now_us - self.followed_us < FRESH_US
    }

    /// A person has opened or folded a host: the next look gives rooms anew.
    pub const fn ask(&mut self) {
        self.is_asked = true;
    }

    /// What a block's place holds in truth, as laid out: rounding leaves some more.
    pub fn set_holds(&mut self, block: usize, cells: u32) {
        if let Some(row) = self.rows.get_mut(block) {
            row.holds = cells;
        }
    }

    /// Follows what is known at this shown time, and whether all sessions are over; says whether the
    /// rooms have changed.
    pub fn follow(&mut self, now_us: u64, known: &[Known], is_over: bool) -> bool {
        self.rows.resize(known.len(), Row::default());
        self.measure(now_us, known);
        let is_first = self.began_us.is_none();
        let mut is_lacking = self.kind == Kind::Lanes && is_first;
        for (row, known) in self.rows.iter_mut().zip(known) {
            if known.has_finished() {
                // Whoever looks for the first time need not wait, nor does the end.
                let since = if is_first || is_over { 0 } else { now_us };
                let idle_us = row.idle_us.get_or_insert(since);
                *idle_us = since.min(*idle_us);
            } else {
                row.idle_us = None;
            }
            is_lacking |= match row.room {
                Room::None => !known.is_unknown(),
                Room::Folded => !known.has_finished(),
                Room::Cells(_) => known.used > row.holds,
            };
        }
        let all_idle = self.kind == Kind::Hosts && self.all_idle(now_us, known);
        is_lacking |= all_idle && !self.has_ended;
        self.has_ended &= all_idle;
        if is_lacking {
            self.lacking_us.get_or_insert(now_us);
        } else {
            self.lacking_us = None;
        }
        self.followed_us = now_us;
        let patience = self.patience(now_us);
        let is_due = self.is_asked
            || self
                .lacking_us
                .is_some_and(|since| now_us >= since + patience)
            || self.is_worth_it(now_us, known);
        if is_due {
            self.began_us.get_or_insert(now_us);
            self.renew(now_us, known);
        }
        is_due
    }

    /// How fast the blocks grow: over the last seconds, or faster since then.
    fn measure(&mut self, now_us: u64, known: &[Known]) {
        let since_us = now_us.saturating_sub(self.measured_us);
        let seconds = crate::numbers::wide(since_us) / 1e6;
        let is_due = since_us >= MEASURED_US;
        for (row, known) in self.rows.iter_mut().zip(known) {
            if row.room == Room::None {
                row.most_then = known.used;
            }
            // What only fills up again what was in use before does not grow.
            row.most = row.most.max(known.used);
            let grown = f64::from(row.most - row.most_then.min(row.most)) / seconds.max(1.0);
            if is_due {
                row.most_then = row.most;
                // Links come in bursts: what has just grown may grow again.
                row.growth = grown.max(row.growth * 0.6);
            } else {
                row.growth = row.growth.max(grown);
            }
        }
        if is_due {
            self.measured_us = now_us;
        }
    }

    /// How long what has no room waits for others.
    fn patience(&self, now_us: u64) -> u64 {
        match self.began_us {
            None => 0,
            Some(_) if self.is_calm(now_us) => 0,
            Some(_) if self.rows.iter().all(|row| row.idle_us == Some(0)) => 0,
            // A lane moves no other.
            Some(_) if self.kind == Kind::Lanes => GATHER_US,
            Some(_) => GATHER_US << self.hurried.min(3),
        }
    }

    /// Nothing has changed for a while.
    fn is_calm(&self, now_us: u64) -> bool {
        let age_us = now_us.saturating_sub(self.began_us.unwrap_or(now_us));
        let least = if age_us < FINDING_US {
            CALM_US / 2
        } else {
            CALM_US
        };
        now_us.saturating_sub(self.changed_us) >= least
    }

    fn is_idle(row: &Row, now_us: u64) -> bool {
        row.idle_us.is_some_and(|since| now_us >= since + IDLE_US) || row.idle_us == Some(0)
    }

    /// All hosts have finished.
    fn all_idle(&self, now_us: u64, known: &[Known]) -> bool {
        let mut rows = self.rows.iter().zip(known).peekable();
        rows.peek().is_some()
            && rows.all(|(row, known)| known.is_unknown() || Self::is_idle(row, now_us))
            && known.iter().any(Known::has_finished)
    }

    /// Nothing forces a change, but the picture would gain by it.
    fn is_worth_it(&self, now_us: u64, known: &[Known]) -> bool {
        if self.began_us.is_none() || !self.is_calm(now_us) {
            return false;
        }
        let (mut has, mut needs, mut is_roomy) = (0, 0, false);
        for (row, known) in self.rows.iter().zip(known) {
            let Room::Cells(room) = row.room else {
                continue;
            };
            if self.kind == Kind::Hosts && !self.has_ended && !known.is_opened {
                if Self::is_idle(row, now_us) {
                    return true;
                }
            } else if known.has_finished() {
                continue;
            }
            let wanted = expected(known, row.growth);
            has += u64::from(room);
            needs += u64::from(wanted);
            is_roomy |= wanted.saturating_mul(3) < room;
        }
        match self.kind {
            Kind::Hosts => needs * 4 < has * 3,
            Kind::Lanes => is_roomy,
        }
    }

    fn renew(&mut self, now_us: u64, known: &[Known]) {
        self.has_ended = self.kind == Kind::Hosts && self.all_idle(now_us, known);
        let (kind, has_ended) = (self.kind, self.has_ended);
        for (row, known) in self.rows.iter_mut().zip(known) {
            row.room = match kind {
                Kind::Hosts if known.is_unknown() => Room::None,
                Kind::Hosts if Self::is_idle(row, now_us) => {
                    if known.is_opened || has_ended {
                        Room::Cells(stands_for(known))
                    } else {
                        Room::Folded
                    }
                }
                Kind::Hosts | Kind::Lanes => kept_or_new(row.room, known, row.growth),
            };
        }
        self.hurried = if self.is_calm(now_us) {
            0
        } else {
            self.hurried + 1
        };
        self.changed_us = now_us;
        self.lacking_us = None;
        self.is_asked = false;
        self.changes += 1;
    }
}

/// Cells of a finished host: one for each page that it has brought.
fn stands_for(known: &Known) -> u32 {
    let ended = u32::try_from(known.ended).unwrap_or(MOST);
    ended.clamp(LEAST, MOST).max(known.used)
}

/// A room that will do stays as it is.
fn kept_or_new(room: Room, known: &Known, growth: f64) -> Room {
    let wanted = expected(known, growth);
    match room {
        Room::Cells(room)
            if f64::from(known.used) + growth * NEEDED <= f64::from(room)
                && wanted.saturating_mul(7) / 5 > room =>
        {
            Room::Cells(room)
        }
        _ => Room::Cells(wanted),
    }
}

/// Cells that a block will soon need, when it grows by `growth` a second; at most about twice what
/// it uses, so that no field is mostly empty.
fn expected(known: &Known, growth: f64) -> u32 {
    let used = known.used;
    // The window lets in about as many as leave it: only a host with few grows by what waits.
    let in_store = u32::try_from(known.waiting).unwrap_or(u32::MAX);
    let in_store = in_store.min(used / 16 + 8);
    let soon = crate::numbers::to_u32(f64::from(used) + growth * FORESEEN);
    let (least, most) = (
        used + used / 16 + 3,
        used.saturating_add(used / 10 * 8) + 16,
    );
    soon.saturating_add(in_store).clamp(least, most).max(LEAST)
}
