use std::{fs, path::Path};

mod synthetic_crawl;

use synthetic_crawl::SyntheticCrawl;

use super::{compare::compare, *};
use crate::{
    feed::{
        frame::{Change, ChangeFrame, Frame},
        hub::{self, Item},
        mirror::Mirror,
        snapshot::Snapshot,
        task_record::TaskRecord,
    },
    model::phase::Phase,
};

fn tasks(mirror: &Mirror) -> Vec<TaskRecord> {
    mirror
        .slots()
        .filter_map(|slot| Some(mirror.task(slot)?.owned()))
        .collect()
}

/// A recording of `ticks` ticks of 20 changes each, half a second apart; its frames.
fn recorded(path: &Path, seed: u64, ticks: u64) -> Vec<ChangeFrame> {
    let mut crawl = SyntheticCrawl::new(seed);
    let mut writer = Writer::new(fs::File::create(path).unwrap()).unwrap();
    let mut frames = Vec::new();
    for n in 0..ticks {
        let frame = crawl.tick(60, 20, 500_000);
        writer.changes(&frame).unwrap();
        if n % 2 == 0 {
            let mut snapshot = Snapshot {
                seq: crawl.seq,
                at: std::time::Duration::from_micros(frame.at_us).as_secs_f64(),
                ..Snapshot::default()
            };
            snapshot.session.id = 1;
            snapshot.progress.done = n;
            writer.snapshot(&snapshot).unwrap();
        }
        frames.push(frame);
    }
    writer.flush().unwrap();
    frames
}

fn changes(recording: &Recording) -> Vec<ChangeFrame> {
    let items = recording.frames().unwrap().map_while(Result::ok);
    items
        .filter_map(|item| match item {
            Item::Changes(tick) => Some(Arc::unwrap_or_clone(tick)),
            _ => None,
        })
        .collect()
}

#[test]
fn what_was_recorded_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.crawl");
    let frames = recorded(&path, 1, 300);
    let recording = Recording::open(&path).unwrap();
    assert_eq!(changes(&recording), frames);
    assert_eq!(recording.damage(), None);
    assert_eq!(recording.end(), Duration::from_secs(150));
    let snapshots = recording
        .frames()
        .unwrap()
        .filter(|item| matches!(item, Ok(Item::Snapshot(_))));
    assert_eq!(snapshots.count(), 150);
}

#[test]
fn the_curves_of_a_whole_run_are_read_from_its_snapshots_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.crawl");
    recorded(&path, 1, 300);
    let recording = Recording::open(&path).unwrap();
    let all = recording.snapshots(usize::MAX).unwrap();
    let done: Vec<u64> = all.iter().map(|snapshot| snapshot.progress.done).collect();
    assert_eq!(done, (0..300).step_by(2).collect::<Vec<u64>>());
    let some = recording.snapshots(40).unwrap();
    assert_eq!(some.len(), 38, "every fourth");
    assert_eq!(some[1], all[4]);
}

#[test]
fn a_seek_leads_to_the_picture_of_that_moment_and_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.crawl");
    let frames = recorded(&path, 2, 300);
    let recording = Recording::open(&path).unwrap();
    for at_us in [
        0,
        499_999,
        500_000,
        29_900_000,
        31_000_000,
        90_250_000,
        150_000_000,
        u64::MAX / 2,
    ] {
        let mut expected = Mirror::default();
        for frame in frames.iter().filter(|frame| frame.at_us <= at_us) {
            expected.apply(frame);
        }
        let mut playhead = recording.seek(Duration::from_micros(at_us)).unwrap();
        assert_eq!(tasks(playhead.mirror()), tasks(&expected), "at {at_us}");
        assert_eq!(playhead.mirror().counts(), expected.counts());
        let played = playhead
            .snapshots()
            .get(&1)
            .map(|snapshot| snapshot.progress.done);
        let due = (at_us.min(150_000_000) / 500_000)
            .checked_sub(1)
            .map(|n| n / 2 * 2);
        assert_eq!(played, due, "at {at_us}");
        playhead.advance(Duration::from_secs(200), |_, _| {});
        for frame in frames.iter().filter(|frame| frame.at_us > at_us) {
            expected.apply(frame);
        }
        assert_eq!(tasks(playhead.mirror()), tasks(&expected));
        assert!(playhead.is_at_end() && playhead.damage().is_none());
        assert_eq!(playhead.mirror().nonsense(), 0);
    }
}

