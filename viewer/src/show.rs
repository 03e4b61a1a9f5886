//! What the viewer knows and how it is looked at: the mirror, the board, the view, the choices.

use bevy::prelude::Resource;
use crawlfield_engine::feed::{
    frame::{BreakerPhase, SessionPhase},
    mirror::Mirror,
};

use crate::{
    field::{
        board::{Arrangement, Board},
        layout::{self, Placed, Rect},
        view::View,
    },
    numbers::{float, index, millis, narrow, number, wide},
    replay::Playback,
    source::{Link, News, Source},
    theme::ThemeName,
};

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
    /// The shown time in microseconds of engine time.
    pub now_us: u64,
    /// The texture must be filled anew.
    pub refill: bool,
    /// How a recording is played; `None` where the source is the present.
    pub playback: Option<Playback>,
    hurry: f32,
    laid_out: (u64, Rect),
    is_fitted: bool,
}

/// Cells that get the full pop before animations shorten, as a rate a second.
const CALM_POPS: f32 = 4.0;

impl Show {
    /// Nothing yet.
    #[must_use]
    pub fn new(source: Source, choices: Choices) -> Self {
        let playback = match &source {
            Source::Replay(replay) => Some(Playback::new(replay.span_us())),
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
            now_us: playback.map_or(0, |playback| playback.start_us),
            refill: true,
            playback,
            hurry: 1.0,
            laid_out: (u64::MAX, Rect::default()),
            is_fitted: true,
        };
        if let Some(playback) = playback
            && show.seek(playback.start_us).is_err()
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
            self.arrange(self.board.arrangement());
        } else {
            self.board.follow(&self.mirror, &touched);
        }
        self.pace(narrow(elapsed));
        self.board.widen();
        self.lay_out();
        let placed = core::mem::take(&mut self.placed);
        let clock = millis(now_us);
        let is_moving = self.choices.motion == Motion::Full;
        self.board
            .flights
            .steer(clock, self.hurry, is_moving, &placed);
        self.placed = placed;
    }

    /// Goes to another time of a recording, within its bounds.
    ///
    /// # Errors
    /// The source holds only the present, or cannot be read again.
    pub fn seek(&mut self, at_us: u64) -> Result<(), String> {
        let bounds = self
            .playback
            .map_or((0, u64::MAX), |p| (p.start_us, p.end_us));
        let at_us = at_us.clamp(bounds.0, bounds.1);
        self.source.seek(at_us, &mut self.mirror, &mut self.news)?;
        self.now_us = at_us;
        self.advance(at_us);
        Ok(())
    }

    /// Plays a recording's next item; the clock goes there.
    pub fn step(&mut self) {
        let Source::Replay(replay) = &mut self.source else {
            return;
        };
        let (item, at_us) = replay.step(&mut self.mirror);
        if let Some(item) = item {
            self.news.take(item);
        }
        self.advance(at_us.max(self.now_us));
    }

    /// Groups the tasks anew.
    pub fn arrange(&mut self, arrangement: Arrangement) {
        self.board = Board::of(arrangement, &self.mirror);
        self.board.take_done();
        self.refill = true;
        self.laid_out.0 = u64::MAX;
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

    /// Gives the field its rectangle on the screen.
    pub fn set_area(&mut self, area: Rect) {
        if self.view.area == area {
            return;
        }
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
        let key = (self.board.shape(), area);
        if self.laid_out == key || area.width() < 40.0 || area.height() < 40.0 {
            return;
        }
        self.laid_out = key;
        let local = Rect::new(0.0, 0.0, area.width(), area.height()).inset(4.0);
        let shown: Vec<u32> = self
            .board
            .blocks()
            .iter()
            .map(|block| block.shown)
            .collect();
        self.placed = match self.board.arrangement() {
            Arrangement::Territory => layout::territory(local, &shown),
            Arrangement::Flow => flow(local, &shown),
        };
    }

    /// How much faster animations run.
    #[must_use]
    pub const fn hurry(&self) -> f32 {
        self.hurry
    }

    /// Flags of a block for the shader.
    #[must_use]
    pub fn block_flags(&self, block: u32) -> u32 {
        let is_held = self
            .mirror
            .tables()
            .sessions()
            .iter()
            .all(|session| session.phase == SessionPhase::Paused)
            && !self.mirror.tables().sessions().is_empty();
        let held = u32::from(is_held) * FLAG_HELD;
        if self.board.arrangement() == Arrangement::Flow {
            return held;
        }
        match self
            .mirror
            .tables()
            .hosts()
            .get(index(block))
            .map(|host| host.breaker)
        {
            Some(BreakerPhase::Open) => held | FLAG_OPEN | FLAG_FADED,
            Some(BreakerPhase::HalfOpen) => held | FLAG_HALF_OPEN,
            _ => held,
        }
    }

    /// What a block is called.
    #[must_use]
    pub fn block_name(&self, block: u32) -> &str {
        match self.board.arrangement() {
            Arrangement::Flow => crate::field::board::LANES[index(block)],
            Arrangement::Territory => self
                .mirror
                .tables()
                .hosts()
                .get(index(block))
                .map_or("", |host| &host.name),
        }
    }

    /// A host's line of the snapshots, by its place in the mirror's tables.
    #[must_use]
    pub fn host_info(&self, block: u32) -> Option<&crawlfield_engine::feed::snapshot::HostInfo> {
        let id = self.mirror.tables().hosts().get(index(block))?.id;
        self.news
            .snapshots
            .iter()
            .flat_map(|snapshot| &snapshot.hosts)
            .find(|info| info.id == id.0)
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
fn flow(area: Rect, shown: &[u32]) -> Vec<Placed> {
    const ABOVE: [f32; 5] = [2.4, 1.5, 1.2, 1.0, 1.6];
    const BELOW: [f32; 2] = [2.0, 1.4];
    let split = number(ABOVE.len());
    debug_assert_eq!(shown.len(), ABOVE.len() + BELOW.len());
    let top = Rect {
        bottom: area.top + area.height() * 0.68,
        ..area
    };
    let bottom = Rect {
        top: top.bottom + layout::GAP,
        ..area
    };
    let (above, below) = shown.split_at(index(split));
    let mut placed = layout::lanes(top, above, &ABOVE);
    placed.extend(layout::lanes(bottom, below, &BELOW));
    placed
}
