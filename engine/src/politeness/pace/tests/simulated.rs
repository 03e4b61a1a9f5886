//! A crawler that always has work, against simulated hosts.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::*;
use crate::politeness::chance::{self, Draw};

/// How a host behaves.
#[derive(Clone, Copy)]
struct Host {
    /// Requests served at once, by time; the others queue.
    servers: fn(Duration) -> usize,
    /// Of a request, the median.
    service: Duration,
    /// More in flight are refused.
    max_in_flight: u32,
    /// More in a second are refused (a bucket of one second).
    max_rate: Option<u64>,
    /// So many of a hundred are refused at any speed.
    moody: u64,
}

#[derive(Default)]
struct Tally {
    good: u32,
    refused: u32,
    latency_us: u64,
    /// Good answers by second.
    by_second: Vec<u32>,
}

/// The sum of twelve uniform draws is nearly normal: a lognormal service time with sigma 0.3.
fn service(host: &Host, seed: u64, n: u32) -> Duration {
    let draw = |k: u32| {
        chance::below(
            chance::unit(seed, Draw::Latency, u128::from(n), k),
            1_000_000,
        )
    };
    let sum: u64 = (0..12).map(draw).sum();
    let normal = f64::from(u32::try_from(sum).expect("at most 12 million")) / 1e6 - 6.0;
    host.service.mul_f64(libm::exp(0.3 * normal))
}

fn crawl(host: &Host, pace: &mut Pace, seconds: u64, seed: u64) -> Tally {
    let (mut now, end) = (Duration::ZERO, Duration::from_secs(seconds));
    let mut tally = Tally {
        by_second: vec![0; usize::try_from(seconds).expect("small") + 1],
        ..Tally::default()
    };
    // Answers due: time, number, sent at, refused.
    let mut due: BinaryHeap<Reverse<(Duration, u32, Duration, bool)>> = BinaryHeap::new();
    let mut free_at: Vec<Duration> = vec![];
    let (mut n, mut bucket, mut filled) = (0, 1_000_000_u64, Duration::ZERO);
    while now < end {
        while pace.next_allowed(now) == When::Now {
            n += 1;
            pace.on_sent(now);
            let mut refused = pace.in_flight() > host.max_in_flight;
            if let Some(rate) = host.max_rate {
                bucket = (bucket + micros(now.saturating_sub(filled)) * rate).min(1_000_000);
                filled = now;
                refused |= bucket < 1_000_000;
                if !refused {
                    bucket -= 1_000_000;
                }
            }
            let mood = chance::unit(seed, Draw::Fault, u128::from(n), 7);
            refused |= chance::below(mood, 100) < host.moody;
            let until = if refused {
                now + ms(20)
            } else {
                let servers = (host.servers)(now);
                free_at.retain(|free| *free > now);
                free_at.sort_unstable();
                let busy = free_at.len();
                let begin = if busy < servers {
                    now
                } else {
                    free_at[busy - servers]
                };
                let until = begin + service(host, seed, n);
                free_at.push(until);
                until
            };
            due.push(Reverse((until, n, now, refused)));
        }
        let next_answer = due.peek().map(|Reverse((at, ..))| *at);
        let next_send = match pace.next_allowed(now) {
            When::At(at, _) => Some(at),
            When::Now | When::Full => None,
        };
        now = next_answer
            .into_iter()
            .chain(next_send)
            .min()
            .expect("something is due");
        while let Some(Reverse((at, _, sent, refused))) = due.peek().copied()
            && at <= now
        {
            due.pop();
            if refused {
                tally.refused += 1;
                pace.on_answer(now, sent, Signal::Throttled(None));
            } else {
                tally.good += 1;
                tally.latency_us += micros(at.saturating_sub(sent));
                let second = usize::try_from(at.as_secs()).expect("small");
                if let Some(count) = tally.by_second.get_mut(second) {
                    *count += 1;
                }
                pace.on_answer(now, sent, Signal::Good(at.saturating_sub(sent)));
            }
        }
    }
    tally
}

