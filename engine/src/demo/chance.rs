//! The demo's dice: pure functions of (seed, purpose, subject, number), so that nothing can shift
//! anybody else's chance.

use crate::politeness::chance::splitmix;

/// One throw's name; `purpose` keeps throws about the same subject apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice {
    state: u64,
}

impl Dice {
    /// The dice for one purpose.
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        let purpose = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self {
            state: splitmix(seed ^ splitmix(purpose)),
        }
    }

    /// The same dice, about one subject.
    pub(super) fn about(self, subject: u64) -> Self {
        Self {
            state: splitmix(self.state ^ splitmix(subject)),
        }
    }

    /// 64 bits, each value as likely as any other.
    pub(super) fn bits(self) -> u64 {
        splitmix(self.state)
    }

    /// Even in 0..`sides`; 0 where there are no sides.
    pub(super) fn below(self, sides: usize) -> usize {
        let wide = u128::from(self.bits()) * (sides as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// Evenly spread over 0.0..1.0, in steps of 2⁻⁵³.
    pub(super) fn unit(self) -> f64 {
        // 53 bits fit a double exactly, in two halves of at most 27 bits.
        let bits = self.bits() >> 11;
        let high = u32::try_from(bits >> 27).unwrap_or(0);
        let low = u32::try_from(bits & 0x7ff_ffff).unwrap_or(0);
        (f64::from(high) * 134_217_728.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// True with this probability.
    pub(super) fn hits(self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// One of these; `None` of an empty slice.
    pub(super) fn pick<T>(self, of: &[T]) -> Option<&T> {
        of.get(self.below(of.len()))
    }

    /// Log-normal around a median of 1; the sum of twelve even numbers stands in for the normal law.
    pub(super) fn spread(self, sigma: f64) -> f64 {
        let normal = (0..12).map(|n| self.about(n).unit()).sum::<f64>() - 6.0;
        libm::exp(sigma * normal)
    }
}
