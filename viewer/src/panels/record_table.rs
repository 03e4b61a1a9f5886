//! The records of the store as a table, a part at a time.

use std::{
    fs::File,
    io::{BufWriter, ErrorKind},
    path::{Path, PathBuf},
};

use bevy_egui::egui::{Button, Grid, Label, RichText, ScrollArea, Ui};
use crawlfield_engine::{
    progress::safe,
    run::{RecordRows, export_jsonl, kinds_of, rows_of},
};
use crossbeam_channel::Receiver;

use super::{PendingCommands, format, style::Style};
use crate::{background::in_background, feed::Feed, history::Severity};

/// Records of one part.
const PART: u32 = 50;
/// Letters of a value that are shown.
const LETTERS: usize = 48;

/// A kind of records and the site that it is of.
type Kind = (String, String);

/// What is read in one go: the kinds, and a part of the chosen one.
#[derive(Debug, Clone, Default)]
struct Part {
    kinds: Vec<Kind>,
    /// The chosen kind, by its number.
    kind: usize,
    /// The number of the first record of the part.
    from: u64,
    rows: RecordRows,
}

/// The table: what was read last, and what is being read.
#[derive(Debug, Default)]
pub(super) struct RecordTable {
    /// Kind, first record and saved records that `part` is of.
    asked: Option<(usize, u64, u64)>,
    reading: Option<Receiver<Result<Part, String>>>,
    part: Option<Result<Part, String>>,
    /// The chosen kind, and the first record that is shown.
    kind: usize,
    from: u64,
    exporting: Option<Receiver<Result<String, String>>>,
}

impl RecordTable {
    pub(super) const fn is_busy(&self) -> bool {
        self.reading.is_some() || self.exporting.is_some()
    }

    /// The table of this store's records.
    pub(super) fn draw(&mut self, ui: &mut Ui, style: &Style, feed: &Feed, store: Option<&Path>) {
        let Some(store) = store else {
            let text = "the records of a recording are in the store that it was made with";
            ui.label(RichText::new(text).color(style.faint()));
            return;
        };
        self.read(store, feed);
        // Taken for as long as it is drawn: what is pressed changes what is read next.
        let part = self.part.take();
        match &part {
            None => {}
            Some(Err(why)) => {
                let text = RichText::new(safe(why)).color(style.faint());
                ui.add(Label::new(text).wrap());
            }
            Some(Ok(part)) if part.kinds.is_empty() => {
                let text = RichText::new("no record has been saved yet");
                ui.label(text.color(style.faint()));
            }
            Some(Ok(part)) => {
                self.controls(ui, style, part);
                rows(ui, style, &part.rows);
            }
        }
        self.part = part;
    }

    /// Reads what is to be shown, where that is another part or other records by now.
    fn read(&mut self, store: &Path, feed: &Feed) {
        if let Some(reading) = &self.reading
            && let Ok(part) = reading.try_recv()
        {
            self.part = Some(part);
            self.reading = None;
        }
        let saved = feed.snapshots.iter().map(|one| one.progress.records).sum();
        let wanted = (self.kind, self.from, saved);
        if self.reading.is_none() && self.asked != Some(wanted) {
            self.asked = Some(wanted);
            let (kind, from) = (self.kind, self.from);
            let store = store.to_owned();
            self.reading = in_background("records", move || part_of(&store, kind, from));
        }
    }

    fn controls(&mut self, ui: &mut Ui, style: &Style, part: &Part) {
        ui.horizontal(|ui| {
            for (at, (kind, site)) in part.kinds.iter().enumerate() {
                let text = format!("{} ({})", safe(kind), safe(site));
                if ui.selectable_label(part.kind == at, text).clicked() {
                    (self.kind, self.from) = (at, 0);
                }
            }
            let shown = part.rows.rows.len() as u64;
            let total = part.rows.total;
            let text = format!(
                "{} to {} of {}",
                format::count((part.from + 1).min(total)),
                format::count(part.from + shown),
                format::count(total)
            );
            ui.label(RichText::new(text).color(style.faint()));
            let step = u64::from(PART);
            if ui.add_enabled(part.from > 0, Button::new("◀")).clicked() {
                self.from = part.from.saturating_sub(step);
            }
            let has_more = part.from + shown < total;
            if ui.add_enabled(has_more, Button::new("▶")).clicked() {
                self.from = part.from + step;
            }
        });
    }

