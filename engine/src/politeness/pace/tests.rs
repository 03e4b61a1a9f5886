use super::*;

mod simulated;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn open(max_rate: f64, max_in_flight: u32) -> Pace {
    let ceiling = Ceiling {
        max_rate,
        max_in_flight,
        crawl_delay: None,
    };
    Pace::new(ceiling, None, Duration::ZERO)
}

/// Sends one and answers it 10 ms later.
fn exchange(pace: &mut Pace, now: Duration, signal: Signal) {
    pace.on_sent(now);
    pace.on_answer(now + ms(10), now, signal);
}

#[test]
fn a_ceiling_of_rate_is_a_gap() {
    let mut pace = open(4.0, 4);
    assert_eq!(pace.next_allowed(ms(0)), When::Now);
    exchange(&mut pace, ms(0), Signal::Good(ms(10)));
    assert_eq!(
        pace.next_allowed(ms(10)),
        When::At(ms(250), WaitReason::Pace)
    );
    exchange(&mut pace, ms(260), Signal::Good(ms(10)));
    assert_eq!(
        pace.next_allowed(ms(270)),
        When::At(ms(510), WaitReason::Pace),
        "no credit for lateness"
    );
}

#[test]
fn a_fast_ceiling_makes_up_for_late_ticks_but_never_for_idleness() {
    let mut pace = open(200.0, 64);
    exchange(&mut pace, ms(1_000), Signal::Good(ms(1)));
    exchange(&mut pace, ms(1_009), Signal::Good(ms(1)));
    assert_eq!(
        pace.next_allowed(ms(1_010)),
        When::Now,
        "4 ms late, so the next one is due"
    );
    exchange(&mut pace, ms(5_000), Signal::Good(ms(1)));
    let burst = (0..64).take_while(|_| {
        let may = pace.next_allowed(ms(5_000)) == When::Now;
        exchange(&mut pace, ms(5_000), Signal::Good(ms(1)));
        may
    });
    assert!(burst.count() <= 2);
}

#[test]
fn a_crawl_delay_is_a_floor_and_says_so() {
    let ceiling = Ceiling {
        max_rate: 4.0,
        max_in_flight: 4,
        crawl_delay: Some(ms(2_000)),
    };
    let mut pace = Pace::new(ceiling, None, ms(0));
    exchange(&mut pace, ms(0), Signal::Good(ms(10)));
    assert_eq!(
        pace.next_allowed(ms(20)),
        When::At(ms(2_000), WaitReason::CrawlDelay)
    );
    assert!(pace.why(ms(20)).contains("crawl delay"));
}

#[test]
fn retry_after_parks_the_host_and_the_longest_counts() {
    let mut pace = open(f64::INFINITY, 16);
    exchange(&mut pace, ms(0), Signal::Throttled(Some(ms(3_000))));
    exchange(&mut pace, ms(5), Signal::Throttled(Some(ms(1_000))));
    assert_eq!(
        pace.next_allowed(ms(20)),
        When::At(ms(3_010), WaitReason::RetryAfter)
    );
    assert!(pace.why(ms(20)).contains("Retry-After"));
    let learned = pace.learned(ms(2_010));
    assert_eq!(learned.retry_after_us, 1_000_000);
    let json = serde_json::to_string(&learned).expect("JSON");
    let learned: Learned = serde_json::from_str(&json).expect("learned");
    let again = Pace::new(*pace.ceiling(), Some(&learned), ms(0));
    assert_eq!(
        again.next_allowed(ms(0)),
        When::At(ms(1_000), WaitReason::RetryAfter)
    );
}

#[test]
fn a_refusal_of_the_second_request_is_forgotten_within_seconds() {
    let mut pace = open(f64::INFINITY, 16);
    exchange(&mut pace, ms(0), Signal::Good(ms(5)));
    // The next page was found, or a Retry-After was over, only then.
    exchange(&mut pace, ms(4_000), Signal::Throttled(None));
    assert_eq!(pace.gap(ms(5_010)), ms(1_000), "one answer proves little");
    assert_eq!(pace.gap(ms(8_010)), ms(125), "and goes by time alone");
    assert_eq!(pace.gap(ms(16_000)), Duration::ZERO);
}

