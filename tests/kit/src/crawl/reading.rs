//! What a scenario reads of its crawl: moves, requests, counts, records, results.

use std::time::Duration;

use crawlfield_engine::{
    message::orders::Purpose,
    model::phase::{Phase, SessionPhase},
};
use expect_test::Expect;
use serde_json::Value as Json;

use crate::{crawl::Crawl, full, transcript::Fact};

impl Crawl {
    /// Compares the moves of tasks with the snapshot.
    pub fn expect(&self, moves: &Expect) {
        let mut text = self.transcript.moves.join("\n");
        text.push('\n');
        moves.assert_eq(&text);
    }

    /// The moves of one page: to which state, when.
    #[must_use]
    pub fn moves_of(&self, page: &str) -> Vec<&Fact> {
        let facts = self.transcript.facts.iter();
        facts.filter(|fact| fact.page == page).collect()
    }

    /// The states that one page went through.
    #[must_use]
    pub fn path(&self, page: &str) -> Vec<&'static str> {
        let moves = self.moves_of(page);
        moves.iter().map(|fact| fact.to.name()).collect()
    }

    /// Where a page stands by its last move.
    #[must_use]
    pub fn phase(&self, page: &str) -> Option<Phase> {
        self.moves_of(page).last().map(|fact| fact.to)
    }

    /// When pages of a host were asked for.
    #[must_use]
    pub fn asked_of(&self, host: &str) -> Vec<Duration> {
        let asked = self.backend.asked.iter();
        asked
            .filter(|asked| asked.host == host && asked.purpose == Purpose::Page)
            .map(|asked| asked.at)
            .collect()
    }

    /// How often this was asked for.
    #[must_use]
    pub fn times_asked(&self, url: &str) -> usize {
        let url = full(url);
        let asked = self.backend.asked.iter();
        asked.filter(|asked| asked.url == url).count()
    }

    /// Pages of the first session in this state.
    #[must_use]
    pub fn count(&self, phase: Phase) -> u64 {
        let book = self.jobs[0]
            .session
            .and_then(|id| self.engine.ledger().book(id));
        book.map_or(0, |book| book.total[phase as usize])
    }

    /// Records saved of the first site's kind.
    #[must_use]
    pub fn saved(&self) -> usize {
        self.backend.store.records(&self.jobs[0].site.name, "item")
    }

    /// Whether a page's record is saved.
    #[must_use]
    pub fn has_record(&self, page: &str) -> bool {
        let site = &self.jobs[0].site.name;
        self.backend
            .store
            .record(site, "item", &full(page))
            .is_some()
    }

    /// The start URLs of the first session.
    #[must_use]
    pub fn start_urls(&self) -> &[String] {
        &self.jobs[0].start
    }

    /// Where the first session is.
    #[must_use]
    pub fn session_phase(&self) -> Option<SessionPhase> {
        let id = self.jobs[0].session?;
        let sessions = self.engine.sessions();
        let found = sessions.iter().find(|(of, ..)| *of == id)?;
        Some(found.1)
    }

    /// The first session's result document.
    #[must_use]
    pub fn result(&self) -> Json {
        let id = self.session();
        let sessions = self.engine.sessions();
        let found = sessions.into_iter().find(|(of, ..)| *of == id);
        found.and_then(|(.., result)| result).unwrap_or_default()
    }
}