    /// Begins to write all records into this folder.
    pub(super) fn export(&mut self, store: Option<&Path>) {
        if let Some(store) = store
            && self.exporting.is_none()
        {
            let store = store.to_owned();
            self.exporting = in_background("records", move || export(&store, Path::new("")));
        }
    }

    /// Tells what became of an export.
    pub(super) fn receive(&mut self, commands: &mut PendingCommands) {
        if let Some(exporting) = &self.exporting
            && let Ok(told) = exporting.try_recv()
        {
            self.exporting = None;
            match told {
                Ok(text) => commands.notify(Severity::Good, text),
                Err(why) => commands.notify(Severity::Bad, format!("export: {}", safe(&why))),
            }
        }
    }
}

fn part_of(store: &Path, kind: usize, from: u64) -> Result<Part, String> {
    let kinds = kinds_of(store).map_err(|error| error.to_string())?;
    let kind = kind.min(kinds.len().saturating_sub(1));
    let rows = match kinds.get(kind) {
        Some((name, site)) => {
            rows_of(store, (name, site), from, PART).map_err(|error| error.to_string())?
        }
        None => RecordRows::default(),
    };
    Ok(Part {
        kinds,
        kind,
        from,
        rows,
    })
}

fn rows(ui: &mut Ui, style: &Style, part: &RecordRows) {
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        Grid::new("records")
            .striped(true)
            .spacing([14.0, 2.0])
            .show(ui, |ui| {
                for name in &part.columns {
                    ui.label(RichText::new(safe(name)).small().color(style.faint()));
                }
                ui.end_row();
                for row in &part.rows {
                    for value in row {
                        let value = safe(value);
                        let mut short: String = value.chars().take(LETTERS).collect();
                        let is_cut = short.len() < value.len();
                        if is_cut {
                            short.push('…');
                        }
                        let label = ui.add(Label::new(short).extend());
                        if is_cut {
                            label.on_hover_text(value);
                        }
                    }
                    ui.end_row();
                }
            });
    });
}

/// Writes each kind of records into a new file of this folder; what was written, in words.
fn export(store: &Path, folder: &Path) -> Result<String, String> {
    let kinds = kinds_of(store).map_err(|error| error.to_string())?;
    let mut written = Vec::new();
    for (kind, site) in kinds {
        let (path, file) = new_file(folder, &format!("{site}-{kind}"))?;
        let mut out = BufWriter::new(file);
        let count = export_jsonl(store, &kind, Some(&site), &mut out);
        let count = count.map_err(|error| error.to_string())?;
        written.push(format!("{} in {}", format::count(count), path.display()));
    }
    if written.is_empty() {
        return Err("the store has no records".to_owned());
    }
    Ok(format!("exported records: {}", written.join(", ")))
}

/// A file that was not there before.
fn new_file(folder: &Path, name: &str) -> Result<(PathBuf, File), String> {
    // Site and kind are identifiers; whatever else they might be stays out of the path.
    let name: String = name
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    for number in 1..1_000 {
        let path = match number {
            1 => folder.join(format!("{name}.jsonl")),
            _ => folder.join(format!("{name}-{number}.jsonl")),
        };
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
    Err(format!("{name}.jsonl and 998 more are there already"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_never_overwrites_and_its_name_stays_in_the_folder() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let names: Vec<PathBuf> = (0..2)
            .map(|_| {
                new_file(folder.path(), "../shop-product")
                    .expect("it can be made")
                    .0
            })
            .collect();
        let wanted = ["---shop-product.jsonl", "---shop-product-2.jsonl"];
        assert_eq!(names, wanted.map(|name| folder.path().join(name)));
    }
}
