//! Whether a host's refusals follow our speed. Some hosts refuse a share of all requests, and to
//! go slower changes nothing there but the time it takes.

/// Half octaves of the gap between two requests, in µs: from nothing to minutes.
const SPEEDS: usize = 56;
/// A speed's counts are halved when they reach this, so that they follow the host.
const KEPT: u32 = 256;
/// So many half octaves apart, one gap is at least twice the other.
const SLOWER: usize = 3;
/// Answers at a speed that tell anything of it.
const SAMPLE: u32 = 20;
/// Refusals at the slow speeds that tell anything.
const PROOF: u32 = 2;
/// Who refuses a larger share than this at the slow speeds, in thousandths, means it.
const MOST: u32 = 350;
/// Shares are the same within this factor: the samples are small.
const SAME: u32 = 3;
/// So many refusals are borne in a row, in thousandths.
const SAVED: u32 = 10_000;
/// Times in a row that what is borne may be used up.
const STRIKES: u8 = 3;

/// Answers and refusals by the speed at which the requests were sent.
#[derive(Debug, Clone)]
pub(super) struct Refusals {
    speeds: [Tally; SPEEDS],
    mark: Option<Mark>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            speeds: [Tally::default(); SPEEDS],
            mark: None,
        }
    }
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

    fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.refused += other.refused;
    }

    fn halve(&mut self) {
        self.answers /= 2;
        self.refused /= 2;
    }
}

/// The host refuses a share of its requests at any speed.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Of a thousand.
    share: u32,
    /// Refusals that are borne still, in thousandths.
    saved: u32,
    /// Times that they were used up.
    strikes: u8,
}

/// The speed of requests with this mean gap in µs: 0 is the fastest.
pub(super) fn speed(gap_us: u64) -> u8 {
    let gap = u128::from(gap_us.max(1));
    u8::try_from((gap * gap).ilog2()).unwrap_or(u8::MAX)
}

impl Refusals {
    /// A request was answered that was sent at this speed; none: that tells nothing of speeds.
    pub(super) fn on_answer(&mut self, speed: Option<u8>, refused: bool) {
        if let Some(speed) = speed {
            let tally = &mut self.speeds[usize::from(speed).min(SPEEDS - 1)];
            tally.answers += 1;
            tally.refused += u32::from(refused);
            if tally.answers >= KEPT {
                tally.halve();
            }
        }
        if let Some(mark) = &mut self.mark {
            // A quarter more than was found, and one of a hundred.
            mark.saved = (mark.saved + mark.share * 5 / 4 + 10).min(SAVED);
            if mark.saved == SAVED {
                mark.strikes = 0;
            }
        }
    }

    /// Whether a refusal is one of those that come at any speed.
    pub(super) fn bears(&mut self) -> bool {
        let Some(mark) = &mut self.mark else {
            return false;
        };
        if let Some(left) = mark.saved.checked_sub(1_000) {
            mark.saved = left;
            return true;
        }
        mark.saved = SAVED / 2;
        mark.strikes += 1;
        if mark.strikes >= STRIKES {
            // It is another share than it seemed: newer counts decide whether it is found again.
            self.mark = None;
            self.speeds.iter_mut().for_each(Tally::halve);
        }
        false
    }

    /// Marks the host where as large a share was refused at half the speed and slower.
    pub(super) fn find(&mut self) -> bool {
        if self.mark.is_some() {
            return false;
        }
        let mut slow = Tally::default();
        let mut slowest = SPEEDS;
        while slow.answers < SAMPLE || slow.refused < PROOF {
            let Some(next) = slowest.checked_sub(1) else {
                return false;
            };
            slowest = next;
            slow.add(self.speeds[slowest]);
        }
        let mut fast = Tally::default();
        for at in 0..(slowest + 1).saturating_sub(SLOWER) {
            fast.add(self.speeds[at]);
        }
        let is_same = |one: Tally, other: Tally| {
            one.refused * other.answers <= SAME * other.refused * one.answers
        };
        let found = fast.answers >= SAMPLE
            && slow.share() <= MOST
            && is_same(fast, slow)
            && is_same(slow, fast);
        if found {
            slow.add(fast);
            self.mark = Some(Mark {
                share: slow.share().min(MOST),
                saved: SAVED,
                strikes: 0,
            });
        }
        found
    }

    /// The share that is refused at any speed, in per cent.
    pub(super) fn share(&self) -> Option<u32> {
        self.mark.map(|mark| mark.share.div_ceil(10))
    }
}
