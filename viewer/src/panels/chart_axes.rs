//! The axes of a chart: round values, and whole times below it.

use bevy_egui::egui::{FontId, Painter, Pos2, Rect, pos2};
use egui_plot::GridMark;

use super::{format, style::Style};
use crate::numbers::{to_u64, wide};

/// Times below a plot, where they have room.
pub(super) fn draw_times(
    painter: &Painter,
    style: &Style,
    ticks: &[GridMark],
    plot: Rect,
    place: impl Fn(f64) -> Pos2,
) {
    let mut end = f32::NEG_INFINITY;
    for tick in ticks {
        let x = place(tick.value).x;
        let text = format::clock(tick.value);
        let text = painter.layout_no_wrap(text, FontId::proportional(10.0), style.faint());
        let half = text.size().x / 2.0;
        let left = (x - half).min(plot.right() - 2.0 * half);
        if left < end + 6.0 || left < plot.left() {
            continue;
        }
        end = left + 2.0 * half;
        painter.galley(pos2(left, plot.bottom() + 1.0), text, style.faint());
    }
}

/// Whole times of a span, so far apart that their words have room in a width in points.
pub(super) fn time_marks((from, to): (f64, f64), width: f64) -> Vec<GridMark> {
    const STEPS: [f64; 16] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0,
        7_200.0, 21_600.0, 86_400.0,
    ];
    let shortest = (to - from) / (width / 44.0).max(1.0);
    let step = STEPS.into_iter().find(|step| *step >= shortest);
    let step_size = step.unwrap_or_else(|| (shortest / 86_400.0).ceil() * 86_400.0);
    let first = to_u64((from / step_size).ceil().max(0.0));
    let last = to_u64((to / step_size).floor().max(0.0));
    (first..=last)
        .map(|n| GridMark {
            value: wide(n) * step_size,
            step_size,
        })
        .collect()
}

/// Up to three marks at round values, on so many points from 0 to `top`.
pub(super) fn marks(top: f64, height: f64) -> Vec<GridMark> {
    let step = round_step(top / (height / 20.0).clamp(1.1, 3.2));
    (0_u8..5)
        .map(|n| f64::from(n) * step)
        // The uppermost would stand in the legend.
        .filter(|value| *value <= top * 0.93)
        .map(|value| GridMark {
            value,
            step_size: step,
        })
        .collect()
}

/// The next of 1, 2, 5 × 10ⁿ at or above.
fn round_step(rough: f64) -> f64 {
    let size = 10_f64.powf(rough.max(1e-9).log10().floor());
    let lead = rough / size;
    let lead = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|step| lead <= *step)
        .unwrap_or(10.0);
    lead * size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_at_round_values_below_the_legend() {
        let steps = [0.07, 1.0, 1.1, 3.0, 7.0, 4_200.0].map(round_step);
        let shown = steps.map(|step| format!("{step}"));
        assert_eq!(shown, ["0.1", "1", "2", "5", "10", "5000"]);
        let values = |height| -> Vec<f64> {
            let marks = marks(11.2, height);
            marks.iter().map(|mark| mark.value).collect()
        };
        assert_eq!(values(70.0), [0.0, 5.0, 10.0]);
        assert_eq!(values(30.0), [0.0, 10.0]);
    }

    #[test]
    fn times_stand_at_whole_seconds_minutes_and_hours() {
        let times = |from, to| -> Vec<String> {
            let marks = time_marks((from, to), 150.0);
            marks.iter().map(|mark| format::clock(mark.value)).collect()
        };
        assert_eq!(times(0.0, 7.0), ["0:00", "0:05"]);
        assert_eq!(times(12.3, 72.3), ["0:30", "1:00"]);
        assert_eq!(times(0.0, 7_200.0), ["0:00", "1:00:00", "2:00:00"]);
        assert_eq!(times(0.0, 1_000_000.0).len(), 3);
    }
}
