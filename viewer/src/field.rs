//! The field: which cell every task has, where its block stands, what is counted outside the window,
//! and what flies. Below it plain arithmetic: no schedule, no pixels read.

use bevy::{ecs::system::SystemParam, prelude::*};
use crawlfield_engine::{
    feed::mirror::{Mirror, PhaseCounts},
    model::{
        class::ErrorClass,
        ids::{HostId, SessionId, StageId},
        phase::{BreakerPhase, Phase},
    },
};

use crate::{
    feed::Feed,
    filter::Filter,
    numbers::{float, index, millis, narrow, wide},
    pin::{Pin, Pinned},
    selection::Selection,
    theme::{Appearance, Motion},
};

pub mod block;
pub mod cells;
pub mod flights;
pub mod layout;
pub mod outside;
pub mod picking;
pub mod ranges;
pub mod slot_set;
pub mod texel;
pub mod treemap;
pub mod view;

use cells::Cells;
use flights::FlightFrame;
use layout::{Placed, Rect};
use outside::{Outside, OutsideCounts};
use slot_set::SlotSet;
use texel::sign_of;
use view::View;

/// An empty field, all of it in view.
pub fn plugin(app: &mut App) {
    app.init_resource::<Field>().init_resource::<View>();
}

/// How tasks are grouped into blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// A block per host, together a treemap.
    #[default]
    Territory,
    /// A lane per step of a task's life.
    Flow,
}

/// Lanes of the flow, in the order of their blocks.
pub const LANES: [&str; 7] = [
    "Frontier",
    "Fetch",
    "Parse",
    "Save",
    "Done",
    "Backoff",
    "Dead letters",
];

/// The lane of a phase.
#[must_use]
pub const fn lane_of(phase: Phase) -> u32 {
    match phase {
        Phase::Queued => 0,
        Phase::Fetching | Phase::Fetched => 1,
        Phase::Parsing | Phase::Parsed => 2,
        Phase::Saving => 3,
        Phase::Done | Phase::Skipped | Phase::Cancelled => 4,
        Phase::Backoff | Phase::Failed => 5,
        Phase::Dead => 6,
    }
}

/// The breaker is open.
pub const BLOCK_OPEN: u32 = 1;
/// The breaker lets probes through.
pub const BLOCK_HALF_OPEN: u32 = 2;
/// The session is paused.
pub const BLOCK_PAUSED: u32 = 4;
/// The block is drawn dimmer.
pub const BLOCK_DIMMED: u32 = 8;

/// Completions a cell and second that are animated in full; more of them shorten animations.
const CALM_POPS: f32 = 4.0;

/// Every task's cell, and where it stands.
#[derive(Resource)]
pub struct Field {
    /// The cells of all tasks.
    pub cells: Cells,
    /// Where blocks stand, by number; empty while the area is too small.
    pub placed: Vec<Placed>,
    /// The state texture must be filled anew.
    pub needs_refill: bool,
    /// Animations run so many times faster, so that the picture never lags behind completions.
    pub animation_speed: f32,
    outside: OutsideCounts,
    /// The snapshot and the arrangement that `outside` is of.
    counted: (u64, Arrangement),
    /// The cells' shape, the area and the scale that `placed` is of.
    laid_out: Option<(u64, Rect, f32)>,
}

impl Default for Field {
    fn default() -> Self {
        Self {
            cells: Cells::new(Arrangement::Territory),
            placed: Vec::new(),
            needs_refill: true,
            animation_speed: 1.0,
            outside: OutsideCounts::default(),
            counted: (0, Arrangement::Territory),
            laid_out: None,
        }
    }
}

impl Field {
    /// Groups the mirror's tasks anew, with the flags that filter and selection give them.
    pub fn arrange(
        &mut self,
        arrangement: Arrangement,
        mirror: &Mirror,
        filter: &Filter,
        selection: &Selection,
        view: &View,
    ) {
        self.cells = Cells::of(arrangement, mirror);
        self.cells.take_done();
        self.needs_refill = true;
        filter.apply(mirror, &mut self.cells);
        selection.mark(mirror, &mut self.cells, true);
        // Before anybody draws: the old places are of other blocks, and may be more.
        self.placed.clear();
        self.laid_out = None;
        self.lay_out(view);
    }

    /// Lets breakers, counts, layout and flights follow what has arrived in `elapsed` seconds.
    pub fn follow(&mut self, feed: &Feed, view: &View, motion: Motion, elapsed: f32) {
        self.mark_breakers(&feed.mirror);
        self.count_outside(feed);
        self.set_animation_speed(elapsed);
        self.cells.make_room();
        self.lay_out(view);
        let frame = FlightFrame {
            now_ms: millis(feed.now_us),
            speed: self.animation_speed,
            is_moving: motion == Motion::Full,
            scale: view.scale,
            placed: &self.placed,
        };
        self.cells.update_flights(&feed.mirror, frame);
    }

