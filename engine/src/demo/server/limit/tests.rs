use std::time::{Duration, Instant};

use super::RateLimit;

#[test]
fn a_second_worth_of_requests_may_come_at_once_and_then_one_per_interval() {
    let limit = RateLimit::new(4.0);
    let now = Instant::now();
    let admitted = (0..10).filter(|_| limit.admit(now).is_ok()).count();
    assert_eq!(admitted, 4);
    let wait = limit.admit(now).expect_err("the second is used up");
    assert_eq!(wait, Duration::from_millis(250));
    assert!(limit.admit(now + wait).is_ok());
    assert!(limit.admit(now + wait).is_err());
}