const HOST: Host = Host {
    servers: |_| 8,
    service: ms(200),
    max_in_flight: u32::MAX,
    max_rate: None,
    moody: 0,
};

/// Goodput of what is possible, latency of idle, and share refused, over 600 s.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn check(name: &str, host: Host, possible: f64, bounds: (f64, f64, f64)) {
    let mut sums = (0.0, 0.0, 0.0);
    let seeds = 20_u32;
    for seed in 1..=u64::from(seeds) {
        let mut pace = open(f64::INFINITY, 64);
        let tally = crawl(&host, &mut pace, 600, seed);
        // The mean of a lognormal is exp(sigma² / 2) of its median.
        let idle = 200_000.0 * libm::exp(0.045);
        sums.0 += f64::from(tally.good) / (possible * 600.0 / (idle / 1e6));
        sums.1 += tally.latency_us as f64 / f64::from(tally.good) / idle;
        sums.2 += f64::from(tally.refused) / f64::from(tally.good + tally.refused);
    }
    let n = f64::from(seeds);
    let (goodput, latency, refused) = (sums.0 / n, sums.1 / n, sums.2 / n);
    eprintln!("{name}: goodput {goodput:.2}, latency {latency:.2}, refused {refused:.4}");
    assert!(goodput >= bounds.0, "{name}: goodput {goodput}");
    assert!(latency <= bounds.1, "{name}: latency {latency}");
    assert!(refused <= bounds.2, "{name}: refused {refused}");
}

#[test]
fn a_host_of_eight_is_used_without_a_queue() {
    check("8", HOST, 8.0, (0.9, 1.5, 0.0));
}

#[test]
fn a_host_of_one_is_used_without_a_queue() {
    check(
        "1",
        Host {
            servers: |_| 1,
            ..HOST
        },
        1.0,
        (0.9, 1.5, 0.0),
    );
}

#[test]
fn a_host_that_weakens_and_recovers_is_followed() {
    let servers = |now: Duration| {
        if (200..400).contains(&now.as_secs()) {
            2
        } else {
            8
        }
    };
    check("8, 2, 8", Host { servers, ..HOST }, 6.0, (0.9, 1.5, 0.0));
}

#[test]
fn a_limit_of_six_in_flight_is_found() {
    check(
        "6 in flight",
        Host {
            max_in_flight: 6,
            ..HOST
        },
        6.0,
        (0.9, 1.5, 0.04),
    );
}

#[test]
fn a_limit_of_five_a_second_is_found() {
    // Five a second are one and a bit in service.
    let possible = 5.0 * 0.2 * libm::exp(0.045);
    check(
        "5 a second",
        Host {
            max_rate: Some(5),
            ..HOST
        },
        possible,
        (0.9, 1.5, 0.04),
    );
}

/// Good answers over 600 s, with a ceiling of `max_rate`, beside those of the same host in a better
/// mood: the mean of twenty seeds.
fn share_of_clean(name: &str, host: Host, max_rate: f64, max_in_flight: u32) -> f64 {
    let total = |host: &Host| -> u32 {
        (1..=20)
            .map(|seed| crawl(host, &mut open(max_rate, max_in_flight), 600, seed).good)
            .sum()
    };
    let share = f64::from(total(&host)) / f64::from(total(&Host { moody: 0, ..host }));
    eprintln!("{name}: {share:.2} of the clean throughput");
    share
}

#[test]
fn refusals_at_any_speed_do_not_slow_a_crawl_for_long() {
    for (moody, least) in [(1, 0.6), (5, 0.6), (10, 0.6), (20, 0.4)] {
        let host = Host { moody, ..HOST };
        for (rate, in_flight) in [(f64::INFINITY, 64), (20.0, 16), (4.0, 4)] {
            let name = format!("{moody} % at {rate}/s");
            let share = share_of_clean(&name, host, rate, in_flight);
            assert!(share >= least, "{name}: {share:.2}");
        }
    }
}