    fn mark_breakers(&mut self, mirror: &Mirror) {
        if self.cells.arrangement() == Arrangement::Flow {
            let hosts = mirror.tables().hosts().iter();
            let is_open: Vec<bool> = hosts
                .map(|host| host.breaker == BreakerPhase::Open)
                .collect();
            self.cells.mark_breakers(mirror, &is_open);
        }
    }

    fn count_outside(&mut self, feed: &Feed) {
        let arrangement = self.cells.arrangement();
        let key = (feed.snapshot_count, arrangement);
        if self.counted != key {
            let snapshots = feed.snapshots.iter().map(|snapshot| &**snapshot);
            self.outside = OutsideCounts::of(arrangement, &feed.mirror, snapshots);
            self.counted = key;
        }
    }

    /// Durations shrink as completions per cell grow.
    fn set_animation_speed(&mut self, elapsed: f32) {
        let done = narrow(wide(self.cells.take_done()));
        if elapsed > 0.0 {
            let blocks = self.cells.blocks().iter();
            let tasks = float(blocks.map(|block| block.count).sum()).max(1.0);
            let wanted = (done / elapsed / tasks * 64.0 / CALM_POPS).clamp(1.0, 8.0);
            self.animation_speed += (wanted - self.animation_speed) * (elapsed * 2.0).min(1.0);
        }
    }

    /// Places the blocks in the view's area, where cells, area or scale have changed.
    pub fn lay_out(&mut self, view: &View) {
        let area = view.area;
        let key = Some((self.cells.shape(), area, view.scale));
        if self.laid_out == key || area.width() < 40.0 || area.height() < 40.0 {
            return;
        }
        self.laid_out = key;
        let local =
            Rect::new(0.0, 0.0, area.width(), area.height()).inset((4.0 * view.scale).round());
        let blocks = self.cells.blocks().iter();
        let shown: Vec<u32> = blocks.map(|block| block.shown).collect();
        self.placed = match self.cells.arrangement() {
            Arrangement::Territory => treemap::territory(local, &shown, view.scale),
            Arrangement::Flow => layout::flow(local, &shown, view.scale),
        };
    }

    /// Brings a task's cell into the middle of the view, at least so many screen pixels wide.
    pub fn show_task(&self, slot: u32, least: f32, view: &mut View) {
        let place = self.cells.place_of(slot);
        // Before the first layout no block has a place.
        if let Some((block, cell)) = place
            && let Some(place) = self.placed.get(index(block))
        {
            view.look_at(place.cell_rect(cell), (place.cell * view.zoom).max(least));
        }
    }

    /// Flags of a block for the shader: `BLOCK_…`.
    #[must_use]
    pub fn block_flags(&self, block: u32, feed: &Feed) -> u32 {
        let paused = u32::from(feed.is_paused()) * BLOCK_PAUSED;
        match self.breaker(block, &feed.mirror) {
            Some(BreakerPhase::Open) => paused | BLOCK_OPEN | BLOCK_DIMMED,
            Some(BreakerPhase::HalfOpen) => paused | BLOCK_HALF_OPEN,
            Some(BreakerPhase::Closed) | None => paused,
        }
    }

    /// The breaker of a block's host; `None` where blocks are lanes.
    #[must_use]
    pub fn breaker(&self, block: u32, mirror: &Mirror) -> Option<BreakerPhase> {
        match self.cells.arrangement() {
            Arrangement::Flow => None,
            Arrangement::Territory => Some(mirror.tables().hosts()[index(block)].breaker),
        }
    }

    /// The name of a block's host, which is not safe to show, or of its lane.
    #[must_use]
    pub fn block_name<'a>(&self, block: u32, mirror: &'a Mirror) -> &'a str {
        match self.cells.arrangement() {
            Arrangement::Flow => LANES[index(block)],
            Arrangement::Territory => &mirror.tables().hosts()[index(block)].name,
        }
    }

    /// What of a block's tasks is outside the window.
    #[must_use]
    pub fn outside(&self, block: u32, mirror: &Mirror) -> Outside {
        match self.cells.arrangement() {
            Arrangement::Territory => {
                let hosts = mirror.tables().hosts();
                self.outside.now(block, &hosts[index(block)].counts)
            }
            Arrangement::Flow => {
                let drawn: PhaseCounts = mirror.counts().only(|phase| lane_of(phase) == block);
                self.outside.now(block, &drawn)
            }
        }
    }
}

/// A pinned task is at least so wide, in screen pixels.
const PINNED_TASK: f32 = 72.0;

/// What a pin names, as the mirror has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinnedSubject {
    /// Tasks whose last failure was of this class.
    Class(ErrorClass),
    /// Tasks of a host.
    Host(HostId),
    /// Tasks of a session's stage.
    Stage(SessionId, StageId),
    /// Tasks in this phase.
    State(Phase),
    /// The task in this slot.
    Task(u32),
}

