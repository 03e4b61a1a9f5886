//! Titles of pages that are near: what their links carried, read from the store beside the engine for
//! those that are looked at, and for no others.

use std::{collections::HashMap, path::PathBuf};

use bevy::prelude::{App, Resource};
use crawlfield_engine::{model::ids::PageKey, run::titles_of};
use crossbeam_channel::Receiver;

use crate::background::in_background;

/// No title is known.
pub fn plugin(app: &mut App) {
    app.init_resource::<Titles>();
}

/// Titles kept; beyond them all are forgotten, and read again where they are looked at.
const KEPT: usize = 20_000;
/// Titles read in one go.
const BATCH: usize = 512;

/// What a store said of some pages: each page that was asked for, with its title if it has one.
type Answer = Vec<(PageKey, Option<String>)>;

/// What pages are known by, as their links carried it: not safe to show.
#[derive(Resource, Debug, Default)]
pub struct Titles {
    /// Where they are read from, where that is at hand.
    store: Option<PathBuf>,
    /// Carried fields that the site file calls labels.
    labels: Vec<String>,
    known: HashMap<PageKey, Option<String>>,
    reading: Option<Receiver<Answer>>,
}

impl Titles {
    /// Of this store's pages.
    #[must_use]
    pub fn of(store: Option<PathBuf>, labels: Vec<String>) -> Self {
        Self {
            store,
            labels,
            ..Self::default()
        }
    }

    /// A page's title, where it is known.
    #[must_use]
    pub fn get(&self, page: PageKey) -> Option<&str> {
        self.known.get(&page)?.as_deref()
    }

    /// Whether it is known whether the page has a title.
    #[must_use]
    pub fn knows(&self, page: PageKey) -> bool {
        self.store.is_none() || self.known.contains_key(&page)
    }

    /// Takes what was read, and reads the titles of these pages next.
    pub fn read(&mut self, wanted: &[PageKey]) {
        if let Some(reading) = &self.reading {
            let Ok(read) = reading.try_recv() else {
                return;
            };
            if self.known.len() > KEPT {
                self.known.clear();
            }
            self.known.extend(read);
            self.reading = None;
        }
        let Some(store) = self.store.clone().filter(|_| !wanted.is_empty()) else {
            return;
        };
        let pages: Vec<PageKey> = wanted.iter().take(BATCH).copied().collect();
        let labels = self.labels.clone();
        self.reading = in_background("titles", move || {
            // Without an answer they are asked for no more: a title is no more than a comfort.
            let found = titles_of(&store, &pages, &labels).unwrap_or_default();
            let mut found: HashMap<PageKey, String> = found.into_iter().collect();
            let all = pages.into_iter().map(|page| (page, found.remove(&page)));
            all.collect()
        });
    }

    /// Whether titles are being read.
    #[must_use]
    pub const fn is_reading(&self) -> bool {
        self.reading.is_some()
    }
}
