use super::*;

const BOUNDS: BatchBounds = BatchBounds {
    size: 400,
    least: 25,
    pause: Duration::ZERO,
    longest: Duration::from_mins(1),
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One batch: so many answers that took `took`, so many failures; then the session rests.
fn round(tempo: &mut BatchPacing, good: u32, took: Duration, bad: u32) -> Option<BatchRound> {
    for _ in 0..good {
        tempo.on_good(0, took);
    }
    for _ in 0..bad {
        tempo.on_bad();
    }
    let (_, changed) = tempo.rest(ms(0), &BOUNDS);
    tempo.busy();
    changed
}

/// Rounds of (good, ms, bad), and the size and the pause in seconds that they lead to.
fn check(rounds: &[(u32, u64, u32)], size: u32, seconds: u64) {
    let mut tempo = BatchPacing::default();
    for (good, took, bad) in rounds {
        round(&mut tempo, *good, ms(*took), *bad);
    }
    let found = (tempo.size(&BOUNDS), tempo.pause(&BOUNDS));
    assert_eq!(found, (size, Duration::from_secs(seconds)), "{rounds:?}");
}

#[test]
fn errors_and_slow_answers_shrink_batches_and_lengthen_rests() {
    check(&[(100, 50, 0)], 400, 0);
    check(&[(80, 50, 20)], 200, 1);
    check(&[(80, 50, 20), (80, 50, 20)], 100, 2);
    check(&[(100, 50, 0), (100, 150, 0)], 200, 1);
    check(&[(100, 50, 0), (100, 90, 0)], 400, 0);
    check(&[(95, 50, 5)], 400, 0);
    check(&[(5, 50, 4)], 400, 0);
}

#[test]
fn the_settings_are_the_bounds() {
    check(&[(50, 50, 50); 12], 25, 60);
    let strict = BatchBounds {
        size: 10,
        pause: Duration::from_secs(90),
        ..BOUNDS
    };
    let mut tempo = BatchPacing::default();
    round(&mut tempo, 50, ms(50), 50);
    assert_eq!(
        tempo.size(&strict),
        10,
        "the floor is never above the ceiling"
    );
    assert_eq!(tempo.pause(&strict), Duration::from_secs(90));
}

#[test]
fn calm_batches_lead_back() {
    let mut rounds = vec![(50, 50, 50); 3];
    check(&rounds, 50, 4);
    rounds.extend([(100, 50, 0); 6]);
    check(&rounds, 400, 0);
}

#[test]
fn answers_are_compared_with_those_of_their_own_stage() {
    let mut tempo = BatchPacing::default();
    for _ in 0..100 {
        tempo.on_good(0, ms(1_000));
        tempo.on_good(1, ms(10));
    }
    tempo.rest(ms(0), &BOUNDS);
    tempo.busy();
    for _ in 0..100 {
        tempo.on_good(0, ms(1_000));
    }
    let (_, changed) = tempo.rest(ms(0), &BOUNDS);
    assert_eq!(
        changed, None,
        "lists are slow, but not slower than lists were"
    );
}

#[test]
fn what_is_slow_for_good_becomes_usual() {
    let mut rounds = vec![(100, 50, 0)];
    rounds.extend([(100, 150, 0); 40]);
    check(&rounds, 400, 0);
}

#[test]
fn a_rest_counts_from_when_the_last_batch_was_quiet() {
    let bounds = BatchBounds {
        pause: Duration::from_secs(5),
        ..BOUNDS
    };
    let mut tempo = BatchPacing::default();
    assert_eq!(tempo.rest(ms(1_000), &bounds).0, ms(6_000));
    assert_eq!(tempo.rest(ms(3_000), &bounds).0, ms(6_000));
    assert!(tempo.is_news(ms(6_000)));
    assert!(!tempo.is_news(ms(6_000)));
    assert_eq!(
        tempo.rests_until(&BOUNDS),
        Some(ms(1_000)),
        "changed meanwhile"
    );
    tempo.busy();
    assert_eq!(tempo.rests_until(&bounds), None);
    assert_eq!(tempo.rest(ms(9_000), &bounds).0, ms(14_000));
}