/// The field in a person's hands: tasks are selected and filtered, blocks rearranged, the view moved.
#[derive(SystemParam)]
pub struct FieldControl<'w> {
    /// What is known of the tasks.
    pub feed: ResMut<'w, Feed>,
    /// The cells of the tasks.
    pub field: ResMut<'w, Field>,
    /// Pan and zoom of the field.
    pub view: ResMut<'w, View>,
    /// Selected, hovered and followed tasks.
    pub selection: ResMut<'w, Selection>,
    /// Which tasks are shown in full.
    pub filter: ResMut<'w, Filter>,
    /// Colours and motion of the picture.
    pub appearance: ResMut<'w, Appearance>,
    /// What field, tables and log are about.
    pub pinned: ResMut<'w, Pinned>,
}

impl FieldControl<'_> {
    /// Selects these tasks only.
    pub fn select(&mut self, slots: impl Into<SlotSet>) {
        let Self { feed, field, .. } = self;
        self.selection
            .select(slots, &mut feed.mirror, &mut field.cells);
    }

    /// Of these tasks, those that the filter shows in full.
    #[must_use]
    pub fn shown(&self, slots: impl Iterator<Item = u32>) -> SlotSet {
        let mirror = &self.feed.mirror;
        slots
            .filter(|slot| {
                let task = mirror.task(*slot);
                task.is_some_and(|task| {
                    let sign = self.feed.sign(task.phase, task.host);
                    self.filter.shows(&task, sign)
                })
            })
            .collect()
    }

    /// The pointer is over this task, or over none.
    pub fn hover(&mut self, slot: Option<u32>) {
        self.selection
            .hover(slot, &self.feed.mirror, &mut self.field.cells);
    }

    /// Groups the tasks anew.
    pub fn arrange(&mut self, arrangement: Arrangement) {
        self.field.arrange(
            arrangement,
            &self.feed.mirror,
            &self.filter,
            &self.selection,
            &self.view,
        );
    }

    /// Pins this, or nothing: what else was filtered is shown again.
    pub fn pin(&mut self, pin: Option<Pin>) {
        self.filter.show_all();
        self.pinned.set(pin);
        self.apply_filter();
    }

    /// Shows what was pinned and could not be shown yet; what that is, when it can be.
    pub fn apply_pin(&mut self) -> Option<PinnedSubject> {
        let pin = self.pinned.wanted()?.clone();
        let subject = self.subject_of(&pin)?;
        match subject {
            PinnedSubject::Class(class) => self.filter.solo_class(class),
            PinnedSubject::Host(host) => {
                let hosts = self.feed.mirror.tables().hosts().iter();
                let all: Vec<HostId> = hosts.map(|row| row.id).collect();
                self.filter.solo_host(host, all.into_iter());
            }
            PinnedSubject::Stage(_, stage) => self.filter.solo_stage(stage),
            PinnedSubject::State(phase) => self.filter.signs = 1 << sign_of(phase),
            PinnedSubject::Task(slot) => {
                self.select(vec![slot]);
                self.field.show_task(slot, PINNED_TASK, &mut self.view);
            }
        }
        self.pinned.applied();
        self.apply_filter();
        Some(subject)
    }

    fn subject_of(&self, pin: &Pin) -> Option<PinnedSubject> {
        let mirror = &self.feed.mirror;
        Some(match pin {
            Pin::Class(class) => PinnedSubject::Class(*class),
            Pin::State(phase) => PinnedSubject::State(*phase),
            Pin::Host(name) => {
                let mut hosts = mirror.tables().hosts().iter();
                PinnedSubject::Host(hosts.find(|row| *row.name == **name)?.id)
            }
            Pin::Stage(name) => {
                let mut sessions = mirror.tables().sessions().iter();
                sessions.find_map(|session| {
                    let mut stages = session.stages.iter();
                    let at = stages.position(|stage| *stage.name == **name)?;
                    let stage = StageId(u16::try_from(at).ok()?);
                    Some(PinnedSubject::Stage(session.id, stage))
                })?
            }
            Pin::Task(key) => {
                let mut slots = mirror.slots();
                let slot = slots.find(|slot| mirror.key_at(*slot) == Some(*key))?;
                PinnedSubject::Task(slot)
            }
        })
    }

    /// Applies a changed filter to all tasks, and counts those that pass.
    pub fn apply_filter(&mut self) {
        let passing = self.filter.apply(&self.feed.mirror, &mut self.field.cells);
        self.filter.matches = Some(passing);
    }

    /// Gives the field its rectangle on the screen in pixels; `scale` is pixels a point.
    pub fn set_area(&mut self, area: Rect, scale: f32) {
        self.view.set_area(area, scale);
        self.field.lay_out(&self.view);
    }
}