#[test]
fn a_second_refusal_at_one_rate_proves_it() {
    let mut pace = open(f64::INFINITY, 16);
    let mut now = ms(0);
    for _ in 0..2 {
        for _ in 0..10 {
            exchange(&mut pace, now, Signal::Good(ms(10)));
            now += ms(12);
        }
        exchange(&mut pace, now, Signal::Throttled(Some(ms(2_000))));
        now = pace.retry_after_until(now).unwrap();
    }
    assert_eq!(
        pace.gap(now),
        ms(100),
        "ten were served, then it refused: twice"
    );
    assert_eq!(
        pace.gap(now + ms(9_900)),
        ms(100),
        "held, and not faster at once"
    );
    assert!(pace.gap(now + ms(15_000)) > ms(80), "then it is felt for");
    assert_eq!(
        pace.gap(now + ms(60_000)),
        Duration::ZERO,
        "no rate is for ever"
    );
    assert_eq!(pace.retry_after_until(now), None);
}

#[test]
fn a_hung_request_keeps_no_place_and_says_nothing_of_speed() {
    let mut pace = open(f64::INFINITY, 4);
    exchange(&mut pace, ms(0), Signal::Good(ms(10)));
    pace.on_sent(ms(20));
    assert_eq!(
        pace.next_allowed(ms(20)),
        When::At(ms(1_020), WaitReason::HostLimit)
    );
    assert_eq!(pace.next_allowed(ms(1_020)), When::Now);
    pace.on_sent(ms(1_020));
    assert_eq!(
        pace.next_allowed(ms(2_030)),
        When::Full,
        "two hang at a limit of one"
    );
    pace.on_answer(ms(3_020), ms(20), Signal::Lost);
    assert_eq!(pace.next_allowed(ms(3_020)), When::Now);
    for n in 0..10 {
        exchange(&mut pace, ms(3_100 + n * 20), Signal::Good(ms(10)));
    }
    exchange(&mut pace, ms(3_400), Signal::Throttled(None));
    assert!(pace.gap(ms(4_410)) <= ms(100), "{:?}", pace.gap(ms(4_410)));
}

#[test]
fn hung_requests_count_for_a_persons_ceiling() {
    let learned = Learned {
        limit: 8,
        slow_us: 10_000,
        ..Learned::default()
    };
    let mut pace = Pace::new(*open(f64::INFINITY, 4).ceiling(), Some(&learned), ms(0));
    for _ in 0..4 {
        assert_eq!(pace.next_allowed(ms(0)), When::Now);
        pace.on_sent(ms(0));
    }
    assert_eq!(pace.next_allowed(ms(60_000)), When::Full);
}

#[test]
fn a_retry_after_of_zero_parks_nothing() {
    let mut pace = open(f64::INFINITY, 16);
    exchange(&mut pace, ms(0), Signal::Throttled(Some(ms(0))));
    assert_eq!(pace.retry_after_until(ms(10)), None);
}

#[test]
fn a_few_invitations_to_come_back_at_once_make_no_pace() {
    let mut pace = open(f64::INFINITY, 16);
    for count in 0..2_000_u64 {
        let signal = if count % 20 == 7 {
            Signal::Throttled(Some(ms(0)))
        } else {
            Signal::Good(ms(5))
        };
        exchange(&mut pace, ms(count * 10), signal);
    }
    assert_eq!(pace.gap(ms(20_000)), Duration::ZERO);
    for count in 2_000..2_500_u64 {
        exchange(&mut pace, ms(count * 10), Signal::Throttled(Some(ms(0))));
    }
    assert!(pace.gap(ms(25_000)) > Duration::ZERO, "all are refused");
}

