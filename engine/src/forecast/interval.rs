//! A time to come, and the interval that holds it.

/// Two-sided 80 % and 95 % quantiles of the normal distribution.
pub(super) const Z80: f64 = 1.281_551_565_544_6;
pub(super) const Z95: f64 = 1.959_963_984_540_1;

/// A time to come: log-normal, with spreads of its own below and above.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    /// In seconds.
    pub(super) median: f64,
    below: f64,
    above: f64,
}

impl Left {
    pub(super) fn of(median: f64, sigma: f64) -> Self {
        Self {
            median,
            below: sigma,
            above: sigma,
        }
    }

    pub(super) fn interval(self, z: f64) -> [f64; 2] {
        [
            self.median * libm::exp(-z * self.below),
            self.median * libm::exp(z * self.above),
        ]
    }

    /// The later of both. A rate that other hosts share may rise when they have ended: the early
    /// end stays.
    pub(super) fn later(self, other: Self) -> Self {
        if other.median <= self.median {
            return Self {
                above: self
                    .above
                    .max(log_ratio(other.median, self.median) + other.above),
                ..self
            };
        }
        Self {
            below: other
                .below
                .max(log_ratio(other.median, self.median).min(1.0)),
            ..other
        }
    }

    pub(super) fn sooner(self, other: Self) -> Self {
        if other.median < self.median {
            other
        } else {
            self
        }
    }

    pub(super) fn at_least(self, seconds: f64) -> Self {
        Self {
            median: self.median.max(seconds),
            ..self
        }
    }

    pub(super) fn widened(self, spread: f64) -> Self {
        Self {
            below: libm::hypot(self.below, spread),
            above: libm::hypot(self.above, spread),
            ..self
        }
    }
}

fn log_ratio(a: f64, b: f64) -> f64 {
    libm::log(a.max(1e-9) / b.max(1e-9))
}
