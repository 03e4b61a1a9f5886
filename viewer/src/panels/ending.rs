//! The end of a run: a card over the field that says what came of it and what can be done now.

use bevy_egui::egui::{self, Align2, Order, Painter, Pos2, Rect, RichText, Ui, Vec2, pos2};
use crawlfield_engine::{
    feed::snapshot::Snapshot,
    model::phase::{Phase, SessionPhase},
    progress::safe,
};

use super::{format, style::Style};
use crate::{
    feed::Feed,
    field::texel::sign_of,
    history::{History, dead_letters::Grouping, plan::Plan},
    numbers::{float, narrow, number, wide},
    theme::Motion,
};

/// Classes of dead letters that have a line of their own.
const CLASSES: usize = 4;
/// Ticks that fly when all went well.
const SPARKS: u32 = 36;
/// Seconds until the last of them has gone.
const FEAST: f64 = 2.4;

/// The card: it stands until a person puts it away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum EndCard {
    #[default]
    Open,
    Closed,
}

/// What a person asks for at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtEnd {
    /// Look through the records.
    Records,
    /// Look through the dead letters.
    DeadLetters,
    /// Write all records into files.
    Export,
    /// Crawl the same once more.
    RunAgain,
    /// Look at the field.
    Close,
}

/// What can be done at the end of this run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choices {
    /// Its records are at hand.
    pub(super) has_store: bool,
    /// The same can be crawled once more.
    pub(super) can_run_again: bool,
}

/// How the session ended, in words: completed is not plain where something was lost.
pub(super) fn outcome(phase: SessionPhase, dead: u64) -> String {
    match (phase, dead) {
        (_, 0) => phase.name().to_owned(),
        (SessionPhase::Completed, 1) => "completed, with 1 dead letter".to_owned(),
        (SessionPhase::Completed, n) => {
            format!("completed, with {} dead letters", format::count(n))
        }
        _ => phase.name().to_owned(),
    }
}

/// Draws the card in the middle of the field; what was pressed.
pub(super) fn draw(
    ui: &Ui,
    style: &Style,
    feed: &Feed,
    history: &History,
    choices: Choices,
    area: Rect,
) -> Option<AtEnd> {
    let snapshot = feed.session()?;
    let phase = feed.session_phase()?;
    let mut pressed = None;
    let width = (area.width() - 40.0).clamp(200.0, 380.0);
    egui::Window::new("The end")
        .title_bar(false)
        .resizable(false)
        .order(Order::Middle)
        .pivot(Align2::CENTER_CENTER)
        .fixed_pos(area.center())
        .show(ui.ctx(), |ui| {
            ui.set_width(width);
            head(ui, style, phase, snapshot);
            figures(ui, style, history, snapshot);
            dead_letters(ui, style, history, snapshot.progress.dead);
            ui.add_space(8.0);
            pressed = buttons(ui, choices, snapshot.progress.dead);
        });
    pressed
}

fn head(ui: &mut Ui, style: &Style, phase: SessionPhase, snapshot: &Snapshot) {
    let dead = snapshot.progress.dead;
    ui.horizontal(|ui| {
        let sign = match (phase, dead) {
            (SessionPhase::Completed, 0) => Phase::Done,
            (SessionPhase::Failed, _) => Phase::Failed,
            (_, 0) => Phase::Queued,
            _ => Phase::Dead,
        };
        style.sign(ui, sign_of(sign));
        let site = safe(&snapshot.session.site);
        let text = format!("{site}: {}", outcome(phase, dead));
        ui.label(RichText::new(text).heading().strong());
    });
    if phase == SessionPhase::Stopped {
        let text = "what is left waits in the store: `crawlfield resume` goes on";
        ui.label(RichText::new(text).color(style.faint()));
    }
}

fn figures(ui: &mut Ui, style: &Style, history: &History, snapshot: &Snapshot) {
    let progress = &snapshot.progress;
    ui.add_space(4.0);
    let of = format!(
        "{} of {}",
        format::count(progress.done),
        format::count(progress.discovered)
    );
    style.pair(ui, "pages done", of);
    let others = progress.skipped + progress.by_state.get("cancelled").unwrap_or(&0);
    if others > 0 {
        style.pair(ui, "skipped or dropped", format::count(others));
    }
    let records = format!(
        "{} ({} new, {} changed)",
        format::count(progress.records),
        format::count(progress.records_new),
        format::count(progress.records_changed)
    );
    style.pair(ui, "records saved", records);
    let took = format::clock(snapshot.at);
    let plan = history.series.get(&snapshot.session.id).and_then(Plan::of);
    let planned = plan.map_or_else(
        || "nothing was foreseen".to_owned(),
        |plan| {
            let (end, at) = (format::clock(plan.end), format::clock(plan.at));
            format!("{end} foreseen at {at}")
        },
    );
    style.pair(ui, "took", format!("{took} ({planned})"));
    let rate = wide(progress.done) / snapshot.at.max(0.001);
    style.pair(
        ui,
        "on average",
        format!("{} pages a second", format::rate(rate)),
    );
}

