//! A task as the shader reads it: sixteen bytes.

use bytemuck::{Pod, Zeroable};
use crawlfield_engine::model::phase::Phase;

use crate::numbers::index;

/// One cell of the state texture; all zero where no task is.
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
pub struct Point {
    /// The new texel.
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

/// This task is selected.
pub const FLAG_SELECTED: u32 = 1;
/// The pointer is over this task.
pub const FLAG_HOVERED: u32 = 2;
/// A search or filter leaves this task out.
pub const FLAG_DIMMED: u32 = 4;
/// This task is on its way to its cell: it is drawn as a flight.
pub const FLAG_ALOFT: u32 = 8;
/// Its host's breaker is open, where the block does not say so.
pub const FLAG_BEHIND_BREAKER: u32 = 16;

const MAX_ATTEMPTS: u32 = 63;
const MAX_STAGE: u32 = 15;
const BAND_ONE: f64 = 1024.0;

impl Texel {
    /// A task that has just appeared.
    #[must_use]
    pub fn born(since_ms: u32, phase: Phase, stage: u16, attempts: u16, variation: u8) -> Self {
        Self {
            since_ms,
            bits: sign_of(phase)
                | u32::from(stage).min(MAX_STAGE) << 8
                | u32::from(attempts).min(MAX_ATTEMPTS) << 12
                | u32::from(variation) << 24,
            span_ms: 0,
            band: 0,
        }
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

    /// The task moved.
    pub fn turn(&mut self, since_ms: u32, phase: Phase, attempts: u16) {
        let before = self.bits & 15;
        let kept = self.bits & !0x3_f0ff;
        self.since_ms = since_ms;
        self.bits =
            kept | sign_of(phase) | before << 4 | u32::from(attempts).min(MAX_ATTEMPTS) << 12;
        self.span_ms = 0;
        self.band = 0;
    }

    /// What the step is predicted to take: median, low, high in milliseconds.
    pub fn expect(&mut self, (median, low, high): (u32, u32, u32)) {
        self.span_ms = median.max(1);
        let share = |ms: u32| {
            let ratio = f64::from(ms) / f64::from(self.span_ms) * BAND_ONE;
            crate::numbers::to_u32(ratio).min(0xffff)
        };
        self.band = share(low) | share(high) << 16;
    }

    /// How long it waits from `since_ms` on.
    pub fn wait(&mut self, ms: u32) {
        self.span_ms = ms.max(1);
    }

    /// Sets or clears a flag; says whether that changed anything.
    pub fn set_flag(&mut self, flag: u32, on: bool) -> bool {
        let bit = flag << 18;
        let was = self.bits;
        self.bits = if on { was | bit } else { was & !bit };
        self.bits != was
    }

    /// The flags.
    #[must_use]
    pub const fn flags(self) -> u32 {
        self.bits >> 18 & 63
    }

    /// Failed attempts, up to 63.
    #[must_use]
    pub const fn attempts(self) -> u32 {
        self.bits >> 12 & 63
    }

    /// The stage's place, up to 15.
    #[must_use]
    pub const fn stage(self) -> u32 {
        self.bits >> 8 & 15
    }
}
