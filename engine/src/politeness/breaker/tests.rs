use proptest::prelude::*;

use super::*;
use crate::settings::Settings;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn breaker() -> Breaker {
    Breaker::new(Settings::default().breaker, 1, 1)
}

/// Feeds outcomes at `now`; true where the last one tripped it.
fn feed(breaker: &mut Breaker, now: Duration, outcomes: &[Health]) -> bool {
    let mut last = None;
    for health in outcomes {
        last = breaker.on_outcome(now, now, *health);
    }
    last.is_some_and(|moved| moved.to == BreakerPhase::Open)
}

/// Trips it and returns when it opens.
fn trip(breaker: &mut Breaker, now: Duration) -> Duration {
    assert!(feed(breaker, now, &[Health::Bad; 20]));
    breaker.open_until().expect("just tripped")
}

#[test]
fn fewer_than_the_minimum_sample_never_trip() {
    let mut breaker = breaker();
    assert!(!feed(&mut breaker, at(0), &[Health::Bad; 19]));
    assert!(feed(&mut breaker, at(0), &[Health::Bad]));
}

#[test]
fn a_rate_below_half_never_trips() {
    let mut breaker = breaker();
    for _ in 0..100 {
        assert!(!feed(
            &mut breaker,
            at(0),
            &[Health::Good, Health::Good, Health::Bad]
        ));
    }
}

#[test]
fn a_fifth_of_failures_does_not_trip_it_wherever_they_fall() {
    for seed in 0..20 {
        let mut breaker = breaker();
        for count in 0..1_000 {
            let roll = chance::unit(seed, Draw::Breaker, 1, count) % 5;
            let health = if roll == 0 { Health::Bad } else { Health::Good };
            assert!(!feed(&mut breaker, at(0), &[health]), "{seed} {count}");
        }
    }
}

#[test]
fn neutral_outcomes_do_not_count() {
    let mut breaker = breaker();
    assert!(!feed(&mut breaker, at(0), &[Health::Neutral; 50]));
    assert_eq!(breaker.sample(), (0, 0));
}

#[test]
fn old_outcomes_do_not_count() {
    let mut breaker = breaker();
    feed(&mut breaker, at(0), &[Health::Bad; 19]);
    assert!(!feed(&mut breaker, at(121), &[Health::Bad]));
}

#[test]
fn while_open_nothing_passes_then_one_probe_at_a_time_and_three_successes_close() {
    let mut breaker = breaker();
    let until = trip(&mut breaker, at(10));
    assert_eq!(breaker.permit(at(11)), Permission::Until(until));
    let moved = breaker.on_sent(until).expect("half open");
    assert_eq!(
        (moved.from, moved.to),
        (BreakerPhase::Open, BreakerPhase::HalfOpen)
    );
    for probe in 0..3 {
        assert_eq!(breaker.permit(until), Permission::ProbesOut);
        let moved = breaker.on_outcome(until, until, Health::Good);
        assert_eq!(moved.is_some(), probe == 2);
        if probe < 2 {
            assert_eq!(breaker.permit(until), Permission::Probe);
            breaker.on_sent(until);
        }
    }
    assert_eq!(breaker.permit(until), Permission::Yes);
}

#[test]
fn a_failed_probe_opens_it_for_twice_as_long() {
    let mut breaker = breaker();
    let first = trip(&mut breaker, at(0));
    breaker.on_sent(first);
    breaker.on_outcome(first, first, Health::Bad);
    let second = breaker
        .open_until()
        .expect("open again")
        .saturating_sub(first);
    assert!((at(27)..=at(33)).contains(&first), "{first:?}");
    assert!((at(54)..=at(66)).contains(&second), "{second:?}");
}

/// Sends and ends probes one after another; where the breaker is then.
fn probe(breaker: &mut Breaker, now: Duration, outcomes: &[Health]) -> BreakerPhase {
    for health in outcomes {
        assert_eq!(breaker.permit(now), Permission::Probe);
        breaker.on_sent(now);
        breaker.on_outcome(now, now, *health);
    }
    breaker.phase()
}

