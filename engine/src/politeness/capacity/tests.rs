use super::*;

const CEILINGS: Ceilings = Ceilings {
    http: 32,
    cpu: 2,
    parse_queue: 64,
    save_queue: 512,
    parse_memory: 1 << 30,
    store_bytes: 64 << 20,
    memory: None,
};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What fits in after one second with these sums.
fn after(parsed: u64, each: Duration, saved: u64, has_backlog: bool) -> Capacities {
    let mut gauge = Gauge::default();
    gauge.look(secs(0), Sums::default(), false);
    let sums = Sums {
        parsed,
        parsing: each * u32::try_from(parsed).expect("few"),
        saved,
        bytes: saved * 100_000,
    };
    gauge.look(secs(1), sums, has_backlog);
    gauge.capacities(&CEILINGS)
}

#[test]
fn nothing_measured_leaves_the_ceilings() {
    let free = Gauge::default().capacities(&CEILINGS);
    let whole = Capacities {
        http: 32,
        parse_queue: 64,
        save_queue: 512,
        parse_memory: 1 << 30,
        store_bytes: 64 << 20,
        is_pressed: false,
    };
    assert_eq!(free, whole);
    assert_eq!(after(500, Duration::from_millis(2), 500, false), whole);
}

#[test]
fn a_queue_holds_what_the_next_step_does_in_a_second() {
    assert_eq!(
        after(10, Duration::from_millis(100), 10, false).parse_queue,
        20
    );
    assert_eq!(
        after(1, secs(9), 1, false).parse_queue,
        4,
        "two for each worker"
    );
    let slow = after(100, Duration::from_millis(2), 90, true);
    assert_eq!((slow.save_queue, slow.store_bytes), (90, 9_000_000));
    let stuck = after(100, Duration::from_millis(2), 0, true);
    assert_eq!((stuck.save_queue, stuck.store_bytes), (4, 4 << 20));
}

#[test]
fn a_store_that_keeps_up_again_gets_its_queue_back() {
    let mut gauge = Gauge::default();
    let mut sums = Sums::default();
    gauge.look(secs(0), sums, false);
    sums.saved = 50;
    gauge.look(secs(1), sums, true);
    assert_eq!(gauge.capacities(&CEILINGS).save_queue, 50);
    for second in 2..=5 {
        sums.saved += 60;
        gauge.look(secs(second), sums, false);
    }
    assert_eq!(gauge.capacities(&CEILINGS).save_queue, 512);
}

#[test]
fn work_in_flight_shrinks_before_the_memory_is_full() {
    let rows = [
        (50, 32, false),
        (80, 32, false),
        (85, 21, true),
        (90, 10, true),
        (95, 1, true),
        (140, 1, true),
    ];
    for (used, http, is_pressed) in rows {
        let mut gauge = Gauge::default();
        gauge.set_memory(used << 20, 100 << 20);
        let fits = gauge.capacities(&CEILINGS);
        assert_eq!((fits.http, fits.is_pressed), (http, is_pressed), "{used} %");
        assert!(fits.parse_memory >= 1 && fits.parse_queue >= 1 && fits.save_queue >= 1);
    }
}

#[test]
fn the_lower_limit_counts() {
    let mut gauge = Gauge::default();
    gauge.set_memory(90 << 20, 1 << 40);
    assert!(!gauge.capacities(&CEILINGS).is_pressed);
    let set = Ceilings {
        memory: Some(100 << 20),
        ..CEILINGS
    };
    assert!(gauge.capacities(&set).is_pressed);
}
