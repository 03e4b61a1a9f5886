//! The pointer on the field: pan, zoom to the pointer, hover, select, lasso.

use bevy_egui::egui::{CursorIcon, Painter, PointerButton, Pos2, Response, Shape, Stroke, Ui};

use super::{
    Inspector, Panels, Tab, labels,
    style::{Style, colour},
};
use crate::{
    field::{
        Arrangement, FieldControl,
        lanes::DEAD_LANE,
        picking::{Heap, heap_at, pick, tasks_in},
        slot_set::SlotSet,
    },
    history::dead_letters::Grouping,
    numbers::index,
};

/// A lasso's points lie at least so far apart, in points.
const STEP: f32 = 4.0;
/// How strongly the wheel zooms.
const WHEEL: f32 = 0.0035;
/// A double click brings cells to this width, in screen pixels.
const CLOSE: f32 = 96.0;

/// What a person does with the pointer on the field, where `response` is.
pub(super) fn handle(
    ui: &Ui,
    response: &Response,
    control: &mut FieldControl<'_>,
    panels: &mut Panels,
    inspector: &mut Inspector,
) {
    let scale = ui.ctx().pixels_per_point();
    let pointer = response
        .hover_pos()
        .or_else(|| response.interact_pointer_pos());
    let pixels = pointer.map(|at| (at.x * scale, at.y * scale));
    let under = pixels.and_then(|(x, y)| pick(&control.view, &control.field.placed, x, y));
    let slot = under.and_then(|(block, cell)| control.field.cells.slot_in(block, cell?));
    control.hover(slot.filter(|_| response.hovered()));
    if let Some(at) = pixels.filter(|_| response.hovered()) {
        zoom(ui, control, at);
    }
    drag(ui, response, control, &mut panels.lasso);
    let block = under.map(|(block, _)| block);
    let handle = match (block, pixels) {
        (Some(block), Some(at)) if slot.is_none() => Handle::under(control, block, at),
        _ => None,
    };
    if handle.is_some() && response.hovered() {
        ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
    }
    if response.double_clicked() && handle.is_none() {
        approach(control, block, pixels);
    } else if response.clicked() {
        let has_command = ui.input(|input| input.modifiers.command);
        click(control, panels, inspector, (block, slot), has_command);
        if let Some(handle) = handle {
            handle.act(control, panels, inspector);
        }
    }
}

/// What of a block can be opened or folded by a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handle {
    /// The chip of a finished host.
    Chip(u32),
    /// The chip of all that have none of their own.
    Others,
    /// The word in the header of a finished host that was opened.
    Fold(u32),
    /// A heap of tasks outside the window.
    Heap(u32, Heap),
}

impl Handle {
    /// At a place of the screen in pixels, in this block.
    fn under(control: &FieldControl<'_>, block: u32, (x, y): (f32, f32)) -> Option<Self> {
        let (field, view) = (&control.field, &control.view);
        if field.is_folded(block) {
            let chip = field
                .chips
                .iter()
                .find(|chip| chip.blocks.contains(&block))?;
            let is_alone = chip.blocks.len() == 1;
            return Some(if is_alone {
                Self::Chip(block)
            } else {
                Self::Others
            });
        }
        let place = field.placed.get(index(block))?;
        let outside = field.outside(block, &control.feed.mirror);
        let (fx, fy) = view.to_field(x, y);
        let is_at_word = fy < place.rect.top + place.header
            && fx > place.rect.right - labels::FOLD_WIDTH * view.scale;
        if is_at_word && field.is_opened(block) && field.has_finished(block, &outside) {
            return Some(Self::Fold(block));
        }
        heap_at(view, place, &outside, x, y).map(|heap| Self::Heap(block, heap))
    }

