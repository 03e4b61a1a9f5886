use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::settings::Settings;

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

fn budget() -> RetryBudget {
    RetryBudget::new(&Settings::default().retry)
}

const fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn take(host: &mut RetryBudget, now: Duration) -> Result<(), Duration> {
    host.try_take(now)
}

fn drain(budget: &mut RetryBudget, now: Duration) -> u32 {
    let mut taken = 0;
    while taken < 1_000 && take(budget, now).is_ok() {
        taken += 1;
    }
    taken
}

#[test]
fn a_hundred_retries_are_saved_up_and_no_more() {
    let mut budget = budget();
    budget.on_success();
    assert_eq!(drain(&mut budget, at(0)), 100);
    assert_eq!(drain(&mut budget, at(3_600_000)), 100);
}

#[test]
fn two_successes_buy_a_retry() {
    let mut budget = budget();
    drain(&mut budget, at(0));
    budget.on_success();
    assert!(take(&mut budget, at(0)).is_err());
    budget.on_success();
    assert_eq!(take(&mut budget, at(0)), Ok(()));
}

#[test]
fn a_refusal_says_exactly_how_long_to_wait() {
    let mut budget = budget();
    drain(&mut budget, at(0));
    assert_eq!(take(&mut budget, at(0)), Err(at(100)));
    assert_eq!(take(&mut budget, at(60)), Err(at(40)));
    assert_eq!(take(&mut budget, at(100)), Ok(()));
}

#[test]
fn ten_retries_a_second_flow_without_any_success() {
    let mut budget = budget();
    drain(&mut budget, at(0));
    let taken: u32 = (1..=10_000)
        .map(|ms| u32::from(take(&mut budget, at(ms)).is_ok()))
        .sum();
    assert_eq!(taken, 100);
}

#[test]
fn a_budget_of_nothing_never_allows_and_asks_to_look_again() {
    let mut settings = Settings::default().retry;
    (settings.budget_per_second, settings.budget_per_success) = (0.0, f64::NAN);
    let mut budget = RetryBudget::new(&settings);
    drain(&mut budget, at(0));
    assert_eq!(take(&mut budget, at(1_000_000)), Err(at(1_000)));
}
