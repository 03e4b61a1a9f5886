//! What the viewer knows and how it is looked at: the mirror, the board, the view, the choices.

use bevy::prelude::Resource;
use crawlfield_engine::{feed::mirror::Mirror, model::phase::BreakerPhase};

use crate::{
    field::{
        board::{Arrangement, Board},
        flights::Air,
        heaps::Heaps,
        layout::{self, Placed, Rect, Trim},
        view::View,
    },
    numbers::{float, index, millis, narrow, number, wide},
    sieve::Sieve,
    source::{Link, News, Source},
    theme::ThemeName,
};

mod blocks;
mod picked;

pub use picked::Picked;

/// How much moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Motion {
    /// Nothing; states are told by colour and shape.
    None,
    /// Rings only.
    Reduced,
    /// Everything.
    #[default]
    Full,
}

/// Choices of the person who looks.
#[derive(Debug, Clone)]
pub struct Choices {
    /// Colours.
    pub theme: ThemeName,
    /// Motion.
    pub motion: Motion,
    /// A bit for each sign shown in full.
    pub signs: u32,
    /// A bit for each stage shown in full.
    pub stages: u32,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            theme: ThemeName::Dark,
            motion: Motion::Full,
            signs: u32::MAX,
            stages: u32::MAX,
        }
    }
}

/// All of it.
#[derive(Resource)]
pub struct Show {
    /// Where it comes from.
    pub source: Source,
    /// The tasks.
    pub mirror: Mirror,
    /// Their cells.
    pub board: Board,
    /// What came besides.
    pub news: News,
    /// Pan and zoom.
    pub view: View,
    /// Where blocks stand, in the board's order.
    pub placed: Vec<Placed>,
    /// Choices.
    pub choices: Choices,
    /// Which tasks are shown in full.
    pub sieve: Sieve,
    /// Tasks that a person works with.
    pub picked: Picked,
    /// The shown time in microseconds of engine time.
    pub now_us: u64,
    /// The texture must be filled anew.
    pub refill: bool,
    hurry: f32,
    heaps: Heaps,
    heaped: (u64, Arrangement),
    laid_out: (u64, Rect, f32),
    scale: f32,
    is_fitted: bool,
}

/// Cells that get the full pop before animations shorten, as a rate a second.
const CALM_POPS: f32 = 4.0;

impl Show {
    /// Nothing yet.
    #[must_use]
    pub fn new(source: Source, choices: Choices) -> Self {
        let start_us = match &source {
            Source::Replay(replay) => Some(replay.span_us().0),
            _ => None,
        };
        let mut show = Self {
            source,
            mirror: Mirror::tracking(),
            board: Board::new(Arrangement::Territory),
            news: News::default(),
            view: View::fit(Rect::default()),
            placed: Vec::new(),
            choices,
            now_us: start_us.unwrap_or(0),
            sieve: Sieve::default(),
            picked: Picked::default(),
            refill: true,
            hurry: 1.0,
            heaps: Heaps::default(),
            heaped: (0, Arrangement::Territory),
            laid_out: (u64::MAX, Rect::default(), 1.0),
            scale: 1.0,
            is_fitted: true,
        };
        if let Some(start_us) = start_us
            && show.seek(start_us).is_err()
        {
            show.news.link = Link::Ended;
        }
        show
    }

    /// Takes what has come up to `now_us`, which becomes the shown time.
    pub fn advance(&mut self, now_us: u64) {
        let elapsed = wide(now_us.saturating_sub(self.now_us)) / 1e6;
        self.now_us = now_us;
        self.source
            .receive(now_us, &mut self.mirror, &mut self.news);
        let touched = self.mirror.take_dirty();
        if core::mem::take(&mut self.news.is_new) {
            self.forget_departed(&touched);
            self.arrange(self.board.arrangement());
        } else {
            self.forget_departed(&touched);
            self.board.follow(&self.mirror, &touched);
            self.sieve.sift(&self.mirror, &mut self.board, &touched);
        }
        self.wall_off();
        self.heap_up();
        self.pace(narrow(elapsed));
        self.board.widen();
        self.lay_out();
        let placed = core::mem::take(&mut self.placed);
        let air = Air {
            now_ms: millis(now_us),
            hurry: self.hurry,
            is_moving: self.choices.motion == Motion::Full,
            scale: self.scale,
            placed: &placed,
        };
        self.board.steer(&self.mirror, air);
        self.placed = placed;
    }

    fn wall_off(&mut self) {
        if self.board.arrangement() == Arrangement::Flow {
            let hosts = self.mirror.tables().hosts().iter();
            let is_open: Vec<bool> = hosts
                .map(|host| host.breaker == BreakerPhase::Open)
                .collect();
            self.board.hold_back(&self.mirror, &is_open);
        }
    }

    fn heap_up(&mut self) {
        let key = (self.news.told, self.board.arrangement());
        if self.heaped != key {
            let snapshots = self.news.snapshots.iter().map(|snapshot| &**snapshot);
            self.heaps = Heaps::of(self.board.arrangement(), &self.mirror, snapshots);
            self.heaped = key;
        }
    }

