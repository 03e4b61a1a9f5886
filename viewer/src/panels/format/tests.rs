use crawlfield_engine::{feed::snapshot::Prediction, model::class::ErrorClass};

use super::{advice, brief, bytes, class, clock, count, eta, rate, share, span};

fn check<T: Copy + std::fmt::Debug>(word: impl Fn(T) -> String, cases: &[(T, &str)]) {
    for (value, wanted) in cases {
        assert_eq!(word(*value), *wanted, "{value:?}");
    }
}

#[test]
fn counts_are_grouped_and_large_ones_shortened() {
    check(
        count,
        &[
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (999_999, "999,999"),
            (1_234_567, "1.23 M"),
            (2_000_000_000, "2.00 G"),
        ],
    );
    check(
        brief,
        &[
            (999, "999"),
            (1_234, "1.2 k"),
            (34_400, "34 k"),
            (1_250_000, "1.2 M"),
        ],
    );
}

#[test]
fn times_grow_from_seconds_to_days() {
    check(
        clock,
        &[
            (-3.0, "0:00"),
            (6.6, "0:07"),
            (59.6, "1:00"),
            (760.0, "12:40"),
            (3_760.0, "1:02:40"),
            (273_600.0, "3 d 4 h"),
        ],
    );
    check(
        span,
        &[
            (85.2, "85 ms"),
            (999.4, "999 ms"),
            (1_240.0, "1.2 s"),
            (42_000.0, "42 s"),
            (200_000.0, "3:20"),
        ],
    );
}

#[test]
fn bytes_rates_and_shares_have_two_digits() {
    check(
        share,
        &[
            (0.0, "0 %"),
            (0.000_1, "0.1 %"),
            (0.004, "0.4 %"),
            (0.009_6, "1 %"),
            (0.123, "12 %"),
            (1.0, "100 %"),
        ],
    );
    check(
        bytes,
        &[
            (812.0, "812 B"),
            (1_240.0, "1.2 kB"),
            (34_000_000.0, "34 MB"),
        ],
    );
    check(
        rate,
        &[
            (0.0, "0"),
            (0.34, "0.3"),
            (5.0, "5"),
            (12.4, "12"),
            (4_321.0, "4,321"),
        ],
    );
}

#[test]
fn an_eta_without_evidence_is_unknown() {
    assert_eq!(eta(None, 0.0).0, "time left unknown");
}

#[test]
fn an_eta_has_its_interval_and_its_measured_coverage_and_goes_on_counting() {
    let prediction = Prediction {
        eta_median: 162.0,
        eta80: [132.0, 212.0],
        eta95: [120.0, 260.0],
        coverage80: Some(0.79),
        coverage95: None,
    };
    let (head, detail) = eta(Some(&prediction), 2.0);
    assert_eq!(head, "2:40 left");
    assert_eq!(detail, "80 %: 2:10–3:30, held 79 % of the time");
    let unmeasured = Prediction {
        coverage80: None,
        ..prediction
    };
    assert!(eta(Some(&unmeasured), 0.0).1.ends_with("not measured"));
}

#[test]
fn every_class_has_words_and_an_act() {
    for each in ErrorClass::ALL {
        assert!(!class(each).contains('_'), "{each:?}");
        assert!(advice(each).len() > 10, "{each:?}");
    }
}
