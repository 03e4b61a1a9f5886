//! A task as the shader reads it: sixteen bytes.

use bytemuck::{Pod, Zeroable};
use crawlfield_engine::{feed::mirror::Sight, model::phase::Phase};

use crate::numbers::{index, millis};

/// One cell of the state texture; the sign is zero where no task is, and the sign before then tells
/// how the last one ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Texel {
    /// When the task took this sign: milliseconds of the source's clock.
    pub since_ms: u32,
    /// Sign 4 | sign before 4 | stage 4 | attempts 6 | flags 6 | variation 8.
    pub bits: u32,
    /// Predicted median, or the wait until the next attempt, in milliseconds; 0 unknown.
    pub span_ms: u32,
    /// The 80 % interval over the median in 1/1024: low 16 | high 16.
    pub band: u32,
}

/// A texel and where it goes: what the scatter pass draws as one point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TexelUpdate {
    /// What is written there.
    pub texel: Texel,
    /// Its place in the state texture, row-major.
    pub address: u32,
}

/// The sign number of a phase; 0 is an empty cell.
#[must_use]
pub const fn sign_of(phase: Phase) -> u32 {
    phase as u32 + 1
}

/// Queued behind an open breaker (the shader derives it from the block).
pub const SIGN_PARKED: u32 = 13;
/// Queued in a paused session (the shader derives it from the block).
pub const SIGN_PAUSED: u32 = 14;

/// How a task ended whose cell still bears its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Done or skipped; what a person drops leaves no trace.
    Well,
    /// Failed, or a dead letter.
    Badly,
}

/// This task is selected.
pub const FLAG_SELECTED: u32 = 1;
/// The pointer is over this task.
pub const FLAG_HOVERED: u32 = 2;
/// A search or filter leaves this task out.
pub const FLAG_DIMMED: u32 = 4;
/// This task is on its way to its cell: it is drawn as a flight.
pub const FLAG_FLYING: u32 = 8;
/// Its host's breaker is open, where the block does not say so.
pub const FLAG_BEHIND_BREAKER: u32 = 16;

const MAX_ATTEMPTS: u32 = 63;
/// Stages from this one on look the same to the shader.
pub const MAX_STAGE: u32 = 15;
const BAND_ONE: f64 = 1024.0;

/// What of a task's look the mirror does not know, in a byte: its flags, and whether it still has
/// its first sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CellFlags(u8);

/// In the byte of a `CellFlags`: it was in another phase than queued, it has ended well, badly.
const IS_SETTLED: u8 = 128;
const HAS_ENDED_WELL: u8 = 64;
const HAS_ENDED_BADLY: u8 = 32;
const OF_PHASE: u8 = IS_SETTLED | HAS_ENDED_WELL | HAS_ENDED_BADLY;
/// Stands for the sign before, where that was any.
const ANY_SIGN: u32 = 15;

impl CellFlags {
    /// Of a task that has just appeared, in this phase.
    #[must_use]
    pub const fn of_new(phase: Phase) -> Self {
        let mut flags = Self(0);
        flags.settle(phase);
        flags
    }

    /// The task is in this phase now.
    pub const fn settle(&mut self, phase: Phase) {
        self.0 &= !(HAS_ENDED_WELL | HAS_ENDED_BADLY);
        self.0 |= match phase {
            Phase::Queued => 0,
            Phase::Done | Phase::Skipped => IS_SETTLED | HAS_ENDED_WELL,
            Phase::Failed | Phase::Dead => IS_SETTLED | HAS_ENDED_BADLY,
            _ => IS_SETTLED,
        };
    }

    /// How it has ended, if it has.
    #[must_use]
    pub const fn ending(self) -> Option<Ending> {
        if self.0 & HAS_ENDED_WELL != 0 {
            Some(Ending::Well)
        } else if self.0 & HAS_ENDED_BADLY != 0 {
            Some(Ending::Badly)
        } else {
            None
        }
    }

    /// Sets or clears a flag; says whether that changed anything.
    ///
    /// # Panics
    /// It is none of the `FLAG_…`, which are five bits.
    pub fn set_flag(&mut self, flag: u32, on: bool) -> bool {
        let bit = u8::try_from(flag).expect("flags are five bits");
        let was = self.0;
        self.0 = if on { was | bit } else { was & !bit };
        self.0 != was
    }

    /// The flags as the texel holds them.
    #[must_use]
    pub fn bits(self) -> u32 {
        u32::from(self.0 & !OF_PHASE)
    }
}

impl Texel {
    /// No task is here, and none was.
    pub const EMPTY: Self = Self {
        since_ms: 0,
        bits: 0,
        span_ms: 0,
        band: 0,
    };

    /// No task is here; the last one ended like this.
    #[must_use]
    pub const fn trace(ending: Ending) -> Self {
        let sign = match ending {
            Ending::Well => sign_of(Phase::Done),
            Ending::Badly => sign_of(Phase::Dead),
        };
        Self {
            bits: sign << 4,
            ..Self::EMPTY
        }
    }

    /// How a task looks.
    #[must_use]
    pub fn of(sight: &Sight, flags: CellFlags) -> Self {
        let before = u32::from(flags.0 & IS_SETTLED != 0) * ANY_SIGN;
        let mut texel = Self {
            since_ms: millis(sight.changed_us),
            bits: sign_of(sight.phase)
                | before << 4
                | u32::from(sight.stage.0).min(MAX_STAGE) << 8
                | u32::from(sight.attempts).min(MAX_ATTEMPTS) << 12
                | flags.bits() << 18
                | u32::from(sight.variety) << 24,
            span_ms: 0,
            band: 0,
        };
        if let Some(expected) = sight.expected_ms {
            texel.expect(expected);
        } else if let Some(due) = sight.due_us {
            texel.span_ms = millis(due).saturating_sub(texel.since_ms).max(1);
        }
        texel
    }

    /// Whether no task is here.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits.trailing_zeros() >= 4
    }

    /// The phase shown, if a task is here.
    #[must_use]
    pub fn phase(self) -> Option<Phase> {
        let sign = index(self.bits & 15);
        Phase::ALL.get(sign.checked_sub(1)?).copied()
    }

    /// What the step is predicted to take: median, low, high in milliseconds.
    fn expect(&mut self, (median, low, high): (u32, u32, u32)) {
        self.span_ms = median.max(1);
        let share = |ms: u32| {
            let ratio = f64::from(ms) / f64::from(self.span_ms) * BAND_ONE;
            crate::numbers::to_u32(ratio).min(0xffff)
        };
        self.band = share(low) | share(high) << 16;
    }
}
