use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn policy(backoff: Backoff, jitter: Jitter) -> RetryPolicy {
    RetryPolicy {
        attempts: 5,
        backoff,
        base: Duration::from_secs(1),
        cap: Duration::from_secs(10),
        jitter,
    }
}

const KEY: PageKey = PageKey(Uuid::from_u128(42));

fn check(backoff: Backoff, seconds: [u64; 6]) {
    let policy = policy(backoff, Jitter::None);
    for (n, seconds) in (1..).zip(seconds) {
        assert_eq!(
            delay(&policy, n, 1, KEY, 0),
            Duration::from_secs(seconds),
            "retry {n}"
        );
    }
}

#[test]
fn a_delay_grows_by_its_policy_up_to_the_cap() {
    check(Backoff::Fixed, [1, 1, 1, 1, 1, 1]);
    check(Backoff::Linear, [1, 2, 3, 4, 5, 6]);
    check(Backoff::Exponential, [1, 2, 4, 8, 10, 10]);
}

#[test]
fn full_jitter_never_waits_less_than_a_tenth_of_a_second() {
    let policy = policy(Backoff::Exponential, Jitter::Full);
    let shortest = (0..5_000)
        .map(|dispatch| delay(&policy, 1, 9, KEY, dispatch))
        .min();
    assert!(
        shortest.is_some_and(|delay| (100..150).contains(&delay.as_millis())),
        "{shortest:?}"
    );
}

#[test]
fn a_policy_below_the_floor_is_kept() {
    let policy = RetryPolicy {
        base: Duration::from_millis(5),
        ..policy(Backoff::Fixed, Jitter::Full)
    };
    assert_eq!(delay(&policy, 1, 9, KEY, 0), Duration::from_millis(5));
}

#[test]
fn another_dispatch_draws_anew() {
    let policy = policy(Backoff::Exponential, Jitter::Full);
    assert_ne!(delay(&policy, 3, 9, KEY, 3), delay(&policy, 3, 9, KEY, 4));
}

fn any_policy() -> impl Strategy<Value = RetryPolicy> {
    let backoff = prop_oneof![
        Just(Backoff::Fixed),
        Just(Backoff::Linear),
        Just(Backoff::Exponential)
    ];
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Decorrelated)
    ];
    (backoff, jitter, any::<u64>(), any::<u64>()).prop_map(|(backoff, jitter, base, cap)| {
        RetryPolicy {
            attempts: 5,
            backoff,
            base: Duration::from_micros(base),
            cap: Duration::from_micros(cap),
            jitter,
        }
    })
}

proptest! {
    #[test]
    fn no_delay_exceeds_the_cap_and_equal_arguments_give_equal_delays(
        policy in any_policy(), n: u32, seed: u64, key: u128, dispatch: u16
    ) {
        let key = PageKey(Uuid::from_u128(key));
        let first = delay(&policy, n, seed, key, dispatch);
        prop_assert!(first <= policy.cap);
        prop_assert_eq!(first, delay(&policy, n, seed, key, dispatch));
    }

    #[test]
    fn the_ceiling_never_falls(policy in any_policy(), n in 0_u32..100) {
        prop_assert!(ceiling(&policy, n) <= ceiling(&policy, n + 1));
        prop_assert!(ceiling(&policy, n) <= ceiling(&policy, u32::MAX));
    }

    #[test]
    fn decorrelated_jitter_stays_between_base_and_cap(n in 1_u32..50, seed: u64) {
        let policy = policy(Backoff::Exponential, Jitter::Decorrelated);
        let delay = delay(&policy, n, seed, KEY, 0);
        prop_assert!(policy.base <= delay && delay <= policy.cap);
    }
}