#[test]
fn a_recording_cut_anywhere_is_read_up_to_there() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cut) = (folder.path().join("run"), folder.path().join("cut"));
    let frames = recorded(&path, 3, 40);
    let whole = fs::read(&path).unwrap();
    let mut longest = 0;
    for len in (12..whole.len()).step_by(97) {
        fs::write(&cut, &whole[..len]).unwrap();
        let recording = Recording::open(&cut).unwrap();
        let read = changes(&recording);
        assert_eq!(read, frames[..read.len()]);
        assert!(read.len() >= longest);
        longest = read.len();
        if let Some(damage) = recording.damage() {
            assert!(damage.offset <= len as u64);
            let last = recording.frames().unwrap().last().unwrap();
            assert_eq!(last.unwrap_err(), *damage, "the reader tells it last");
        }
        drop(recording.seek(Duration::from_secs(9)).unwrap());
    }
    assert!(longest > 30);
    fs::write(&cut, &whole[..7]).unwrap();
    assert!(matches!(
        Recording::open(&cut),
        Err(RecordingError::NotRecording(_))
    ));
}

#[test]
fn a_damaged_byte_anywhere_is_seen_and_costs_only_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let (path, hurt) = (folder.path().join("run"), folder.path().join("hurt"));
    let frames = recorded(&path, 4, 80);
    let whole = fs::read(&path).unwrap();
    for at in (12..whole.len()).step_by(53) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        fs::write(&hurt, &bytes).unwrap();
        let recording = Recording::open(&hurt).unwrap();
        let read = changes(&recording);
        assert_eq!(read, frames[..read.len()], "byte {at}");
        let damage = recording.frames().unwrap().find_map(Result::err);
        // A later key frame is not even looked at by one who has followed so far.
        assert!(damage.is_some() || read == frames, "byte {at}");
        if let Some(damage) = damage {
            assert!(damage.offset <= at as u64, "byte {at}: {damage}");
            let end = read.last().map_or(0, |frame| frame.at_us);
            assert!(damage.good_until_us >= end, "byte {at}: {damage}");
        }
        let mut playhead = recording.seek(Duration::from_secs(36)).unwrap();
        assert_eq!(playhead.mirror().nonsense(), 0);
    }
}

#[test]
fn other_files_and_versions_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let text = |error: RecordingError| error.to_string().replace(&path.display().to_string(), "X");
    fs::write(&path, b"CRAWLREC\x02\0\0\0").unwrap();
    assert_eq!(
        text(Recording::open(&path).unwrap_err()),
        "recording X has version 2, this program reads version 3; use the release that made it"
    );
    fs::write(&path, b"SQLite format 3").unwrap();
    assert!(
        text(Recording::open(&path).unwrap_err()).starts_with("X is not a Crawlfield recording")
    );
    let (_feeder, hub) = hub::start().unwrap();
    let refused = Recorder::start(&path, hub.subscribe(4)).unwrap_err();
    assert!(matches!(refused, RecordingError::Exists(_)));
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        Recording::open(&path),
        Err(RecordingError::Io { .. })
    ));
}

#[test]
fn a_recorder_writes_what_the_hub_tells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.crawl");
    let (mut feeder, hub) = hub::start().unwrap();
    let recorder = Recorder::start(&path, hub.subscribe(4_096)).unwrap();
    let mut crawl = SyntheticCrawl::new(5);
    for _ in 0..200 {
        let frame = crawl.tick(100, 30, 400_000);
        feeder.send(Frame::Changes(frame));
    }
    drop(feeder);
    recorder.join().unwrap();
    let recording = Recording::open(&path).unwrap();
    let mut playhead = recording.seek(Duration::from_secs(1_000)).unwrap();
    assert_eq!(tasks(playhead.mirror()), tasks(&crawl.mirror));
}

