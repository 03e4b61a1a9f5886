//! The records of a page that has ended, read from the store beside the engine.

use std::{
    path::{Path, PathBuf},
    thread,
};

use bevy_egui::egui::{Label, RichText, Ui};
use crawlfield_engine::{model::ids::PageKey, progress::safe, run::records_of};
use crossbeam_channel::{Receiver, bounded};
use serde_json::Value as Json;

use super::style::Style;

/// Fields of a record that are shown.
const FIELDS: usize = 40;
/// Records of a page that are shown.
const RECORDS: usize = 3;

/// A record's kind, and its fields as text.
type ShownRecord = (String, Vec<(String, String)>);

/// The records of the page that is shown, once they are read.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Where records are read from, where that is at hand.
    store: Option<PathBuf>,
    page: Option<PageKey>,
    /// The thread that reads.
    reading: Option<Receiver<Result<Vec<ShownRecord>, String>>>,
    read: Option<Result<Vec<ShownRecord>, String>>,
}

impl Records {
    /// Records of this store.
    pub(super) fn of(store: Option<PathBuf>) -> Self {
        Self {
            store,
            ..Self::default()
        }
    }

    pub(super) const fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// The records of this page, where there is a store to read them from.
    pub(super) fn draw(&mut self, ui: &mut Ui, style: &Style, page: PageKey, url: &str) {
        let Some(store) = &self.store else {
            return;
        };
        if self.page != Some(page) {
            self.page = Some(page);
            self.read = None;
            self.reading = read(store, url);
        }
        if let Some(reading) = &self.reading
            && let Ok(read) = reading.try_recv()
        {
            self.read = Some(read);
            self.reading = None;
        }
        match &self.read {
            None => {}
            Some(Err(why)) => {
                let text = RichText::new(safe(why)).small().color(style.faint());
                ui.add(Label::new(text).wrap());
            }
            Some(Ok(records)) => {
                for (kind, fields) in records {
                    style.section(ui, &format!("Record: {kind}"));
                    for (name, value) in fields {
                        style.pair(ui, name, value.as_str()).on_hover_text(value);
                    }
                }
            }
        }
    }
}

/// Reads a page's records in a thread of its own; `None` where the system has none to spare.
fn read(store: &Path, url: &str) -> Option<Receiver<Result<Vec<ShownRecord>, String>>> {
    let (sender, receiver) = bounded(1);
    let (store, url) = (store.to_owned(), url.to_owned());
    let read = move || {
        let found = records_of(&store, &url).map_err(|error| error.to_string());
        let shown = found.map(|found| found.into_iter().take(RECORDS).map(shown).collect());
        // Nobody waits any more where another task was chosen meanwhile.
        sender.send(shown).ok();
    };
    let thread = thread::Builder::new().name("records".to_owned());
    thread.spawn(read).ok().map(|_| receiver)
}

/// A record as it is shown, safe to show.
fn shown((kind, fields): (String, serde_json::Map<String, Json>)) -> ShownRecord {
    let fields = fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .filter(|(name, _)| !name.starts_with('_') || name == "_source")
        .take(FIELDS)
        .map(|(name, value)| {
            let text = match value {
                Json::String(text) => text,
                other => other.to_string(),
            };
            (safe(&name), safe(&text))
        })
        .collect();
    (safe(&kind), fields)
}
