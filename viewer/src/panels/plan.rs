//! Plan against actual: what was foreseen when the first forecast could be made, and what has
//! become of it.

use bevy_egui::egui::Ui;
use crawlfield_engine::{feed::snapshot::Snapshot, model::phase::SessionPhase};

use super::{Desk, words};
use crate::{
    numbers::to_u64,
    story::series::{Point, Series},
};

/// What was foreseen first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    /// Seconds of engine time: when it was foreseen.
    pub(super) at: f64,
    /// When the run ends by it, and its 80 % interval.
    pub(super) end: f64,
    pub(super) end80: (f64, f64),
    /// Pages that were known and over then.
    pub(super) discovered: f64,
    pub(super) ended: f64,
}

impl Plan {
    /// Pages that were to be over at a time of it.
    pub(super) fn ended_at(&self, at: f64) -> f64 {
        let share = (at - self.at) / (self.end - self.at).max(0.001);
        self.ended + (self.discovered - self.ended) * share.clamp(0.0, 1.0)
    }
}

impl Plan {
    /// The first forecast of a run.
    pub(super) fn of(series: &Series) -> Option<Self> {
        series.since(0.0).find_map(Self::at_point)
    }

    fn at_point(point: &Point) -> Option<Self> {
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

/// When it was to end and when it will, or did; how many pages were known and are.
pub(super) fn draw(ui: &mut Ui, desk: &Desk<'_>, snapshot: &Snapshot) {
    let Some(series) = desk.show.news.story.series.get(&snapshot.session.id) else {
        return;
    };
    let Some((plan, now)) = Plan::of(series).zip(series.last()) else {
        return;
    };
    let is_over = SessionPhase::is_over_by_name(&snapshot.session.state);
    let foreseen = Plan::at_point(now).filter(|_| !is_over);
    desk.look.section(ui, "Plan and actual");
    let (low, high) = plan.end80;
    let of_plan = format!(
        "the first forecast, made at {}: end at {} (80 %: {}–{})",
        words::clock(plan.at),
        words::clock(plan.end),
        words::clock(low),
        words::clock(high)
    );
    let (what, end) = match foreseen {
        Some(now) => ("end, as foreseen now", words::clock(now.end)),
        None if is_over => ("end, in fact", words::clock(now.at)),
        None => ("end, as foreseen now", "unknown".to_owned()),
    };
    desk.look
        .pair(ui, "end, as planned", words::clock(plan.end))
        .on_hover_text(of_plan);
    desk.look.pair(ui, what, end);
    let [then, known] = [plan.discovered, now.discovered].map(|n| words::brief(to_u64(n)));
    let pages = format!("{known} (then {then})");
    desk.look.pair(ui, "pages known", pages);
}

#[cfg(test)]
mod tests;