fn dead_letters(ui: &mut Ui, style: &Style, history: &History, dead: u64) {
    if dead == 0 {
        return;
    }
    style.section(ui, "Dead letters");
    let groups = history.dead_letters.grouped(Grouping::Class);
    for group in groups.iter().take(CLASSES) {
        let (class, count) = (format::class(group.class), format::count(group.count));
        style
            .pair(ui, &class, count)
            .on_hover_text(format::advice(group.class));
    }
    let named: u64 = groups.iter().take(CLASSES).map(|group| group.count).sum();
    if dead > named {
        style.pair(ui, "others", format::count(dead - named));
    }
}

fn buttons(ui: &mut Ui, choices: Choices, dead: u64) -> Option<AtEnd> {
    let mut pressed = None;
    ui.horizontal_wrapped(|ui| {
        let mut button = |text: &str, hover: &str, is_on: bool, act: AtEnd| {
            let button = ui.add_enabled(is_on, egui::Button::new(text));
            if button.on_hover_text(hover).clicked() {
                pressed = Some(act);
            }
        };
        let has = choices.has_store;
        button("Records", "look through them", has, AtEnd::Records);
        button(
            "Dead letters",
            "by class, with what to do",
            dead > 0,
            AtEnd::DeadLetters,
        );
        let hover = "all records, a file a kind, as JSON Lines, in this folder";
        button("Export", hover, has, AtEnd::Export);
        let again = choices.can_run_again;
        button(
            "Run again",
            "the same crawl, from its start",
            again,
            AtEnd::RunAgain,
        );
        button("Close", "Esc", true, AtEnd::Close);
    });
    pressed
}

/// Whether ticks fly now: all went well, a moment ago.
pub(super) fn is_feast(feed: &Feed, motion: Motion) -> bool {
    let Some(snapshot) = feed.session() else {
        return false;
    };
    let is_well =
        feed.session_phase() == Some(SessionPhase::Completed) && snapshot.progress.dead == 0;
    is_well && motion == Motion::Full && since_end(feed, snapshot) < FEAST
}

fn since_end(feed: &Feed, snapshot: &Snapshot) -> f64 {
    (wide(feed.now_us) / 1e6 - snapshot.at).max(0.0)
}

/// Ticks that fly out from behind the card, and fall.
pub(super) fn draw_feast(painter: &Painter, style: &Style, feed: &Feed, area: Rect) {
    let Some(snapshot) = feed.session() else {
        return;
    };
    let at = narrow(since_end(feed, snapshot));
    for spark in 0..SPARKS {
        let (place, size, alpha) = flown(spark, at, area);
        let rect = Rect::from_center_size(place, Vec2::splat(size));
        style.faded_glyph(painter, rect, sign_of(Phase::Done), alpha);
    }
}

/// Where a tick is so many seconds after the end, its size, and how much of it is left.
fn flown(spark: u32, at: f32, area: Rect) -> (Pos2, f32, f32) {
    // The golden angle spreads any number of them evenly.
    let angle = float(spark) * 2.399_963;
    let speed = 0.35 + 0.65 * float(spark * 7 % SPARKS) / float(SPARKS);
    let reach = area.width().min(area.height()) * 0.62 * speed;
    let way = 1.0 - (-2.2 * at).exp();
    let fall = 46.0 * at * at;
    let center = area.center();
    let place = pos2(
        center.x + angle.cos() * reach * way * 1.5,
        center.y + angle.sin() * reach * way + fall,
    );
    let left = (1.0 - at / narrow(FEAST)).clamp(0.0, 1.0);
    let size = 12.0 + 8.0 * float(number(spark as usize % 3));
    (place, size, left.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completed_is_not_plain_where_dead_letters_are_left() {
        let of = |phase, dead| outcome(phase, dead);
        assert_eq!(of(SessionPhase::Completed, 0), "completed");
        assert_eq!(
            of(SessionPhase::Completed, 271),
            "completed, with 271 dead letters"
        );
        assert_eq!(of(SessionPhase::Stopped, 3), "stopped");
    }

    #[test]
    fn ticks_fly_outwards_and_are_gone_in_the_end() {
        let area = Rect::from_min_size(Pos2::ZERO, Vec2::new(800.0, 400.0));
        for spark in 0..SPARKS {
            let (first, _, full) = flown(spark, 0.0, area);
            let (later, _, less) = flown(spark, 0.5, area);
            assert!(first.distance(area.center()) < 1.0 && full > less);
            assert!(later.distance(area.center()) > 20.0);
            assert!(flown(spark, narrow(FEAST), area).2 < 0.01);
        }
    }
}