#[test]
fn the_first_divergence_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let frames = recorded(&a, 6, 100);
    recorded(&b, 6, 100);
    let (first, same) = (Recording::open(&a).unwrap(), Recording::open(&b).unwrap());
    let equal = compare(&first, &same).unwrap();
    assert_eq!((equal.divergence, equal.damage), (None, [None, None]));
    assert_eq!(
        equal.same,
        frames
            .iter()
            .map(|tick| tick.changes.len() as u64)
            .sum::<u64>()
    );

    let write = |frames: &[ChangeFrame]| {
        let mut writer = Writer::new(fs::File::create(&b).unwrap()).unwrap();
        for frame in frames {
            writer.changes(frame).unwrap();
        }
        writer.flush().unwrap();
        compare(&first, &Recording::open(&b).unwrap())
            .unwrap()
            .divergence
            .unwrap()
    };
    let mut other = frames.clone();
    let moved = other[70]
        .changes
        .iter()
        .position(|change| matches!(change, Change::Moved(_)));
    let moved = moved.unwrap();
    if let Change::Moved(step) = &mut other[70].changes[moved] {
        step.to = Phase::Cancelled;
    }
    let found = write(&other);
    assert_eq!(found.after, other[70].seq + moved as u64);
    let second = found.second.unwrap();
    assert!(second.what.contains("→ cancelled"), "{second:?}");
    let subject = second.subject.unwrap_or_default();
    assert!(subject.contains("http://books.test/"), "{subject}");

    let found = write(&frames[..50]);
    assert_eq!((found.after, found.second), (frames[50].seq, None));

    let mut late = frames.clone();
    late[60].at_us += 3;
    assert_eq!(write(&late).after, late[60].seq, "the same but for a time");
}

#[test]
fn user_names_and_passwords_stay_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let mut writer = Writer::new(fs::File::create(&path).unwrap()).unwrap();
    let task = TaskRecord::new(0, "http://u:p@a.test/");
    let key = task.key;
    let changes = vec![Change::Admitted(Box::new(task))];
    writer
        .changes(&ChangeFrame {
            seq: 0,
            at_us: 0,
            changes,
        })
        .unwrap();
    writer.flush().unwrap();
    let mut playhead = Recording::open(&path)
        .unwrap()
        .seek(Duration::ZERO)
        .unwrap();
    let task = playhead.mirror().task(0).unwrap();
    assert_eq!((&**task.url, task.key), ("http://a.test/", key));
}

/// Only the size is judged here; `crawlfield-bench recording` tells the times.
#[test]
fn ten_thousand_changes_take_less_than_their_share_of_20_mb_a_minute() {
    let mut crawl = SyntheticCrawl::new(8);
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes).unwrap();
    for _ in 0..100 {
        let frame = crawl.tick(2_000, 600, 60_000);
        writer.changes(&frame).unwrap();
    }
    writer.flush().unwrap();
    // Six seconds' share.
    assert!(bytes.len() < 2_000_000, "{}", bytes.len());
}

#[test]
fn key_frames_are_at_most_half_of_a_recording_however_large_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.crawl");
    let mut crawl = SyntheticCrawl::new(9);
    let mut writer = Writer::new(fs::File::create(&path).unwrap()).unwrap();
    // Ten minutes of twenty changes a second in a window of twenty thousand tasks.
    writer
        .changes(&crawl.tick(20_000, 60_000, 1_000_000))
        .unwrap();
    for _ in 0..600 {
        writer.changes(&crawl.tick(20_000, 20, 1_000_000)).unwrap();
    }
    writer.flush().unwrap();
    let recording = Recording::open(&path).unwrap();
    let bytes = |is_key: bool| -> u64 {
        let chunks = recording.chunks.iter();
        chunks
            .filter(|chunk| {
                matches!(
                    chunk.head.kind,
                    chunk::Kind::KeyStart | chunk::Kind::KeyPart
                ) == is_key
            })
            .map(|chunk| chunk.head.len())
            .sum()
    };
    let (keys, rest) = (bytes(true), bytes(false));
    assert!(keys > 0 && keys <= rest * 11 / 10, "{keys} of {rest}");
}
