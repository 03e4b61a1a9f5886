//! The field: which cell every task has, where its block stands, what is counted outside the window,
//! and what flies. Below it plain arithmetic: no schedule, no pixels read.

use bevy::prelude::*;
use crawlfield_engine::{
    feed::mirror::{Mirror, PhaseCounts},
    model::phase::BreakerPhase,
};

use crate::{
    feed::Feed,
    filter::Filter,
    numbers::{float, index, millis, narrow, number, wide},
    selection::Selection,
    theme::Motion,
};

pub mod block;
pub mod cells;
pub mod chips;
mod control;
pub mod flights;
pub mod lanes;
pub mod layout;
pub mod outside;
pub mod picking;
pub mod places;
pub mod ranges;
pub mod rooms;
pub mod slot_set;
pub mod texel;
pub mod treemap;
pub mod view;

use cells::Cells;
use chips::Chip;
pub use control::{FieldControl, PinnedSubject};
use flights::FlightFrame;
use lanes::StepTimes;
use layout::{Placed, Rect};
use outside::{Outside, OutsideCounts};
use places::Places;
use rooms::{CALM_US, Kind, Known, Room, Rooms};
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

/// The breaker is open.
pub const BLOCK_OPEN: u32 = 1;
/// The breaker lets probes through.
pub const BLOCK_HALF_OPEN: u32 = 2;
/// The session is paused.
pub const BLOCK_PAUSED: u32 = 4;
/// The block is drawn dimmer.
pub const BLOCK_DIMMED: u32 = 8;
/// The host has finished: its cells stand for what it has brought, and hold no tasks.
pub const BLOCK_FINISHED: u32 = 16;

/// Completions a cell and second that are animated in full; more of them shorten animations.
const CALM_POPS: f32 = 4.0;

/// Every task's cell, and where it stands.
#[derive(Resource)]
pub struct Field {
    /// The cells of all tasks.
    pub cells: Cells,
    /// Where blocks stand now, by number; empty while the area is too small. A block without columns
    /// is not drawn: its host is folded into a chip, or has never had a task.
    pub placed: Vec<Placed>,
    /// Hosts that have finished and are folded.
    pub chips: Vec<Chip>,
    /// The state texture must be filled anew.
    pub needs_refill: bool,
    /// Animations run so many times faster, so that the picture never lags behind completions.
    pub animation_speed: f32,
    /// What the steps have taken so far, by the last snapshots.
    pub step_times: StepTimes,
    /// Finished hosts that a person wants to see as blocks, by number.
    opened: Vec<u32>,
    outside: OutsideCounts,
    /// The snapshot and the arrangement that `outside` is of.
    counted: (u64, Arrangement),
    rooms: Rooms,
    places: Places,
    /// What the goal of `places` is of: how many layouts there were, the area and the scale.
    laid_out: Option<(u64, Rect, f32)>,
    /// The shown time at which lanes were joined or split last.
    lanes_us: Option<u64>,
}

/// What a person looks at.
#[derive(Clone, Copy)]
struct Anchor {
    block: usize,
    cell: u32,
    within: (f32, f32),
    edge: f32,
}

impl Default for Field {
    fn default() -> Self {
        Self {
            cells: Cells::new(Arrangement::Territory),
            placed: Vec::new(),
            chips: Vec::new(),
            needs_refill: true,
            animation_speed: 1.0,
            step_times: StepTimes::default(),
            opened: Vec::new(),
            outside: OutsideCounts::default(),
            counted: (0, Arrangement::Territory),
            rooms: Rooms::new(Kind::Hosts),
            places: Places::default(),
            laid_out: None,
            lanes_us: None,
        }
    }
}

/// What becomes of the tasks, and when blocks move.
impl Field {
    /// Groups the mirror's tasks anew, with the flags that filter and selection give them.
    pub fn arrange(
        &mut self,
        arrangement: Arrangement,
        feed: &Feed,
        filter: &Filter,
        selection: &Selection,
        view: &View,
    ) {
        let mirror = &feed.mirror;
        self.step_times = StepTimes::of(feed.snapshots.iter().map(|snapshot| &**snapshot));
        let lanes = self.cells.lanes().next(&self.step_times);
        self.lanes_us = Some(feed.now_us);
        let is_same = self.cells.arrangement() == arrangement && self.cells.lanes() == lanes;
        self.cells = Cells::of(arrangement, lanes, mirror);
        self.cells.take_done();
        self.needs_refill = true;
        filter.apply(mirror, &mut self.cells);
        selection.mark(mirror, &mut self.cells, true);
        // Another mirror of the same time, as after a loss, changes nothing on the map.
        if !is_same || !self.rooms.is_fresh(feed.now_us) {
            self.rooms = Rooms::new(match arrangement {
                Arrangement::Territory => Kind::Hosts,
                Arrangement::Flow => Kind::Lanes,
            });
        }
        self.outside = OutsideCounts::default();
        self.counted = (0, arrangement);
        self.count_outside(feed);
        self.follow_rooms(feed);
        // Before anybody draws: the old places are of other blocks, and may be more.
        self.placed.clear();
        self.laid_out = None;
        self.lay_out(view);
    }

