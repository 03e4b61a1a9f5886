use proptest::prelude::*;

use super::*;

#[test]
fn a_draw_depends_on_each_of_its_four_arguments() {
    let draw = unit(1, Draw::Retry, 2, 3);
    assert_eq!(draw, unit(1, Draw::Retry, 2, 3));
    let others = [
        unit(2, Draw::Retry, 2, 3),
        unit(1, Draw::Breaker, 2, 3),
        unit(1, Draw::Retry, 3, 3),
        unit(1, Draw::Retry, 2 << 64, 3),
        unit(1, Draw::Retry, 2, 4),
    ];
    for other in others {
        assert_ne!(draw, other);
    }
}

#[test]
fn draws_are_spread_evenly() {
    let mut counts = [0_u32; 10];
    for subject in 0..100_000 {
        let tenth = below(unit(7, Draw::Retry, subject, 0), 10);
        counts[usize::try_from(tenth).expect("below 10")] += 1;
    }
    // Six standard deviations of a binomial count.
    assert!(
        counts.iter().all(|count| count.abs_diff(10_000) < 570),
        "{counts:?}"
    );
}

#[test]
fn a_draw_is_the_same_on_every_machine() {
    assert_eq!(
        splitmix(0),
        0xe220_a839_7b1d_cdaf,
        "the first output of SplitMix64 seeded with 0"
    );
}

proptest! {
    #[test]
    fn between_stays_between(bits: u64, low: u64, span in 0_u64..1 << 40) {
        let low = Duration::from_micros(low / 2);
        let high = low + Duration::from_micros(span);
        let drawn = between(bits, low, high);
        prop_assert!(low <= drawn && drawn <= high);
    }
}