    /// Pixels a point.
    #[must_use]
    pub const fn scale(&self) -> f32 {
        self.scale
    }

    /// Goes to another time of a recording, within its bounds.
    ///
    /// # Errors
    /// The source holds only the present, or cannot be read again.
    pub fn seek(&mut self, at_us: u64) -> Result<(), String> {
        let at_us = match &self.source {
            Source::Replay(replay) => at_us.clamp(replay.span_us().0, replay.span_us().1),
            _ => at_us,
        };
        let picked = self.picked_keys();
        self.source.seek(at_us, &mut self.mirror, &mut self.news)?;
        self.keep_keys(&picked);
        self.now_us = at_us;
        self.advance(at_us);
        Ok(())
    }

    /// Plays a recording's next item; the clock goes there.
    pub fn step(&mut self) {
        if let Some(at_us) = self.source.step(&mut self.mirror, &mut self.news) {
            self.advance(at_us.max(self.now_us));
        }
    }

    /// Groups the tasks anew.
    pub fn arrange(&mut self, arrangement: Arrangement) {
        self.board = Board::of(arrangement, &self.mirror);
        self.board.take_done();
        self.refill = true;
        self.sift();
        self.picked.mark(&self.mirror, &mut self.board, true);
        // Before anybody draws: the old places are of other blocks, and may be more.
        self.placed.clear();
        self.laid_out.0 = u64::MAX;
        self.lay_out();
    }

    /// Applies a changed filter to all tasks; how many pass.
    pub fn sift(&mut self) -> u64 {
        self.sieve.sift_all(&self.mirror, &mut self.board)
    }

    /// Durations shrink as completions per cell grow, so that the picture never lags.
    fn pace(&mut self, elapsed: f32) {
        let done = narrow(wide(self.board.take_done()));
        if elapsed > 0.0 {
            let cells = float(self.board.blocks().iter().map(|block| block.count).sum()).max(1.0);
            let wanted = (done / elapsed / cells * 64.0 / CALM_POPS).clamp(1.0, 8.0);
            self.hurry += (wanted - self.hurry) * (elapsed * 2.0).min(1.0);
        }
    }

    /// Gives the field its rectangle on the screen; `scale` is pixels a point.
    pub fn set_area(&mut self, area: Rect, scale: f32) {
        if self.view.area == area && (self.scale - scale).abs() < f32::EPSILON {
            return;
        }
        self.scale = scale;
        if self.is_fitted {
            self.view = View::fit(area);
        } else {
            self.view.area = area;
        }
        self.lay_out();
    }

    /// All of the field again.
    pub fn fit(&mut self) {
        self.view = View::fit(self.view.area);
        self.is_fitted = true;
    }

    /// The person moved the view.
    pub fn unfit(&mut self) {
        self.is_fitted = false;
    }

    fn lay_out(&mut self) {
        let area = self.view.area;
        let key = (self.board.shape(), area, self.scale);
        if self.laid_out == key || area.width() < 40.0 || area.height() < 40.0 {
            return;
        }
        self.laid_out = key;
        let local =
            Rect::new(0.0, 0.0, area.width(), area.height()).inset((4.0 * self.scale).round());
        let shown: Vec<u32> = self
            .board
            .blocks()
            .iter()
            .map(|block| block.shown)
            .collect();
        self.placed = match self.board.arrangement() {
            Arrangement::Territory => layout::territory(local, &shown, self.scale),
            Arrangement::Flow => flow(local, &shown, self.scale),
        };
    }

    /// How much faster animations run.
    #[must_use]
    pub const fn hurry(&self) -> f32 {
        self.hurry
    }
}

/// The breaker is open.
pub const FLAG_OPEN: u32 = 1;
/// The breaker lets probes through.
pub const FLAG_HALF_OPEN: u32 = 2;
/// The session is paused.
pub const FLAG_HELD: u32 = 4;
/// Drawn dimmer.
pub const FLAG_FADED: u32 = 8;

/// Five lanes above, waiting and dead letters below.
fn flow(area: Rect, shown: &[u32], scale: f32) -> Vec<Placed> {
    const ABOVE: [f32; 5] = [2.4, 1.5, 1.2, 1.0, 1.6];
    const BELOW: [f32; 2] = [2.0, 1.4];
    let trim = Trim::full(scale);
    let split = number(ABOVE.len());
    debug_assert_eq!(shown.len(), ABOVE.len() + BELOW.len());
    let top = Rect {
        bottom: (area.top + area.height() * 0.68).round(),
        ..area
    };
    let bottom = Rect {
        top: (top.bottom + trim.gap).round(),
        ..area
    };
    let (above, below) = shown.split_at(index(split));
    let mut placed = layout::lanes(top, &trim, above, &ABOVE);
    placed.extend(layout::lanes(bottom, &trim, below, &BELOW));
    placed
}
