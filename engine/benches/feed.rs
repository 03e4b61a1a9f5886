//! What the feed costs: handing over a frame, mirroring it, recording it, seeking in it.
//!
//! Prints one line a question. Ten thousand changes a second, a window of 100,000 tasks.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::{
    fs::File,
    sync::Arc,
    time::{Duration, Instant},
};

use crawlfield_engine::{
    feed::{
        frame::{Birth, Change, ChangeFrame, Detail, Frame, Move},
        hub::{self, Item},
        key,
        mirror::Mirror,
        recording::{Recording, Writer},
    },
    model::{
        ids::{BatchId, HostId, PageKey, SessionId, StageId},
        phase::Phase,
    },
};

const WINDOW: u32 = 100_000;
const TICK_CHANGES: u32 = 100;
const TICK_US: u64 = 10_000;
/// Engine time of the recording; an hour would differ only in the length of the scan.
const SECONDS: u64 = 300;

/// An endless crawl: each task lives its seven moves, leaves, and another takes its slot.
struct Crawl {
    phase: Vec<u8>,
    dice: u64,
    seq: u64,
    at_us: u64,
    born: u64,
}

impl Crawl {
    fn new() -> Self {
        Self {
            phase: vec![7; WINDOW as usize],
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
        let mut changes = vec![Change::SessionBorn {
            session: SessionId(1),
            site: Arc::from("books"),
            source: None,
            stages: vec![Arc::from("detail")],
        }];
        changes.extend((0..WINDOW).map(|slot| self.next(slot)));
        self.frame(changes)
    }

    fn tick(&mut self) -> ChangeFrame {
        let changes = (0..TICK_CHANGES).map(|_| {
            // Slots at random, so that tasks are in all phases at any time.
            self.dice = self
                .dice
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(1);
            let slot = (self.dice >> 33) % u64::from(WINDOW);
            self.next(u32::try_from(slot).expect("below the window"))
        });
        let changes = changes.collect();
        self.frame(changes)
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
                Change::Admitted(Box::new(Birth {
                    slot,
                    key: PageKey::new("books", "detail", &url),
                    url: url.as_str().into(),
                    session: SessionId(1),
                    stage: StageId(0),
                    batch: BatchId(0),
                    host: HostId(1),
                    phase: Queued,
                    attempts: 0,
                }))
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

fn report(question: &str, took: Duration, per: u32) {
    println!("{question:<58} {:>12.3?}", took / per.max(1));
}

fn mirror_and_hub() {
    let mut crawl = Crawl::new();
    let mut mirror = Mirror::tracking();
    mirror.apply(&crawl.opening());
    let frames: Vec<ChangeFrame> = (0..10_000).map(|_| crawl.tick()).collect();
    let begin = Instant::now();
    for frame in &frames {
        mirror.apply(frame);
    }
    report("mirror: one change", begin.elapsed(), 10_000 * TICK_CHANGES);
    let begin = Instant::now();
    let parts = key::cut(&mirror);
    report("key frame of 100,000 tasks: cut", begin.elapsed(), 1);
    let begin = Instant::now();
    let mut copy = Mirror::default();
    for part in &parts {
        copy.apply_key(part);
    }
    report("key frame of 100,000 tasks: apply", begin.elapsed(), 1);

    for subscribers in [0, 1, 4] {
        let (mut feeder, hub) = hub::start().expect("a thread");
        let readers: Vec<_> = (0..subscribers)
            .map(|_| {
                let inbox = hub.subscribe(1_024);
                std::thread::spawn(move || {
                    while !matches!(
                        inbox.recv_timeout(Duration::from_secs(9)),
                        Some(Item::Closed)
                    ) {}
                })
            })
            .collect();
        let frames = frames.clone();
        let begin = Instant::now();
        for frame in frames {
            feeder.send(Frame::Changes(frame));
        }
        let took = begin.elapsed();
        let question = format!("feeder: one frame of 100 changes, {subscribers} subscribers");
        report(&question, took, 10_000);
        println!("{:<58} {:>12}", "  changes coalesced", feeder.coalesced());
        drop(feeder);
        for reader in readers {
            reader.join().expect("a reader ends with the feed");
        }
    }
}

fn recording() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.crawl");
    let mut writer = Writer::new(File::create(&path)?)?;
    let mut crawl = Crawl::new();
    writer.changes(&crawl.opening())?;
    let ticks = u32::try_from(SECONDS * 1_000_000 / TICK_US)?;
    let mut took = Duration::ZERO;
    for _ in 0..ticks {
        let frame = crawl.tick();
        let begin = Instant::now();
        writer.changes(&frame)?;
        took += begin.elapsed();
    }
    writer.flush()?;
    report("recording: one change", took, ticks * TICK_CHANGES);
    let kilobytes = std::fs::metadata(&path)?.len() / 1_000;
    let a_minute = kilobytes * 60 / SECONDS;
    println!(
        "{:<58} {a_minute:>9} kB",
        "recording: a minute of 10,000 changes a second"
    );
    let begin = Instant::now();
    let recording = Recording::open(&path)?;
    report(
        "open: scan of five minutes (an hour: twelve times)",
        begin.elapsed(),
        1,
    );
    let mut worst = Duration::ZERO;
    for at in [1, 29, 59, 61, 149, 239, 269, 299] {
        let begin = Instant::now();
        let mut playhead = recording.seek(Duration::from_secs(at))?;
        worst = worst.max(begin.elapsed());
        assert!(playhead.mirror().len() > 80_000);
    }
    report("seek: the slowest of eight", worst, 1);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    mirror_and_hub();
    recording()
}
