//! Readings of this very process.

use std::{hint::black_box, io::Write, thread};

use super::*;

#[test]
fn a_reading_shows_this_process_and_what_was_received() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("a.db");
    let received = Arc::new(AtomicU64::new(5));
    let mut meter = Meter::new(Arc::clone(&received), Some(&database));
    let first = meter.read();
    assert_eq!((first.cpu_cores, first.received_per_second), (None, None));
    assert_eq!((first.received_bytes, first.disk_bytes), (5, None));
    assert!(first.rss_bytes.is_some_and(|bytes| bytes > 1 << 20));
    fs::write(&database, [0; 100]).unwrap();
    let wal = fs::File::create(folder.path().join("a.db-wal"));
    wal.unwrap().write_all(&[0; 11]).unwrap();
    received.store(1_005, Ordering::Relaxed);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(100) {
        black_box(received.load(Ordering::Relaxed));
    }
    let second = meter.read();
    assert_eq!(
        (second.received_bytes, second.disk_bytes),
        (1_005, Some(111))
    );
    assert!(second.cpu_cores.is_some_and(|cores| cores > 0.0));
    assert!(
        second
            .received_per_second
            .is_some_and(|rate| rate > 0.0 && rate <= 10_000.0)
    );
}

#[test]
fn the_cpu_time_of_a_named_thread_is_found() {
    let name = "a-thread-with-a-long-name";
    let busy = thread::Builder::new().name(name.to_owned());
    let found = busy
        .spawn(move || {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(20) {
                black_box(began);
            }
            cpu_of_threads(name)
        })
        .unwrap()
        .join()
        .unwrap();
    if cfg!(target_os = "linux") {
        assert!(found.is_some_and(|time| !time.is_zero()));
    }
    assert_eq!(cpu_of_threads("no-such-thread"), None);
}