    /// Whether the lanes are others than the steps' times ask for, and have stood for a while.
    #[must_use]
    pub fn wants_other_lanes(&self, feed: &Feed) -> bool {
        let lanes = self.cells.lanes();
        let since = self.lanes_us.unwrap_or_default();
        self.cells.arrangement() == Arrangement::Flow
            && feed.now_us.saturating_sub(since) >= CALM_US
            && lanes.next(&self.step_times) != lanes
    }

    /// Lets breakers, counts, layout and flights follow what has arrived in `elapsed` seconds. Where
    /// the map changes under a person who looks at a part of it, the view that holds that part.
    pub fn follow(
        &mut self,
        feed: &Feed,
        view: &View,
        motion: Motion,
        elapsed: f32,
    ) -> Option<View> {
        self.mark_breakers(&feed.mirror);
        self.count_outside(feed);
        self.set_animation_speed(elapsed);
        let anchor = (!view.is_fitted()).then(|| self.anchor(view)).flatten();
        let has_changed = self.follow_rooms(feed);
        if has_changed && motion == Motion::Full && view.is_fitted() {
            self.go_to_layout(view, feed.now_us);
        }
        self.lay_out(view);
        let held = anchor.filter(|_| has_changed);
        let held = held.and_then(|anchor| self.hold(&anchor, view));
        if self.places.is_moving() {
            self.placed = self.places.at(feed.now_us);
        }
        let frame = FlightFrame {
            now_ms: millis(feed.now_us),
            speed: self.animation_speed,
            is_moving: motion == Motion::Full,
            scale: view.scale,
            placed: &self.placed,
        };
        self.cells.update_flights(&feed.mirror, frame);
        held
    }

    /// The block and cell in the middle of the view, where in the cell, in cells, and its edge.
    fn anchor(&self, view: &View) -> Option<Anchor> {
        let (x, y) = view.middle();
        let is_under = |place: &Placed| place.columns > 0 && place.rect.contains(x, y);
        let block = self.placed.iter().position(is_under)?;
        let place = &self.placed[block];
        let cell = place.cell_at(x, y)?;
        let corner = place.cell_rect(cell);
        Some(Anchor {
            block,
            cell,
            within: (
                (x - corner.left) / place.cell,
                (y - corner.top) / place.cell,
            ),
            edge: place.cell,
        })
    }

    /// The view with that cell where it was, as large as it was.
    fn hold(&self, anchor: &Anchor, view: &View) -> Option<View> {
        let place = self.placed.get(anchor.block)?;
        let corner = place.cell_rect(anchor.cell);
        let (dx, dy) = anchor.within;
        let point = (corner.left + dx * place.cell, corner.top + dy * place.cell);
        (place.columns > 0).then(|| view.held_at(point, anchor.edge / place.cell))
    }

    /// Whether the rooms have changed.
    fn follow_rooms(&mut self, feed: &Feed) -> bool {
        if self.cells.arrangement() == Arrangement::Territory
            && let Some(last) = number(feed.mirror.tables().hosts().len()).checked_sub(1)
        {
            self.cells.open_block(last);
        }
        let blocks = (0_u32..).zip(self.cells.blocks());
        let known: Vec<Known> = blocks
            .map(|(block, cells)| {
                let outside = self.outside(block, &feed.mirror);
                Known {
                    used: cells.used(),
                    resident: cells.count,
                    waiting: outside.waiting,
                    ended: outside.over(),
                    is_opened: self.opened.contains(&block),
                }
            })
            .collect();
        let sessions = feed.mirror.tables().sessions();
        let is_over = !sessions.is_empty() && feed.open_sessions().is_empty();
        self.rooms.follow(feed.now_us, &known, is_over)
    }

    /// Layouts since the tasks were grouped: what a person sees change.
    #[must_use]
    pub const fn layouts(&self) -> u64 {
        self.rooms.changes()
    }

    /// Whether a finished host's block stands as a chip.
    #[must_use]
    pub fn is_folded(&self, block: u32) -> bool {
        self.rooms.iter().nth(index(block)) == Some(Room::Folded)
    }

    /// Whether a person has opened this finished host.
    #[must_use]
    pub fn is_opened(&self, block: u32) -> bool {
        self.opened.contains(&block)
    }