#[test]
fn the_limit_bounds_what_is_in_flight() {
    let mut pace = open(f64::INFINITY, 4);
    pace.on_sent(ms(0));
    assert_eq!(
        pace.next_allowed(ms(0)),
        When::At(ms(2_000), WaitReason::HostLimit)
    );
    pace.on_answer(ms(5), ms(0), Signal::Neutral);
    assert_eq!(pace.next_allowed(ms(5)), When::Now);
}

#[test]
fn a_burst_of_refusals_is_one_event() {
    let learned = Learned {
        limit: 40,
        ..Learned::default()
    };
    let mut pace = Pace::new(*open(f64::INFINITY, 64).ceiling(), Some(&learned), ms(0));
    assert_eq!(pace.limit(), 20);
    for _ in 0..20 {
        pace.on_sent(ms(100));
    }
    for late in 0..20 {
        pace.on_answer(ms(200 + late * 200), ms(100), Signal::Throttled(None));
    }
    assert_eq!(pace.limit(), 10, "back to before the doubling");
    assert_eq!(pace.learned(ms(4_200)).refused_above, 19);
}

#[test]
fn a_changed_ceiling_counts_at_once() {
    let mut pace = open(0.1, 4);
    exchange(&mut pace, ms(0), Signal::Good(ms(10)));
    pace.set_ceiling(Ceiling {
        max_rate: 10.0,
        max_in_flight: 4,
        crawl_delay: None,
    });
    assert_eq!(
        pace.next_allowed(ms(20)),
        When::At(ms(100), WaitReason::Pace)
    );
}

#[test]
fn a_lone_time_out_cuts_nothing() {
    let learned = Learned {
        limit: 40,
        base_us: 5_000,
        ..Learned::default()
    };
    let mut pace = Pace::new(*open(f64::INFINITY, 20).ceiling(), Some(&learned), ms(0));
    for n in 0..400 {
        let signal = if n % 50 == 0 {
            Signal::Strained
        } else {
            Signal::Good(ms(5))
        };
        exchange(&mut pace, ms(n * 10), signal);
    }
    assert_eq!(pace.limit(), 20);
    for n in 400..800 {
        let signal = if n % 2 == 0 {
            Signal::Strained
        } else {
            Signal::Good(ms(5))
        };
        exchange(&mut pace, ms(n * 10), signal);
    }
    assert!(pace.limit() < 10, "{}", pace.limit());
    assert!(pace.why(ms(8_000)).contains("time-outs"));
}

#[test]
fn a_rate_that_is_no_number_is_hardly_ever() {
    for rate in [0.0, -1.0, f64::NAN, 1e-300] {
        assert_eq!(open(rate, 1).gap(ms(0)), Duration::from_hours(1), "{rate}");
    }
    assert_eq!(open(f64::INFINITY, 1).gap(ms(0)), Duration::ZERO);
}

#[test]
fn a_hang_at_a_quick_host_ends_after_seconds_and_a_slow_page_gets_its_time_in_the_end() {
    let most = Duration::from_secs(30);
    let mut slow_answers = SlowAnswers::default();
    assert_eq!(slow_answers.first_byte(most, 0, false), FIRST_ANSWER);
    slow_answers.on_good(Duration::from_millis(20));
    let waits = [(0, false), (1, false), (2, false), (3, true)]
        .map(|(failed, is_last)| slow_answers.first_byte(most, failed, is_last).as_secs());
    assert_eq!(waits, [3, 6, 12, 30]);
    slow_answers.on_good(Duration::from_secs(5));
    assert_eq!(slow_answers.first_byte(most, 0, false).as_secs(), 20);
    for _ in 0..1_000 {
        slow_answers.on_good(Duration::from_millis(20));
    }
    assert_eq!(slow_answers.first_byte(most, 0, false), LEAST_TIMEOUT);
    assert_eq!(
        slow_answers.first_byte(LOST_AFTER, 0, false),
        LOST_AFTER,
        "the setting is the ceiling"
    );
}
