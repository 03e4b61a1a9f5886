use super::*;

const fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Outcomes 10 ms apart; the answer to the last.
fn feed(offline: &mut Offline, outcomes: &[(u32, Option<ErrorClass>)]) -> Option<NetworkChange> {
    let mut last = None;
    for (time, (host, failed)) in (0..).step_by(10).zip(outcomes) {
        last = offline.on_outcome(at(time), HostId(*host), *failed);
    }
    last
}

const DNS: Option<ErrorClass> = Some(ErrorClass::Dns);
const CONNECT: Option<ErrorClass> = Some(ErrorClass::Connect);
const OK: Option<ErrorClass> = None;

fn check(outcomes: &[(u32, Option<ErrorClass>)], down: bool) {
    let mut offline = Offline::default();
    feed(&mut offline, outcomes);
    assert_eq!(offline.is_offline(), down, "{outcomes:?}");
}

#[test]
fn three_failing_hosts_and_half_of_all_requests_mean_offline() {
    check(&[(1, DNS), (2, DNS)], false);
    check(&[(1, DNS), (2, CONNECT), (3, DNS)], true);
    check(
        &[(4, OK), (4, OK), (4, OK), (1, DNS), (2, DNS), (3, DNS)],
        true,
    );
    check(
        &[
            (4, OK),
            (4, OK),
            (4, OK),
            (4, OK),
            (1, DNS),
            (2, DNS),
            (3, DNS),
        ],
        false,
    );
}

#[test]
fn a_dead_host_is_not_a_dead_network() {
    check(&[(1, CONNECT); 100], false);
    check(&[(1, DNS); 100], false);
    check(
        &[
            (1, CONNECT),
            (2, OK),
            (1, DNS),
            (2, OK),
            (1, DNS),
            (1, DNS),
            (1, DNS),
            (1, CONNECT),
        ],
        false,
    );
}

#[test]
fn one_or_two_hosts_that_fail_both_ways_without_an_answer_mean_offline() {
    check(
        &[
            (1, CONNECT),
            (1, DNS),
            (1, DNS),
            (1, CONNECT),
            (1, DNS),
            (1, DNS),
        ],
        true,
    );
}

#[test]
fn a_host_that_answered_since_it_failed_is_up() {
    check(
        &[
            (1, DNS),
            (1, OK),
            (2, DNS),
            (2, OK),
            (3, DNS),
            (3, DNS),
            (3, DNS),
        ],
        false,
    );
}

#[test]
fn failures_behind_a_connection_do_not_count() {
    let reset = Some(ErrorClass::Reset);
    check(&[(1, reset), (2, reset), (3, reset), (4, reset)], false);
}

#[test]
fn old_failures_do_not_count() {
    let mut offline = Offline::default();
    offline.on_outcome(at(0), HostId(1), DNS);
    offline.on_outcome(at(0), HostId(2), DNS);
    assert_eq!(offline.on_outcome(at(10_001), HostId(3), DNS), None);
}

#[test]
fn offline_probes_each_five_seconds_and_the_first_answer_ends_it() {
    let mut offline = Offline::default();
    let change = feed(&mut offline, &[(1, DNS), (2, DNS), (3, DNS)]);
    assert_eq!(change, Some(NetworkChange::WentOffline { since: at(0) }));
    assert_eq!(offline.next_probe(), Some(at(5_020)));
    offline.on_probe_sent(at(5_020));
    assert_eq!(offline.on_outcome(at(5_030), HostId(1), DNS), None);
    assert_eq!(offline.next_probe(), Some(at(10_020)));
    assert_eq!(
        offline.on_outcome(at(10_050), HostId(1), OK),
        Some(NetworkChange::BackOnline)
    );
    assert!(!offline.is_offline());
    assert_eq!(offline.on_outcome(at(10_060), HostId(2), DNS), None);
}