    /// Makes a block of a finished host's chip, or lets it become one again.
    pub fn open(&mut self, block: u32, is_open: bool) {
        self.opened.retain(|other| *other != block);
        if is_open {
            self.opened.push(block);
        }
        self.rooms.ask();
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
            self.outside
                .update(self.cells.lanes(), arrangement, &feed.mirror, snapshots);
            let snapshots = feed.snapshots.iter().map(|snapshot| &**snapshot);
            self.step_times = StepTimes::of(snapshots);
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

    /// What the layout is of, if the area is large enough for one.
    fn layout_key(&self, view: &View) -> Option<(u64, Rect, f32)> {
        let area = view.area;
        let is_roomy = area.width() >= 40.0 && area.height() >= 40.0;
        is_roomy.then_some((self.rooms.changes(), area, view.scale))
    }

    /// Places the blocks in the view's area at once, where rooms, area or scale have changed.
    pub fn lay_out(&mut self, view: &View) {
        let key = self.layout_key(view);
        if key.is_some() && key != self.laid_out {
            self.laid_out = key;
            let goal = self.layout(view);
            self.places.set(goal.clone());
            self.placed = goal;
        }
    }

    /// The same, where blocks go to their new places from where they are.
    fn go_to_layout(&mut self, view: &View, now_us: u64) {
        let key = self.layout_key(view);
        let is_same_area =
            |old: (u64, Rect, f32)| key == Some((self.rooms.changes(), old.1, old.2));
        if self.laid_out.is_some_and(is_same_area) && !self.placed.is_empty() {
            self.laid_out = key;
            let goal = self.layout(view);
            self.places.go(&self.placed, goal, now_us);
        }
    }

    /// Places and chips of all blocks by their rooms.
    fn layout(&mut self, view: &View) -> Vec<Placed> {
        let (area, scale) = (view.area, view.scale);
        let local = Rect::new(0.0, 0.0, area.width(), area.height()).inset((4.0 * scale).round());
        let rooms: Vec<Room> = self.rooms.iter().collect();
        let cells_of = |room: &Room| match room {
            Room::Cells(cells) => Some(*cells),
            Room::None | Room::Folded => None,
        };
        let shown: Vec<u32> = rooms.iter().filter_map(cells_of).collect();
        self.chips.clear();
        let goal = match self.cells.arrangement() {
            Arrangement::Flow => layout::flow(local, &shown, self.cells.lanes(), scale),
            Arrangement::Territory => {
                let numbers = (0_u32..).zip(&rooms);
                let folded = numbers.filter(|(_, room)| **room == Room::Folded);
                let folded: Vec<u32> = folded.map(|(block, _)| block).collect();
                let (map, chips) = chips::strip(local, &folded, scale);
                self.chips = chips;
                let mut placed = treemap::territory(map, &shown, scale).into_iter();
                let mut goal = vec![Placed::default(); rooms.len()];
                for (place, room) in goal.iter_mut().zip(&rooms) {
                    if cells_of(room).is_some() {
                        *place = placed.next().unwrap_or_default();
                    }
                }
                for chip in &self.chips {
                    for block in &chip.blocks {
                        goal[index(*block)].rect = chip.rect;
                    }
                }
                goal
            }
        };
        for (block, place) in goal.iter().enumerate() {
            self.rooms.set_holds(block, place.holds());
        }
        goal
    }

    /// Whether any block or chip is there.
    #[must_use]
    pub fn shows_blocks(&self) -> bool {
        !self.chips.is_empty() || self.placed.iter().any(|place| place.columns > 0)
    }

    /// Whether blocks are on their way to other places.
    #[must_use]
    pub const fn is_moving(&self) -> bool {
        self.places.is_moving()
    }

    /// Whether this block's place shows what its host has brought, and no tasks.
    #[must_use]
    pub fn has_finished(&self, block: u32, outside: &Outside) -> bool {
        let cells = self.cells.blocks().get(index(block));
        self.cells.arrangement() == Arrangement::Territory
            && outside.waiting == 0
            && outside.over() > 0
            && cells.is_some_and(|cells| cells.count == 0)
    }

    /// Columns that a block's grid had before, while it moves and they differ; and the way done.
    #[must_use]
    pub fn old_grid(&self, block: u32, now_us: u64) -> Option<(u32, f32)> {
        let way = self.places.way(now_us)?;
        Some((self.places.old_columns(index(block))?, way))
    }

    /// Brings a task's cell into the middle of the view, at least so many screen pixels wide.
    pub fn show_task(&self, slot: u32, least: f32, view: &mut View) {
        let place = self.cells.place_of(slot);
        // Before the first layout no block has a place.
        if let Some((block, cell)) = place
            && let Some(place) = self.placed.get(index(block))
            && place.columns > 0
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
            Arrangement::Flow => self.cells.lanes().name(block),
            Arrangement::Territory => &mirror.tables().hosts()[index(block)].name,
        }
    }

    /// What of a block's tasks is outside the window.
    #[must_use]
    pub fn outside(&self, block: u32, mirror: &Mirror) -> Outside {
        match self.cells.arrangement() {
            Arrangement::Territory => {
                let hosts = mirror.tables().hosts();
                let left = self.cells.blocks().get(index(block));
                let left = left.map(|block| block.left).unwrap_or_default();
                self.outside
                    .of_host(block, &hosts[index(block)].counts, left)
            }
            Arrangement::Flow => {
                let lanes = self.cells.lanes();
                let counts = mirror.counts();
                let drawn: PhaseCounts = counts.only(|phase| lanes.lane_of(phase) == block);
                self.outside.now(block, &drawn)
            }
        }
    }
}
