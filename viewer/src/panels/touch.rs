//! The mouse on the field: pan, zoom to the pointer, hover, select, lasso, follow.

use bevy_egui::egui::{Painter, PointerButton, Pos2, Response, Shape, Stroke, Ui};
use crawlfield_engine::model::{ids::HostId, phase::Phase};

use super::{Desk, Panels, Tab, look::colour};
use crate::{
    field::{
        board::{Arrangement, lane_of},
        lasso,
        slots::Slots,
    },
    numbers::index,
    show::Show,
};

/// A lasso's points lie at least so far apart, in points.
const STEP: f32 = 4.0;
/// How strongly the wheel zooms.
const WHEEL: f32 = 0.0035;
/// Cells a double click brings to this width, in screen pixels.
const CLOSE: f32 = 96.0;

/// What the mouse is doing.
#[derive(Debug, Default)]
pub(super) struct Touch {
    /// The lasso so far, in points of the screen.
    lasso: Vec<Pos2>,
}

pub(super) fn take(ui: &Ui, desk: &mut Desk<'_>, response: &Response) {
    let scale = ui.ctx().pixels_per_point();
    let pointer = response
        .hover_pos()
        .or_else(|| response.interact_pointer_pos());
    let under = pointer.and_then(|at| {
        desk.show
            .view
            .pick(&desk.show.placed, at.x * scale, at.y * scale)
    });
    let slot = under.and_then(|(block, cell)| desk.show.board.slot_in(block, cell?));
    desk.show
        .hover(if response.hovered() { slot } else { None });
    if let Some(at) = pointer.filter(|_| response.hovered()) {
        zoom(ui, desk, at, scale);
    }
    drag(ui, desk, response, scale);
    if response.double_clicked() {
        approach(desk, under, pointer, scale);
    } else if response.clicked() {
        click(ui, desk, under.map(|(block, _)| block), slot);
    }
}

fn zoom(ui: &Ui, desk: &mut Desk<'_>, at: Pos2, scale: f32) {
    let (wheel, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
    let factor = (wheel * WHEEL).exp() * pinch;
    if (factor - 1.0).abs() > 1e-4 {
        desk.show.view.zoom_at(factor, at.x * scale, at.y * scale);
        desk.show.unfit();
        desk.panels.follow = None;
    }
}

fn drag(ui: &Ui, desk: &mut Desk<'_>, response: &Response, scale: f32) {
    let is_lasso = !desk.panels.touch.lasso.is_empty();
    let has_shift = ui.input(|input| input.modifiers.shift);
    if response.drag_started_by(PointerButton::Primary) && has_shift {
        desk.panels.touch.lasso = response.interact_pointer_pos().into_iter().collect();
    } else if is_lasso && response.dragged() {
        if let Some(at) = response.interact_pointer_pos()
            && desk
                .panels
                .touch
                .lasso
                .last()
                .is_none_or(|last| last.distance(at) >= STEP)
        {
            desk.panels.touch.lasso.push(at);
        }
    } else if is_lasso {
        close(desk, scale);
    } else if response.dragged() {
        let delta = response.drag_delta() * scale;
        desk.show.view.drag(delta.x, delta.y);
        desk.show.unfit();
        desk.panels.follow = None;
    }
}

fn close(desk: &mut Desk<'_>, scale: f32) {
    let points = core::mem::take(&mut desk.panels.touch.lasso);
    let view = desk.show.view;
    let polygon: Vec<(f32, f32)> = points
        .iter()
        .map(|at| view.to_field(at.x * scale, at.y * scale))
        .collect();
    let slots = lasso::tasks_in(&polygon, &desk.show.board, &desk.show.placed);
    desk.show.select(slots);
}

fn click(ui: &Ui, desk: &mut Desk<'_>, block: Option<u32>, slot: Option<u32>) {
    desk.panels.follow = None;
    desk.panels.shown = None;
    desk.panels.stage = None;
    if ui.input(|input| input.modifiers.command)
        && let Some(slot) = slot
    {
        // One more, or one less.
        let mut slots = (*desk.show.picked.slots).clone();
        if !slots.remove(slot) {
            slots.insert(slot);
        }
        desk.show.select(slots);
        return;
    }
    desk.show.select(slot.into_iter().collect::<Slots>());
    let is_territory = desk.show.board.arrangement() == Arrangement::Territory;
    if !is_territory && slot.is_none() && block == Some(lane_of(Phase::Dead)) {
        // The ground where dead letters lie: those that have left the window are fetched from here.
        desk.panels.tab = Tab::Letters;
        desk.panels.are_sides_shown = true;
    }
    let host = |block| {
        desk.show
            .mirror
            .tables()
            .hosts()
            .get(index(block))
            .map(|row| row.id)
    };
    let host: Option<HostId> = block
        .filter(|_| is_territory && slot.is_none())
        .and_then(host);
    desk.panels.host = host;
}

/// A double click goes near; on empty ground it shows all again.
fn approach(
    desk: &mut Desk<'_>,
    under: Option<(u32, Option<u32>)>,
    pointer: Option<Pos2>,
    scale: f32,
) {
    let Some((block, _)) = under else {
        desk.show.fit();
        return;
    };
    let cell = desk.show.placed[index(block)].cell * desk.show.view.zoom;
    if let Some(at) = pointer.filter(|_| cell < CLOSE) {
        desk.show
            .view
            .zoom_at(CLOSE / cell, at.x * scale, at.y * scale);
        desk.show.unfit();
    } else {
        desk.show.fit();
    }
}

/// Draws the lasso.
pub(super) fn draw(painter: &Painter, desk: &Desk<'_>) {
    let lasso = &desk.panels.touch.lasso;
    if lasso.len() > 1 {
        let stroke = Stroke::new(1.5, colour(desk.look.theme.mark));
        painter.extend(Shape::dashed_line(lasso, stroke, 6.0, 4.0));
    }
}

/// Keeps the followed task in the middle.
pub(super) fn follow(show: &mut Show, panels: &mut Panels) {
    let Some((slot, key)) = panels.follow else {
        return;
    };
    let is_here = show.mirror.task(slot).is_some_and(|task| task.key == key);
    let Some((block, cell)) = show.board.place_of(slot).filter(|_| is_here) else {
        panels.follow = None;
        return;
    };
    let Some(place) = show.placed.get(index(block)) else {
        return;
    };
    let rect = place.cell_rect(cell);
    let pixels = (place.cell * show.view.zoom).max(CLOSE);
    show.view.look_at(rect, pixels);
    show.unfit();
}
