//! What a recording costs: bytes a minute with a usual and with a large window, and the way to any
//! moment of an hour.

use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Options,
    table::{Bound, Row, Table},
};
use crate::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Move},
        recording::{Recording, Writer},
        snapshot::Snapshot,
        task_record::TaskRecord,
    },
    model::{ids::SessionId, phase::Phase},
};

const TICK_CHANGES: u32 = 100;
const TICK_US: u64 = 10_000;

pub(super) fn measure(options: &Options, folder: &Path) -> Result<Table, String> {
    let minutes = if options.quick { 5 } else { 60 };
    let path = folder.join("hour.crawl");
    let usual = record(&path, 100_000, minutes)?;
    let begin = Instant::now();
    let recording = Recording::open(&path).map_err(|error| error.to_string())?;
    let open = millis(begin);
    let begin = Instant::now();
    let curves = recording
        .snapshots(4_096)
        .map_err(|error| error.to_string())?;
    let read = millis(begin);
    if curves.is_empty() {
        return Err("the recording holds no snapshots".to_owned());
    }
    let mut slowest: f64 = 0.0;
    for n in 1..=40_u64 {
        // Just before a key frame may be due, at its worst, and anywhere.
        let at = recording.duration().mul_f64(place(n)) + recording.start();
        let begin = Instant::now();
        let mut playhead = recording.seek(at).map_err(|error| error.to_string())?;
        slowest = slowest.max(millis(begin));
        if playhead.mirror().len() < 50_000 {
            return Err(format!("the picture at {at:?} is not whole"));
        }
    }
    fs::remove_file(&path).ok();
    let path = folder.join("large.crawl");
    let window = options.million();
    let large = record(&path, window, if options.quick { 2 } else { 10 })?;
    fs::remove_file(&path).ok();
    Ok(Table {
        name: "recording",
        title: "10,000 changes a second, recorded".to_owned(),
        rows: vec![
            Row::figure("MB a minute, 100000 tasks in the window", usual)
                .bound(Bound::AtMost(20.0)),
            Row::figure(format!("MB a minute, {window} tasks in the window"), large)
                .bound(Bound::AtMost(20.0)),
            Row::figure(format!("ms to open {minutes} minutes"), open),
            Row::figure("ms to read its curves", read),
            Row::figure("ms to seek, the slowest of 40", slowest).bound(Bound::AtMost(250.0)),
        ],
    })
}

fn millis(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e3
}

/// Places spread over a recording by the golden section, as shares.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn place(n: u64) -> f64 {
    (n as f64 * 0.618_033_988_749_895).fract()
}

/// Writes a recording of so many minutes; megabytes a minute, without the first filling of the
/// window.
#[expect(clippy::cast_precision_loss, reason = "bytes of a file")]
fn record(path: &Path, window: u32, minutes: u64) -> Result<f64, String> {
    let failed = |error: std::io::Error| format!("cannot record to {}: {error}", path.display());
    let mut writer = Writer::new(File::create(path).map_err(failed)?).map_err(failed)?;
    let mut crawl = Crawl::new(window);
    writer.changes(&crawl.opening()).map_err(failed)?;
    writer.flush().map_err(failed)?;
    let filled = fs::metadata(path).map_err(failed)?.len();
    for tick in 1..=minutes * 60_000_000 / TICK_US {
        writer.changes(&crawl.tick()).map_err(failed)?;
        if tick % (1_000_000 / TICK_US) == 0 {
            writer.snapshot(&crawl.snapshot()).map_err(failed)?;
        }
    }
    writer.flush().map_err(failed)?;
    let bytes = fs::metadata(path).map_err(failed)?.len() - filled;
    Ok(bytes as f64 / 1e6 / minutes as f64)
}

/// An endless crawl: each task lives its seven moves, leaves, and another takes its slot.
struct Crawl {
    phase: Vec<u8>,
    dice: u64,
    seq: u64,
    at_us: u64,
    born: u64,
}

impl Crawl {
    fn new(window: u32) -> Self {
        Self {
            phase: vec![7; window as usize],
            dice: 1,
            seq: 0,
            at_us: 0,
            born: 0,
        }
    }

    fn frame(&mut self, changes: Vec<Change>) -> ChangeFrame {
        let seq = self.seq;
        self.seq += changes.len() as u64;
        self.at_us += TICK_US;
        ChangeFrame {
            seq,
            at_us: self.at_us,
            changes,
        }
    }

    fn opening(&mut self) -> ChangeFrame {
        let mut changes = vec![Change::SessionAdmitted {
            session: SessionId(1),
            site: Arc::from("books"),
            source: None,
            stages: vec![Arc::from("detail")],
        }];
        let window = u32::try_from(self.phase.len()).unwrap_or(u32::MAX);
        changes.extend((0..window).map(|slot| self.next(slot)));
        self.frame(changes)
    }

    /// Slots at random, so that tasks are in all phases at any time.
    fn tick(&mut self) -> ChangeFrame {
        let window = self.phase.len() as u64;
        let changes = (0..TICK_CHANGES).map(|_| {
            self.dice = self
                .dice
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(1);
            let slot = (self.dice >> 33) % window;
            self.next(u32::try_from(slot).unwrap_or(0))
        });
        let changes = changes.collect();
        self.frame(changes)
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            seq: self.seq,
            at: Duration::from_micros(self.at_us).as_secs_f64(),
            ..Snapshot::default()
        };
        snapshot.session.id = 1;
        snapshot.progress.done = self.born;
        snapshot.hosts = vec![crate::feed::snapshot::HostInfo::default(); 64];
        snapshot
    }

    fn next(&mut self, slot: u32) -> Change {
        use Phase::{Done, Fetched, Fetching, Parsed, Parsing, Queued, Saving};
        const LIFE: [Phase; 7] = [Queued, Fetching, Fetched, Parsing, Parsed, Saving, Done];
        let phase = &mut self.phase[slot as usize];
        *phase += 1;
        match *phase {
            7 => Change::Left { slot },
            8.. => {
                *phase = 0;
                self.born += 1;
                let url = format!("http://books.test/catalogue/item_{}/", self.born * 7_919);
                Change::Admitted(Box::new(TaskRecord::new(slot, &url)))
            }
            at => Change::Moved(Move {
                slot,
                from: LIFE[usize::from(at - 1)],
                to: LIFE[usize::from(at)],
                attempts: 0,
                detail: if at % 2 == 1 {
                    Detail::Began {
                        expect_ms: Some((200 + slot % 97, 120, 400)),
                    }
                } else {
                    Detail::Took {
                        ms: 150 + slot % 211,
                        bytes: u64::from(slot % 30_011),
                    }
                },
            }),
        }
    }
}
