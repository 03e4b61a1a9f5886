//! Whether a host's refusals depend on our speed. Some hosts refuse a share of all requests, and
//! to go slower changes nothing there but the time it takes.

/// Octaves of the gap between two requests, in µs: from nothing to minutes.
const OCTAVES: usize = 28;
/// An octave's counts are halved when they reach this, so that they follow the host.
const KEPT: u32 = 256;
/// So many octaves slower must have brought nothing.
const SLOWER: usize = 2;
/// Answers at a speed that tell anything of it.
const SAMPLE: u32 = 20;
/// Refusals at the slow speeds that tell anything.
const PROOF: u32 = 2;
/// Who refuses a larger share than this at the slow speeds, in thousandths, means it.
const MOST: u32 = 350;
/// A share of refusals above this calls for slowing down without a second look.
const CLEAR: u32 = 500;
/// So many refusals are borne in a row, in thousandths.
const SAVED: u32 = 10_000;
/// Times in a row that what is borne may be used up.
const STRIKES: u8 = 3;

/// Answers and refusals by the gap between requests at the time.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    octaves: [Tally; OCTAVES],
    noise: Option<Noise>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    answers: u32,
    refused: u32,
}

impl Tally {
    /// Refused of a thousand.
    fn share(self) -> u32 {
        self.refused * 1_000 / self.answers.max(1)
    }

    fn halve(&mut self) {
        self.answers /= 2;
        self.refused /= 2;
    }
}

/// A share of refusals at any speed.
#[derive(Debug, Clone, Copy)]
struct Noise {
    /// Of a thousand.
    share: u32,
    /// Refusals that are borne still, in thousandths.
    saved: u32,
    /// Times that they were used up.
    strikes: u8,
}

impl Refusals {
    /// An answer came while requests went out with this mean gap in µs.
    pub(super) fn on_answer(&mut self, gap: u64, refused: bool) {
        let tally = &mut self.octaves[octave(gap)];
        tally.answers += 1;
        tally.refused += u32::from(refused);
        if tally.answers >= KEPT {
            tally.halve();
        }
        if let Some(noise) = &mut self.noise {
            // Half as much again as was found, and two of a hundred.
            noise.saved = (noise.saved + noise.share * 3 / 2 + 20).min(SAVED);
            if noise.saved == SAVED {
                noise.strikes = 0;
            }
        }
    }

    /// Whether a refusal is one of those that come at any speed.
    pub(super) fn bears(&mut self) -> bool {
        let Some(noise) = &mut self.noise else {
            return false;
        };
        if let Some(left) = noise.saved.checked_sub(1_000) {
            noise.saved = left;
            return true;
        }
        noise.saved = SAVED / 2;
        noise.strikes += 1;
        if noise.strikes >= STRIKES {
            // It is another share than it seemed: newer counts decide whether it is found again.
            self.noise = None;
            self.octaves.iter_mut().for_each(Tally::halve);
        }
        false
    }

    /// The shortest gap in µs at which no more was refused than far slower; from now on that share
    /// is borne.
    pub(super) fn find_noise(&mut self) -> Option<u64> {
        if self.noise.is_some() {
            return None;
        }
        let mut slow = Tally::default();
        let mut slowest = OCTAVES;
        while slow.answers < SAMPLE || slow.refused < PROOF {
            slowest = slowest.checked_sub(1)?;
            slow.answers += self.octaves[slowest].answers;
            slow.refused += self.octaves[slowest].refused;
        }
        let at = (0..=slowest.checked_sub(SLOWER)?).find(|at| {
            let fast = self.octaves[*at];
            fast.answers >= SAMPLE && fast.share() <= 2 * slow.share()
        })?;
        if slow.share() > MOST {
            return None;
        }
        self.noise = Some(Noise {
            share: slow.share().max(self.octaves[at].share()).min(MOST),
            saved: SAVED,
            strikes: 0,
        });
        // The middle of the octave.
        Some(3 << at >> 1)
    }

    /// Whether it is not known yet what slowing down to this gap in µs has brought.
    pub(super) fn is_unproven(&self, gap: u64) -> bool {
        let at = octave(gap);
        let fastest = self.octaves.iter().position(|fast| fast.answers >= SAMPLE);
        let here = self.octaves[at];
        fastest.is_some_and(|fastest| at >= fastest + SLOWER)
            && here.answers < SAMPLE
            && here.share() < CLEAR
    }

    /// The share that is borne, in per cent.
    pub(super) fn borne(&self) -> Option<u32> {
        self.noise.map(|noise| noise.share.div_ceil(10))
    }
}

fn octave(gap: u64) -> usize {
    (gap.max(1).ilog2() as usize).min(OCTAVES - 1)
}