#[test]
fn a_limit_is_found_under_refusals_at_any_speed() {
    let host = Host {
        max_rate: Some(5),
        moody: 5,
        ..HOST
    };
    let (mut good, mut bad, seeds) = (0, 0, 20_u32);
    for seed in 1..=u64::from(seeds) {
        let tally = crawl(&host, &mut open(f64::INFINITY, 64), 600, seed);
        let refused = f64::from(tally.refused) / f64::from(tally.good + tally.refused);
        assert!(refused <= 0.25, "{refused:.3} refused by seed {seed}");
        (good, bad) = (good + tally.good, bad + tally.refused);
    }
    let goodput = f64::from(good) / (5.0 * 0.95 * 600.0 * f64::from(seeds));
    let refused = f64::from(bad) / f64::from(good + bad);
    eprintln!("5 a second, 5 % moody: goodput {goodput:.2}, refused {refused:.3}");
    assert!(goodput >= 0.45, "goodput {goodput:.2}");
    assert!(refused <= 0.15, "refused {refused:.3}");
}

#[test]
fn after_a_weak_time_the_old_speed_is_back_within_a_minute() {
    let servers = |now: Duration| {
        if (100..200).contains(&now.as_secs()) {
            2
        } else {
            8
        }
    };
    let tally = crawl(
        &Host { servers, ..HOST },
        &mut open(f64::INFINITY, 64),
        300,
        1,
    );
    let rate = |from: usize| tally.by_second[from..from + 30].iter().sum::<u32>();
    assert!(
        rate(260) * 10 >= rate(60) * 9,
        "{} after, {} before",
        rate(260),
        rate(60)
    );
}

#[test]
fn a_ceiling_of_two_hundred_a_second_is_reached_within_five_seconds() {
    for service in [ms(2), ms(20), ms(50), ms(100)] {
        let host = Host {
            servers: |_| 1_000,
            service,
            ..HOST
        };
        let tally = crawl(&host, &mut open(200.0, 256), 8, 3);
        let reached: u32 = tally.by_second[5..8].iter().sum();
        assert!(reached >= 570, "{service:?}: {:?}", tally.by_second);
        assert!(
            tally.by_second.iter().all(|count| *count <= 205),
            "{:?}",
            tally.by_second
        );
    }
}

#[test]
fn noise_of_a_few_milliseconds_throttles_no_loopback_crawl() {
    // Two workers: the more in flight, the longer the queue, but never by much.
    let host = Host {
        servers: |_| 2,
        service: ms(1),
        ..HOST
    };
    let tally = crawl(&host, &mut open(f64::INFINITY, 16), 5, 4);
    assert!(
        tally.by_second[1..5].iter().all(|count| *count >= 1_800),
        "{:?}",
        tally.by_second
    );
}

/// A host that counts the requests of the last second, refused ones too, or those it is serving.
#[derive(Clone, Copy)]
struct Counting {
    a_second: usize,
    at_once: usize,
    retry_after: Option<Duration>,
    service: Duration,
}