#[test]
fn a_failed_probe_among_good_ones_is_judged_by_the_rate() {
    use Health::{Bad, Good};
    let mut breaker = breaker();
    let until = trip(&mut breaker, at(0));
    let phase = probe(&mut breaker, until, &[Good, Bad, Good, Bad, Good]);
    assert_eq!(phase, BreakerPhase::Closed);
    let mut breaker = self::breaker();
    let first = trip(&mut breaker, at(0));
    let phase = probe(&mut breaker, first, &[Good, Bad, Bad]);
    assert_eq!(phase, BreakerPhase::Open);
    let again = breaker.open_until().expect("open").saturating_sub(first);
    assert!((at(27)..=at(33)).contains(&again), "not doubled: {again:?}");
}

#[test]
fn the_open_time_is_capped_and_forgiven() {
    let mut breaker = breaker();
    let mut now = trip(&mut breaker, at(0));
    for _ in 0..40 {
        breaker.on_sent(now);
        breaker.on_outcome(now, now, Health::Bad);
        let until = breaker.open_until().expect("open");
        assert!(until.saturating_sub(now) <= at(900));
        now = until;
    }
    for _ in 0..3 {
        breaker.on_sent(now);
        breaker.on_outcome(now, now, Health::Good);
    }
    now += at(300 * 60);
    feed(&mut breaker, now, &[Health::Good]);
    assert_eq!(breaker.trips, 0);
}

#[test]
fn a_neutral_probe_is_given_back() {
    let mut breaker = breaker();
    let until = trip(&mut breaker, at(0));
    breaker.on_sent(until);
    breaker.on_outcome(until, until, Health::Neutral);
    assert_eq!(breaker.permit(until), Permission::Probe);
}

#[test]
fn what_went_out_before_the_trip_is_no_probe() {
    let mut breaker = breaker();
    let until = trip(&mut breaker, at(5));
    assert_eq!(breaker.on_outcome(at(6), at(4), Health::Bad), None);
    breaker.on_sent(until);
    assert_eq!(breaker.on_outcome(until, at(4), Health::Bad), None);
    assert_eq!(breaker.permit(until), Permission::ProbesOut);
}

#[test]
fn a_person_can_hold_it_open_or_closed() {
    let mut breaker = breaker();
    let moved = breaker.hold_open().expect("moved");
    assert_eq!(
        (moved.to, moved.until),
        (BreakerPhase::Open, Some(Duration::MAX))
    );
    assert_eq!(breaker.permit(at(1_000)), Permission::Until(Duration::MAX));
    breaker.hold_closed();
    assert!(!feed(&mut breaker, at(0), &[Health::Bad; 50]));
    assert_eq!(breaker.permit(at(0)), Permission::Yes);
    breaker.release(at(0));
    assert!(feed(&mut breaker, at(0), &[Health::Bad; 20]));
}

#[test]
fn to_release_what_nobody_holds_changes_nothing() {
    let mut breaker = breaker();
    let until = trip(&mut breaker, at(0));
    assert_eq!(breaker.release(at(1)), None);
    assert_eq!(breaker.open_until(), Some(until));
    // Held open where it was open: no move to tell, and no time that ends it.
    assert_eq!(breaker.hold_open(), None);
    assert_eq!(breaker.open_until(), Some(Duration::MAX));
    let moved = breaker.release(at(2)).expect("closed");
    assert_eq!(
        (moved.from, moved.to),
        (BreakerPhase::Open, BreakerPhase::Closed)
    );
}

#[test]
fn a_breaker_never_goes_from_closed_to_half_open() {
    use BreakerPhase::{Closed, HalfOpen, Open};
    let all = [Closed, Open, HalfOpen];
    let allowed: Vec<_> = (all.iter())
        .flat_map(|from| all.iter().map(move |to| (*from, *to)))
        .filter(|(from, to)| from.may_move(*to))
        .collect();
    assert_eq!(
        allowed,
        [
            (Closed, Open),
            (Open, Closed),
            (Open, HalfOpen),
            (HalfOpen, Closed),
            (HalfOpen, Open),
        ]
    );
}

proptest! {
    #[test]
    fn the_order_of_a_window_s_outcomes_does_not_matter(mut outcomes in prop::collection::vec(any::<bool>(), 20)) {
        let trips = |outcomes: &[bool]| {
            let mut breaker = breaker();
            let all: Vec<Health> =
                outcomes.iter().map(|good| if *good { Health::Good } else { Health::Bad }).collect();
            feed(&mut breaker, at(0), &all)
        };
        let first = trips(&outcomes);
        outcomes.sort_unstable();
        prop_assert_eq!(first, trips(&outcomes));
        outcomes.reverse();
        prop_assert_eq!(first, trips(&outcomes));
    }
}