    /// Heaps of what failed lead to the dead letters, all others to what is known of the host.
    fn act(self, control: &mut FieldControl<'_>, panels: &mut Panels, inspector: &mut Inspector) {
        match self {
            Self::Chip(block) => control.field.open(block, true),
            Self::Fold(block) => control.field.open(block, false),
            Self::Others => {
                panels.tab = Tab::Hosts;
                panels.are_sides_shown = true;
            }
            Self::Heap(block, heap) => {
                panels.are_sides_shown = true;
                let outside = control.field.outside(block, &control.feed.mirror);
                if heap == Heap::Ended && outside.failed > 0 {
                    panels.tab = Tab::DeadLetters;
                    panels.grouping = Grouping::Host;
                }
                if control.field.cells.arrangement() == Arrangement::Territory {
                    let hosts = control.feed.mirror.tables().hosts();
                    inspector.show_host(hosts[index(block)].id);
                }
            }
        }
    }
}

fn zoom(ui: &Ui, control: &mut FieldControl<'_>, (x, y): (f32, f32)) {
    let (wheel, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
    let factor = (wheel * WHEEL).exp() * pinch;
    if (factor - 1.0).abs() > 1e-4 {
        control.view.zoom_at(factor, x, y);
        control.selection.followed = None;
    }
}

/// A drag moves the field; with shift it draws a lasso, which selects when it ends.
fn drag(ui: &Ui, response: &Response, control: &mut FieldControl<'_>, lasso: &mut Vec<Pos2>) {
    let scale = ui.ctx().pixels_per_point();
    let is_lasso = !lasso.is_empty();
    let has_shift = ui.input(|input| input.modifiers.shift);
    if response.drag_started_by(PointerButton::Primary) && has_shift {
        *lasso = response.interact_pointer_pos().into_iter().collect();
    } else if is_lasso && response.dragged() {
        let is_far = |at: &Pos2| lasso.last().is_none_or(|last| last.distance(*at) >= STEP);
        if let Some(at) = response.interact_pointer_pos().filter(is_far) {
            lasso.push(at);
        }
    } else if is_lasso {
        let points = core::mem::take(lasso);
        let to_field = |at: &Pos2| control.view.to_field(at.x * scale, at.y * scale);
        let polygon: Vec<(f32, f32)> = points.iter().map(to_field).collect();
        let tasks = tasks_in(&polygon, &control.field.cells, &control.field.placed);
        let shown = control.shown(tasks.iter());
        control.select(shown);
    } else if response.dragged() {
        let delta = response.drag_delta() * scale;
        control.view.drag(delta.x, delta.y);
        control.selection.followed = None;
    }
}

/// A click on a task selects it, and with the command key it is one more or one less; a click on a
/// host's block shows the host.
fn click(
    control: &mut FieldControl<'_>,
    panels: &mut Panels,
    inspector: &mut Inspector,
    (block, slot): (Option<u32>, Option<u32>),
    has_command: bool,
) {
    control.selection.followed = None;
    inspector.last_task = None;
    inspector.stage = None;
    if has_command && let Some(slot) = slot {
        let mut slots = (*control.selection.slots).clone();
        if !slots.remove(slot) {
            slots.insert(slot);
        }
        control.select(slots);
        return;
    }
    control.select(slot.into_iter().collect::<SlotSet>());
    inspector.host = None;
    let Some(block) = block.filter(|_| slot.is_none()) else {
        return;
    };
    match control.field.cells.arrangement() {
        Arrangement::Territory => {
            let hosts = control.feed.mirror.tables().hosts();
            inspector.host = Some(hosts[index(block)].id);
        }
        // Where dead letters lie: those that have left the window are fetched from here.
        Arrangement::Flow if block == DEAD_LANE => {
            panels.tab = Tab::DeadLetters;
            panels.are_sides_shown = true;
        }
        Arrangement::Flow => {}
    }
}

/// A double click goes near; beside all blocks, and where it is near already, it shows all again.
fn approach(control: &mut FieldControl<'_>, block: Option<u32>, pointer: Option<(f32, f32)>) {
    let zoom = control.view.zoom;
    let place = block.map(|block| control.field.placed[index(block)]);
    let cell = place
        .filter(|place| place.columns > 0)
        .map(|place| place.cell * zoom);
    match (cell, pointer) {
        (Some(cell), Some((x, y))) if cell < CLOSE => control.view.zoom_at(CLOSE / cell, x, y),
        _ => control.view.fit(),
    }
}

/// Draws the lasso so far, in points of the screen.
pub(super) fn draw_lasso(painter: &Painter, style: &Style, lasso: &[Pos2]) {
    if lasso.len() > 1 {
        let stroke = Stroke::new(1.5, colour(style.theme.mark));
        painter.extend(Shape::dashed_line(lasso, stroke, 6.0, 4.0));
    }
}

#[cfg(test)]
mod tests {
    use crawlfield_engine::{
        feed::{
            frame::{Change, ChangeFrame, Frame},
            snapshot::{HostInfo, Snapshot},
            task_record::TaskRecord,
        },
        model::ids::HostId,
    };

    use super::*;
    use crate::{
        field::layout::Rect,
        headless::{self, Viewer},
        source::{Frames, Source},
        theme::Appearance,
    };

    /// Two hosts: one has finished and left, one has a task.
    struct Told(Vec<Frame>);

    impl Frames for Told {
        fn next_until(&mut self, _at_us: u64) -> Option<Frame> {
            self.0.pop()
        }
    }

    fn told() -> Told {
        let name = |host| Change::HostAdmitted {
            host: HostId(host),
            name: "shop.test".into(),
        };
        let task = TaskRecord {
            host: HostId(2),
            ..TaskRecord::new(0, "http://shop.test/1")
        };
        let changes = vec![name(1), name(2), Change::Admitted(Box::new(task))];
        let host = |id, finished, dead, outside| HostInfo {
            id,
            finished,
            dead,
            outside,
            ..HostInfo::default()
        };
        let snapshot = Snapshot {
            hosts: vec![host(1, 80, 4, 0), host(2, 0, 6, 9)],
            ..Snapshot::default()
        };
        let changes = ChangeFrame {
            seq: 0,
            at_us: 0,
            changes,
        };
        Told(vec![
            Frame::Snapshot(snapshot.into()),
            Frame::Changes(changes),
        ])
    }

    fn act(control: &mut FieldControl<'_>, handle: Handle) -> (Panels, Inspector) {
        let (mut panels, mut inspector) = (Panels::default(), Inspector::default());
        panels.are_sides_shown = false;
        handle.act(control, &mut panels, &mut inspector);
        (panels, inspector)
    }

    #[test]
    fn chips_open_words_fold_and_heaps_lead_to_what_they_stand_for() {
        let source = Source::Frames(Box::new(told()));
        let mut app = headless::app(source, Appearance::default());
        let mut viewer = Viewer(app.world_mut());
        viewer.set_area(Rect::new(0.0, 0.0, 812.0, 430.0), 1.0);
        viewer.advance(1);
        viewer.with::<FieldControl<'_>, _>(|mut control| {
            let chip = control.field.chips[0].rect;
            let middle = (chip.left + 20.0, chip.top + 8.0);
            let handle = Handle::under(&control, 0, middle);
            assert_eq!(handle, Some(Handle::Chip(0)));
            act(&mut control, Handle::Chip(0));
            assert!(control.field.is_opened(0));
        });
        viewer.advance(2);
        viewer.advance(1_000_000);
        viewer.with::<FieldControl<'_>, _>(|mut control| {
            let rect = control.field.placed[0].rect;
            let word = (rect.right - 20.0, rect.top + 10.0);
            let handle = Handle::under(&control, 0, word);
            assert_eq!(handle, Some(Handle::Fold(0)));
            let rect = control.field.placed[1].rect;
            let dead = Handle::under(&control, 1, (rect.left + 12.0, rect.bottom - 6.0));
            let dead = dead.expect("a heap of dead letters");
            let (panels, inspector) = act(&mut control, dead);
            assert_eq!(panels.tab, Tab::DeadLetters);
            assert_eq!(inspector.host, Some(HostId(2)));
            let waiting = Handle::under(&control, 1, (rect.right - 12.0, rect.bottom - 6.0));
            let (panels, inspector) = act(&mut control, waiting.expect("what waits"));
            assert_eq!(panels.tab, Tab::Charts);
            assert!(panels.are_sides_shown && inspector.host == Some(HostId(2)));
            act(&mut control, Handle::Fold(0));
        });
        viewer.advance(1_000_001);
        assert!(viewer.field().is_folded(0));
    }
}
