//! What limits a session's speed, with the figures that say so: our own permits and stores where
//! most pages wait for them, else the host that sets the end.

use std::collections::BTreeMap;

use crate::{
    feed::snapshot::{Bottleneck, HostInfo},
    model::class::WaitReason,
    world::permits::Permits,
};

/// Another host that takes at least this share of the longest time sets the end as well.
const AS_LONG: f64 = 0.9;

/// Of a session that dispatches; `hosts`: its hosts, the last to end first.
pub(super) fn bottleneck(
    hosts: &[HostInfo],
    permits: &Permits,
    waiting: &BTreeMap<WaitReason, u64>,
) -> Option<Bottleneck> {
    let (reason, count) = waiting
        .iter()
        .filter(|(reason, _)| **reason != WaitReason::OutsideWindow)
        .max_by_key(|(reason, count)| (**count, reason.name()))?;
    ours(*reason, *count, permits)
        .or_else(|| host(hosts))
        .or_else(|| Some(plain(*reason, *count)))
}

/// What is limited by ourselves.
fn ours(reason: WaitReason, count: u64, permits: &Permits) -> Option<Bottleneck> {
    let (name, what) = match reason {
        WaitReason::HttpPermits => {
            let permit = &permits.http;
            let what = format!("an http permit: {} of {} in use", permit.used, permit.limit);
            ("http permits", what)
        }
        WaitReason::CpuPermits | WaitReason::BackPressure => {
            let permit = &permits.cpu;
            let what = format!("a parse worker: {} of {} busy", permit.used, permit.limit);
            ("cpu", what)
        }
        WaitReason::Memory => ("memory", "memory to parse in".to_owned()),
        WaitReason::StorePermits => {
            let bytes = permits.store.used;
            ("store", format!("the store: {bytes} bytes on their way"))
        }
        WaitReason::StoreTrouble => ("store", "the store to recover".to_owned()),
        WaitReason::Offline => ("network", "our own network".to_owned()),
        WaitReason::RetryBudget => {
            let what = "the retry budget: too many requests failed of late";
            ("retry budget", what.to_owned())
        }
        _ => return None,
    };
    Some(Bottleneck {
        name: name.to_owned(),
        evidence: format!("{} for {what}", pages_wait(count)),
        host: None,
    })
}

/// The host that is the last to end, where anything says when hosts end.
fn host(hosts: &[HostInfo]) -> Option<Bottleneck> {
    let (last, others) = hosts.split_first()?;
    let time = |host: &HostInfo| host.eta.or(host.parked_for);
    let left = time(last)?;
    let open = last.waiting + u64::from(last.in_flight);
    let as_long = others.iter().filter_map(time);
    let as_long = as_long.filter(|other| *other >= left * AS_LONG).count();
    let who = match (others.len(), as_long) {
        (0, _) => format!("{}: ", last.host),
        (_, 0) => format!("{} sets the end: ", last.host),
        (_, more) => format!("{} and {more} more set the end: ", last.host),
    };
    let pages = if open == 1 { "page" } else { "pages" };
    let (name, figures) = match (last.breaker.as_str(), last.parked_for) {
        ("open", Some(left)) => {
            let what = format!("behind its open breaker, which probes in {left:.0} s");
            ("breaker", what)
        }
        ("half_open", _) => ("breaker", "behind its breaker, which probes".to_owned()),
        _ => {
            let rate = match last.rate {
                rate if rate < 9.95 => format!("{rate:.1}"),
                rate => format!("{rate:.0}"),
            };
            ("site's rate", format!("at {rate}/s, {}", last.why))
        }
    };
    Some(Bottleneck {
        name: name.to_owned(),
        evidence: format!("{who}{open} {pages} {figures}"),
        host: Some(last.id),
    })
}

/// Before anything says how fast hosts are.
fn plain(reason: WaitReason, count: u64) -> Bottleneck {
    let name = match reason {
        WaitReason::Pace
        | WaitReason::CrawlDelay
        | WaitReason::HostLimit
        | WaitReason::RetryAfter => "site's rate",
        other => other.name(),
    };
    let reason = reason.name().replace('_', " ");
    Bottleneck {
        name: name.to_owned(),
        evidence: format!("{}: {reason}", pages_wait(count)),
        host: None,
    }
}

fn pages_wait(count: u64) -> String {
    match count {
        1 => "1 page waits".to_owned(),
        count => format!("{count} pages wait"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop(id: u32, eta: Option<f64>) -> HostInfo {
        HostInfo {
            id,
            host: format!("shop-{id}.test"),
            rate: 1.31,
            why: "cut because answers took 481 ms instead of 350 ms".to_owned(),
            breaker: "closed".to_owned(),
            waiting: 364,
            in_flight: 2,
            eta,
            ..HostInfo::default()
        }
    }

    fn evidence(hosts: &[HostInfo], reason: WaitReason) -> (String, Option<u32>) {
        let waiting = BTreeMap::from([(reason, 7), (WaitReason::OutsideWindow, 90)]);
        let found = bottleneck(hosts, &Permits::default(), &waiting);
        let found = found.expect("pages wait");
        (format!("{}: {}", found.name, found.evidence), found.host)
    }

    #[test]
    fn the_last_host_to_end_is_named_with_its_pages_rate_and_reason() {
        let why = "366 pages at 1.3/s, cut because answers took 481 ms instead of 350 ms";
        let told = |hosts: &[HostInfo]| evidence(hosts, WaitReason::Pace);
        let one = [shop(5, Some(280.0))];
        assert_eq!(
            told(&one),
            (format!("site's rate: shop-5.test: {why}"), Some(5))
        );
        let two = [shop(5, Some(280.0)), shop(6, Some(200.0))];
        let wanted = format!("site's rate: shop-5.test sets the end: {why}");
        assert_eq!(told(&two), (wanted, Some(5)));
        let alike = [shop(5, Some(280.0)), shop(6, Some(270.0)), shop(7, None)];
        let wanted = format!("site's rate: shop-5.test and 1 more set the end: {why}");
        assert_eq!(told(&alike), (wanted, Some(5)));
    }

    #[test]
    fn an_open_breaker_and_our_own_limits_are_named_as_such() {
        let parked = HostInfo {
            breaker: "open".to_owned(),
            parked_for: Some(6.4),
            ..shop(3, Some(90.0))
        };
        let hosts = [parked, shop(4, Some(10.0))];
        let (told, host) = evidence(&hosts, WaitReason::Breaker);
        let wanted = "breaker: shop-3.test sets the end: 366 pages behind its open breaker, which \
                      probes in 6 s";
        assert_eq!((told.as_str(), host), (wanted, Some(3)));
        let (told, host) = evidence(&hosts, WaitReason::RetryBudget);
        let wanted = "retry budget: 7 pages wait for the retry budget: too many requests failed of \
                      late";
        assert_eq!((told.as_str(), host), (wanted, None));
    }

    #[test]
    fn without_evidence_of_speed_only_the_reason_is_told() {
        let (told, host) = evidence(&[shop(1, None)], WaitReason::HostLimit);
        assert_eq!(
            (told.as_str(), host),
            ("site's rate: 7 pages wait: host limit", None)
        );
        assert_eq!(bottleneck(&[], &Permits::default(), &BTreeMap::new()), None);
    }
}
