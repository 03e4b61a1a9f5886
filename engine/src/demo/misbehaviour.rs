//! What goes wrong with the nth request of a URL: a pure function of the configuration.

use std::time::Duration;

use super::{
    chance::Dice,
    config::{BAD_IN_A_ROW, DemoConfig},
    story::Trouble,
};

/// How one request is treated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Treatment {
    /// How long the answer takes.
    pub(super) delay: Duration,
    /// What happens instead of an answer.
    pub(super) fault: Option<Misbehaviour>,
}

/// What happens instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misbehaviour {
    /// A status without a page.
    Status(u16),
    /// The connection is reset before a byte.
    Reset,
    /// The head and half of the body, then the end.
    Cut,
}

/// What is wrong with a list page that is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ListQuirks {
    /// So many cards are missing.
    pub(super) missing: u32,
    /// The first card stands a second time in place of the last.
    pub(super) repeated: bool,
    /// The last card is the first of the next page.
    pub(super) drifted: bool,
    /// So many pages fewer are shown; pages beyond them hold nothing.
    pub(super) fewer_pages: u32,
    /// The pagination marks the page before or after as current.
    pub(super) wrong_active: bool,
    /// The cards stand in another order, by this seed.
    pub(super) order: Option<u64>,
}

/// A request, as chance sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageRequest<'a> {
    /// Host and path with query.
    pub(super) url: &'a str,
    /// How many requests of this URL were answered before.
    pub(super) nth: u32,
    /// Whether it is a list page.
    pub(super) is_list: bool,
    /// Whether its host is one of the slow ones.
    pub(super) is_slow: bool,
    /// What its host suffers now.
    pub(super) trouble: Option<Trouble>,
}

impl PageRequest<'_> {
    fn dice(&self, config: &DemoConfig, purpose: &str) -> Dice {
        Dice::new(Dice::new(config.seed, purpose).bits(), self.url).about(u64::from(self.nth))
    }

    /// Whether this request must be answered well, so that retries reach everything.
    fn is_spared(&self) -> bool {
        self.nth % (BAD_IN_A_ROW + 1) == BAD_IN_A_ROW
    }

    /// How long the answer takes, and what happens instead of it.
    pub(super) fn treatment(&self, config: &DemoConfig) -> Treatment {
        let slowness = if self.is_list { 3.0 } else { 1.0 } * if self.is_slow { 10.0 } else { 1.0 };
        let slowness = slowness * self.trouble.map_or(1.0, Trouble::slowness);
        let median = Duration::from_millis(config.latency_ms);
        let spread = self.dice(config, "latency").spread(0.5);
        Treatment {
            delay: median.mul_f64(slowness * spread),
            fault: self.fault(config),
        }
    }

    fn fault(&self, config: &DemoConfig) -> Option<Misbehaviour> {
        if self.trouble == Some(Trouble::Outage) {
            return Some(Misbehaviour::Status(503));
        }
        let error_rate = self.trouble.and_then(Trouble::error_rate);
        let error_rate = error_rate.unwrap_or(config.error_rate);
        if self.is_spared() || !self.dice(config, "fault").hits(error_rate) {
            return None;
        }
        let faults = [
            Misbehaviour::Status(503),
            Misbehaviour::Status(503),
            Misbehaviour::Status(500),
            Misbehaviour::Status(502),
            Misbehaviour::Reset,
            Misbehaviour::Cut,
        ];
        self.dice(config, "kind of fault").pick(&faults).copied()
    }

    /// What is wrong with list page `page` of `pages`, which holds `cards` cards. Never more than
    /// one thing that hides cards, and the last page always shows all of its own: a crawler could
    /// not tell that they are missing.
    pub(super) fn list_quirks(
        &self,
        config: &DemoConfig,
        page: u32,
        pages: u32,
        cards: u32,
    ) -> ListQuirks {
        let hits = |purpose, share| self.dice(config, purpose).hits(share);
        let mut quirks = ListQuirks {
            wrong_active: hits("wrong active", config.wrong_active),
            order: config
                .reorder
                .then(|| self.dice(config, "order of cards").bits()),
            ..ListQuirks::default()
        };
        if self.is_spared() {
            return quirks;
        }
        let fewer = pages.div_ceil(80).min(pages.saturating_sub(2));
        let first_look = page == 1 && self.nth == 0;
        let hidden = page > pages - fewer && hits("hidden page", 0.5);
        if config.shrink && (first_look || hidden || hits("fewer pages", 0.05)) {
            let is_kept = page <= pages - fewer;
            if is_kept || hidden {
                quirks.fewer_pages = fewer;
                return quirks;
            }
        }
        let is_last = page >= pages;
        if is_last || cards < 2 {
            return quirks;
        }
        if hits("short page", config.short_pages) {
            let most = cards as usize - 1;
            let missing = 1 + self.dice(config, "missing cards").below(most);
            quirks.missing = u32::try_from(missing).unwrap_or(1);
        } else if hits("repeated card", config.repeated_cards) {
            quirks.repeated = true;
        } else if hits("drift", config.drift) {
            quirks.drifted = true;
        }
        quirks
    }
}

/// Puts cards into the order of this seed.
pub(super) fn shuffle(cards: &mut [u32], order: u64) {
    let dice = Dice::new(order, "shuffle");
    for place in (1..cards.len()).rev() {
        cards.swap(place, dice.about(place as u64).below(place + 1));
    }
}

#[cfg(test)]
mod tests;
