//! The records of a page that has ended, read from the store beside the engine.

use std::thread;

use bevy_egui::egui::{Label, RichText, Ui};
use crawlfield_engine::{model::ids::PageKey, progress::safe, run::records_of};
use crossbeam_channel::{Receiver, bounded};
use serde_json::Value as Json;

use super::Desk;

/// Fields of a record that are shown.
const FIELDS: usize = 40;
/// Records of a page that are shown.
const RECORDS: usize = 3;

/// A record's kind, and its fields as text.
type Shown = (String, Vec<(String, String)>);

/// What was read of one page.
#[derive(Debug, Default)]
pub(super) struct Records {
    page: Option<PageKey>,
    waiting: Option<Receiver<Result<Vec<Shown>, String>>>,
    read: Option<Result<Vec<Shown>, String>>,
}

impl Records {
    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// The records of this page; the first call reads them in a thread of its own.
    fn of(
        &mut self,
        store: &std::path::Path,
        page: PageKey,
        url: &str,
    ) -> Option<&Result<Vec<Shown>, String>> {
        if self.page != Some(page) {
            self.page = Some(page);
            self.read = None;
            let (sender, receiver) = bounded(1);
            let (store, url) = (store.to_owned(), url.to_owned());
            let read = move || {
                let found = records_of(&store, &url).map_err(|error| error.to_string());
                let shown = found.map(|found| found.into_iter().take(RECORDS).map(shown).collect());
                // Nobody waits any more where another task was chosen meanwhile.
                sender.send(shown).ok();
            };
            self.waiting = thread::Builder::new()
                .name("records".to_owned())
                .spawn(read)
                .ok()
                .map(|_| receiver);
        }
        if let Some(waiting) = &self.waiting
            && let Ok(read) = waiting.try_recv()
        {
            self.read = Some(read);
            self.waiting = None;
        }
        self.read.as_ref()
    }
}

fn shown((kind, fields): (String, serde_json::Map<String, Json>)) -> Shown {
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

/// The records of a page, where there is a store to read them from.
pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>, page: PageKey, url: &str) {
    let Some(store) = desk.panels.store.clone() else {
        return;
    };
    let Some(read) = desk.panels.records.of(&store, page, url) else {
        return;
    };
    match read {
        Err(why) => {
            let text = RichText::new(safe(why)).small().color(desk.look.faint());
            ui.add(Label::new(text).wrap());
        }
        Ok(records) => {
            for (kind, fields) in records {
                desk.look.section(ui, &format!("Record: {kind}"));
                for (name, value) in fields {
                    desk.look
                        .pair(ui, name, value.as_str())
                        .on_hover_text(value);
                }
            }
        }
    }
}
