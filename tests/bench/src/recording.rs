//! What a recording costs: bytes a minute with a usual and with a large window, and the way to any
//! moment of an hour.

use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use crawlfield_engine::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Move},
        recording::{Recording, Writer},
        snapshot::{HostInfo, Snapshot},
        task_record::TaskRecord,
    },
    model::{ids::SessionId, phase::Phase},
};

use crate::{
    Options, Result,
    table::{Part, Row},
    timing::millis_since,
};

const TICK_CHANGES: u32 = 100;
const TICK_US: u64 = 10_000;
/// Ticks of a second.
const SECOND: u64 = 1_000_000 / TICK_US;

pub(crate) fn measure(options: &Options) -> Result<Part> {
    let path = options.file("hour.crawl");
    let usual_window = options.pick(100_000, 100_000, 1_000);
    let seconds = options.pick(60 * 60, 5 * 60, 10);
    let usual = record(&path, usual_window, seconds)?;
    let began = Instant::now();
    let recording = Recording::open(&path)?;
    let open = millis_since(began);
    let began = Instant::now();
    let curves = recording.snapshots(4_096)?;
    let read = millis_since(began);
    if curves.is_empty() {
        return Err("the recording holds no snapshots".into());
    }
    let mut slowest: f64 = 0.0;
    for n in 1..=40_u8 {
        // Places spread over the recording by the golden section: just before a key frame may be
        // due, at its worst, and anywhere.
        let place = (f64::from(n) * 0.618_033_988_749_895).fract();
        let at = recording.duration().mul_f64(place) + recording.start();
        let began = Instant::now();
        let mut playhead = recording.seek(at)?;
        slowest = slowest.max(millis_since(began));
        if playhead.mirror().len() < u64::from(usual_window / 2) {
            return Err(format!("the picture at {at:?} is not whole").into());
        }
    }
    fs::remove_file(&path)?;
    let path = options.file("large.crawl");
    let window = options.pick(1_000_000, 100_000, 5_000);
    let large = record(&path, window, options.pick(10 * 60, 2 * 60, 5))?;
    fs::remove_file(&path)?;
    Ok(Part {
        title: "10,000 changes a second, recorded".to_owned(),
        rows: vec![
            Row::figure(
                format!("MB a minute, {usual_window} tasks in the window"),
                usual,
            )
            .at_most(20.0),
            Row::figure(format!("MB a minute, {window} tasks in the window"), large).at_most(20.0),
            Row::figure(format!("ms to open {} minutes", seconds / 60), open),
            Row::figure("ms to read its curves", read),
            Row::figure("ms to seek, the slowest of 40", slowest).at_most(250.0),
        ],
    })
}

/// Writes a recording of so many seconds; megabytes a minute, without the first filling of the
/// window.
fn record(path: &Path, window: u32, seconds: u64) -> Result<f64> {
    let mut writer = Writer::new(File::create(path)?)?;
    let mut crawl = Crawl::new(window);
    writer.changes(&crawl.opening())?;
    writer.flush()?;
    let filled = fs::metadata(path)?.len();
    for tick in 1..=seconds * SECOND {
        writer.changes(&crawl.tick())?;
        if tick % SECOND == 0 {
            writer.snapshot(&crawl.snapshot())?;
        }
    }
    writer.flush()?;
    let bytes = fs::metadata(path)?.len() - filled;
    Ok(bytes as f64 / 1e6 * 60.0 / seconds as f64)
}

/// An endless crawl: each task lives its seven moves, leaves, and another takes its slot.
struct Crawl {
    /// Of each slot: moves made in this life, 8 where it is empty.
    moves: Vec<u8>,
    dice: u64,
    seq: u64,
    at_us: u64,
    admitted: u64,
}

impl Crawl {
    fn new(window: u32) -> Self {
        Self {
            moves: vec![7; window as usize],
            dice: 1,
            seq: 0,
            at_us: 0,
            admitted: 0,
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
        let window = self.moves.len() as u32;
        changes.extend((0..window).map(|slot| self.next(slot)));
        self.frame(changes)
    }

    /// Slots at random, so that tasks are in all phases at any time.
    fn tick(&mut self) -> ChangeFrame {
        let window = self.moves.len() as u64;
        let changes = (0..TICK_CHANGES).map(|_| {
            let dice = self.dice.wrapping_mul(0x5851_f42d_4c95_7f2d);
            self.dice = dice.wrapping_add(1);
            self.next(((self.dice >> 33) % window) as u32)
        });
        let changes = changes.collect();
        self.frame(changes)
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            seq: self.seq,
            at: Duration::from_micros(self.at_us).as_secs_f64(),
            hosts: vec![HostInfo::default(); 64],
            ..Snapshot::default()
        };
        snapshot.session.id = 1;
        snapshot.progress.done = self.admitted;
        snapshot
    }

    fn next(&mut self, slot: u32) -> Change {
        use Phase::{Done, Fetched, Fetching, Parsed, Parsing, Queued, Saving};
        const LIFE: [Phase; 7] = [Queued, Fetching, Fetched, Parsing, Parsed, Saving, Done];
        let moves = &mut self.moves[slot as usize];
        *moves += 1;
        match *moves {
            7 => Change::Left { slot },
            8.. => {
                *moves = 0;
                self.admitted += 1;
                let url = format!(
                    "http://books.test/catalogue/item_{}/",
                    self.admitted * 7_919
                );
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
