//! The records of a page that has ended, read from the store beside the engine.

use std::path::{Path, PathBuf};

use bevy_egui::egui::{Button, Label, RichText, Ui};
use crawlfield_engine::{model::ids::PageKey, progress::safe, run::records_of};
use crossbeam_channel::Receiver;
use serde_json::Value as Json;

use super::style::Style;
use crate::background::in_background;

/// Fields of a record that are shown.
const FIELDS: usize = 40;
/// Letters of a value that are kept.
const VALUE: usize = 2_000;
/// Records of a page that are kept.
const RECORDS: usize = 500;

/// A record's kind, and its fields as text.
type ShownRecord = (String, Vec<(String, String)>);

/// What was read of a page: its records, as many as are kept, and how many there are.
#[derive(Debug, Default)]
struct Read {
    records: Vec<ShownRecord>,
    count: usize,
}

/// The records of the page that is shown, once they are read.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Where records are read from, where that is at hand.
    store: Option<PathBuf>,
    page: Option<PageKey>,
    /// The thread that reads.
    reading: Option<Receiver<Result<Read, String>>>,
    read: Option<Result<Read, String>>,
    /// Which record is shown, from 0.
    at: usize,
}

impl Records {
    /// Records of this store.
    pub(super) fn of(store: Option<PathBuf>) -> Self {
        Self {
            store,
            ..Self::default()
        }
    }

    /// Where they are read from, where that is at hand.
    pub(super) fn store(&self) -> Option<&Path> {
        self.store.as_deref()
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
            self.at = 0;
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
            Some(Ok(read)) => draw_record(ui, style, read, &mut self.at),
        }
    }
}

/// One record, and the way to the others of its page.
fn draw_record(ui: &mut Ui, style: &Style, read: &Read, at: &mut usize) {
    let Some((kind, fields)) = read.records.get(*at) else {
        return;
    };
    style.section(ui, &format!("Record: {kind}"));
    let kept = read.records.len();
    if kept > 1 {
        ui.horizontal(|ui| {
            if ui.add_enabled(*at > 0, Button::new("⏴").small()).clicked() {
                *at -= 1;
            }
            let is_more = *at + 1 < kept;
            if ui.add_enabled(is_more, Button::new("⏵").small()).clicked() {
                *at += 1;
            }
            let text = if kept < read.count {
                format!("{} of {} (the first {kept} are shown)", *at + 1, read.count)
            } else {
                format!("{} of {kept}", *at + 1)
            };
            ui.label(RichText::new(text).small().color(style.faint()));
        });
    }
    for (name, value) in fields {
        style.pair(ui, name, value.as_str()).on_hover_text(value);
    }
}

/// Reads a page's records in a thread of its own; `None` where the system has none to spare.
fn read(store: &Path, url: &str) -> Option<Receiver<Result<Read, String>>> {
    let (store, url) = (store.to_owned(), url.to_owned());
    in_background("records", move || {
        let found = records_of(&store, &url).map_err(|error| error.to_string());
        found.map(|found| Read {
            count: found.len(),
            records: found.into_iter().take(RECORDS).map(shown).collect(),
        })
    })
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
            let kept: String = text.chars().take(VALUE).collect();
            (safe(&name), safe(&kept))
        })
        .collect();
    (safe(&kind), fields)
}

#[cfg(test)]
mod tests {
    use bevy_egui::egui::{Context, RawInput, Shape};

    use super::*;
    use crate::theme::ThemeName;

    fn texts(shape: &Shape, into: &mut Vec<String>) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| texts(shape, into)),
            Shape::Text(text) => into.push(text.galley.text().to_owned()),
            _ => {}
        }
    }

    /// What is written where the record `at` of so many is shown; the first three are kept.
    fn written(at: usize, count: usize) -> Vec<String> {
        let record = |n| {
            (
                "item".to_owned(),
                vec![("name".to_owned(), format!("lamp {n}"))],
            )
        };
        let read = Read {
            records: (0..3.min(count)).map(record).collect(),
            count,
        };
        let ctx = Context::default();
        let style = Style::of(&mut None, &ctx, ThemeName::Dark, true);
        let mut at = at;
        let mut full = ctx.run_ui(RawInput::default(), |ui| {
            draw_record(ui, &style, &read, &mut at);
        });
        full.textures_delta.clear();
        let mut into = Vec::new();
        for clipped in &full.shapes {
            texts(&clipped.shape, &mut into);
        }
        into
    }

    #[test]
    fn the_records_of_a_page_are_shown_one_by_one_with_their_count() {
        let has = |at, count, text: &str| written(at, count).iter().any(|each| each == text);
        assert!(has(0, 3, "1 of 3") && has(0, 3, "lamp 0"));
        assert!(has(2, 3, "3 of 3") && has(2, 3, "lamp 2"));
        assert!(has(1, 9, "2 of 9 (the first 3 are shown)"));
        assert!(!has(0, 1, "1 of 1") && has(0, 1, "lamp 0"));
    }
}
