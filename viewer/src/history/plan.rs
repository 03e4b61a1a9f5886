//! The plan: what was foreseen when the first forecast of a run could be made.

use super::series::{Series, SeriesPoint};

/// What was foreseen first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// When it was foreseen, in seconds of engine time.
    pub at: f64,
    /// When the run ends by it, in seconds of engine time.
    pub end: f64,
    /// Its 80 % interval, in seconds of engine time.
    pub end80: (f64, f64),
    /// Pages that were known then.
    pub discovered: f64,
    /// Pages that were over then.
    pub ended: f64,
}

impl Plan {
    /// Pages that were to be over at a time of it.
    #[must_use]
    pub fn ended_at(&self, at: f64) -> f64 {
        let share = (at - self.at) / (self.end - self.at).max(0.001);
        self.ended + (self.discovered - self.ended) * share.clamp(0.0, 1.0)
    }

    /// The first forecast of a run.
    #[must_use]
    pub fn of(series: &Series) -> Option<Self> {
        series.since(0.0).find_map(Self::at_point)
    }

    /// What was foreseen at a point, if anything.
    #[must_use]
    pub fn at_point(point: &SeriesPoint) -> Option<Self> {
        let prediction = point.prediction.as_ref()?;
        let [low, high] = prediction.eta80;
        Some(Self {
            at: point.at,
            end: point.at + prediction.eta_median,
            end80: (point.at + low, point.at + high),
            discovered: point.discovered,
            ended: point.ended,
        })
    }
}

#[cfg(test)]
mod tests;
