use super::*;
use crate::settings::Settings;

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