/// Time and refusals until this host has served 1,050 pages; a refused one comes back when it may.
fn fetch_all(host: &Counting) -> (Duration, u32) {
    let mut pace = open(10_000.0, 16);
    let mut now = Duration::ZERO;
    let (mut waiting, mut good, mut refused) = (1_050, 0, 0);
    let mut recent: VecDeque<Duration> = VecDeque::new();
    let mut due: BinaryHeap<Reverse<(Duration, Duration, bool)>> = BinaryHeap::new();
    let mut back: BinaryHeap<Reverse<Duration>> = BinaryHeap::new();
    let mut n = 0;
    while good < 1_050 {
        while back.peek().is_some_and(|Reverse(at)| *at <= now) {
            back.pop();
            waiting += 1;
        }
        while waiting > 0 && pace.next_allowed(now) == When::Now {
            (waiting, n) = (waiting - 1, n + 1);
            pace.on_sent(now);
            recent.push_back(now);
            recent.retain(|sent| *sent + ms(1_000) > now);
            let is_refused = recent.len() > host.a_second || due.len() >= host.at_once;
            let spread = chance::below(chance::unit(1, Draw::Latency, n, 0), 1_000);
            let took = host.service * 2 / 3 + host.service * u32::try_from(spread).unwrap() / 1_500;
            due.push(Reverse((now + took, now, is_refused)));
        }
        let sends = match pace.next_allowed(now) {
            When::At(at, _) if waiting > 0 => Some(at),
            _ => None,
        };
        let answers = due.peek().map(|Reverse((at, ..))| *at);
        let returns = back.peek().map(|Reverse(at)| *at);
        now = (sends.into_iter().chain(answers).chain(returns).min()).expect("something is due");
        while let Some(Reverse((at, sent, is_refused))) = due.peek().copied()
            && at <= now
        {
            due.pop();
            if is_refused {
                refused += 1;
                pace.on_answer(now, sent, Signal::Throttled(host.retry_after));
                back.push(Reverse(now + host.retry_after.unwrap_or(ms(1_000))));
            } else {
                good += 1;
                pace.on_answer(now, sent, Signal::Good(at.saturating_sub(sent)));
            }
        }
    }
    (now, refused)
}

#[test]
fn limits_of_rate_and_of_requests_at_once_are_found_soon() {
    let any = usize::MAX;
    let quick = ms(3);
    let law = |a_second, at_once, retry_after, service| Counting {
        a_second,
        at_once,
        retry_after,
        service,
    };
    // Name, host, seconds and refusals at most.
    for (name, host, seconds, most) in [
        (
            "20/s, Retry-After",
            law(20, any, Some(ms(2_000)), quick),
            66,
            10,
        ),
        ("20/s", law(20, any, None, quick), 60, 20),
        (
            "100/s, Retry-After",
            law(100, any, Some(ms(2_000)), quick),
            22,
            20,
        ),
        ("100/s", law(100, any, None, quick), 20, 30),
        ("4 at once", law(any, 4, Some(ms(2_000)), ms(75)), 42, 12),
    ] {
        let (took, refused) = fetch_all(&host);
        eprintln!("{name}: {took:.1?}, {refused} refused");
        assert!(took <= Duration::from_secs(seconds), "{name}: {took:.1?}");
        assert!(refused <= most, "{name}: {refused} refused");
    }
}

#[test]
fn after_a_time_of_refusals_most_of_the_old_speed_is_back_within_a_minute() {
    // For a minute the host refuses all, or all but a few.
    for few in [0, 2] {
        let mut pace = open(100.0, 16);
        let mut now = ms(0);
        let (mut served, mut last) = (Vec::new(), Duration::MAX);
        while now < Duration::from_secs(230) {
            match pace.next_allowed(now) {
                When::At(at, _) => now = at,
                When::Full => unreachable!("each is answered at once"),
                When::Now => {
                    let is_bad = (100..160).contains(&now.as_secs());
                    let few = is_bad && now.as_millis() % 1_000 / 100 < few;
                    pace.on_sent(now);
                    let signal = if is_bad && !few {
                        Signal::Throttled(None)
                    } else {
                        served.push(now);
                        Signal::Good(ms(5))
                    };
                    pace.on_answer(now + ms(5), now, signal);
                    assert_ne!(now, last, "time goes on");
                    last = now;
                    now += ms(5);
                }
            }
        }
        let rate = |from: u64| served.iter().filter(|at| at.as_secs() == from).count();
        assert!(rate(90) >= 90, "{} a second before", rate(90));
        let back = (160..=220).find(|second| rate(*second) >= 90);
        assert!(back.is_some(), "{few}: not back after a minute");
        eprintln!(
            "{few} of ten seconds served: back after {} s",
            back.unwrap_or(0) - 160
        );
    }
}
