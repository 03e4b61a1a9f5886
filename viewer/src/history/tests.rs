use crawlfield_engine::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Fault, Move},
        mirror::Mirror,
        snapshot::Snapshot,
        task_record::TaskRecord,
    },
    model::{
        class::ErrorClass,
        ids::{HostId, SessionId},
        phase::{BreakerPhase, Phase},
    },
};

use super::{
    History, Severity,
    dead_letters::{GroupKey, Grouping},
    series::{Series, thinned},
};

fn snapshot(at: f64, done: u64) -> Snapshot {
    let mut snapshot = Snapshot {
        at,
        ..Snapshot::default()
    };
    snapshot.progress.by_state.insert("done".to_owned(), done);
    snapshot
}

fn record(history: &mut History, mirror: &mut Mirror, at_us: u64, changes: Vec<Change>) {
    let tick = ChangeFrame {
        seq: mirror.next_seq(),
        at_us,
        changes,
    };
    history.record_changes(&tick, mirror);
    mirror.apply(&tick);
}

fn admitted(slot: u32) -> Change {
    Change::Admitted(Box::new(TaskRecord::new(slot, "https://h.test/1")))
}

fn moved(slot: u32, from: Phase, to: Phase, class: Option<ErrorClass>) -> Change {
    let detail = class.map_or(Detail::None, |class| {
        Detail::Error(Box::new(Fault {
            class,
            message: "502 Bad Gateway".into(),
            retry_at_us: None,
        }))
    });
    Change::Moved(Move {
        slot,
        from,
        to,
        attempts: 1,
        detail,
    })
}

#[test]
fn a_dead_letter_is_counted_by_class_with_its_message() {
    let (mut history, mut mirror) = (History::default(), Mirror::default());
    record(&mut history, &mut mirror, 1, vec![admitted(3)]);
    let fetch = moved(3, Phase::Queued, Phase::Fetching, None);
    let die = moved(
        3,
        Phase::Fetching,
        Phase::Dead,
        Some(ErrorClass::HttpServer),
    );
    record(&mut history, &mut mirror, 2, vec![fetch]);
    record(&mut history, &mut mirror, 3, vec![die]);
    let groups = history.dead_letters.grouped(Grouping::Class);
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].shared, GroupKey::Class(ErrorClass::HttpServer));
    assert_eq!(groups[0].count, 1);
    assert_eq!(&*groups[0].sample.message, "502 Bad Gateway");
    assert_eq!(history.last_message(3), Some("502 Bad Gateway"));
}

#[test]
fn a_dead_letter_that_is_queued_again_no_longer_counts() {
    let (mut history, mut mirror) = (History::default(), Mirror::default());
    record(&mut history, &mut mirror, 1, vec![admitted(3)]);
    let arrows = [
        (Phase::Queued, Phase::Fetching, None),
        (Phase::Fetching, Phase::Dead, Some(ErrorClass::NotFound)),
        (Phase::Dead, Phase::Queued, None),
    ];
    for (from, to, class) in arrows {
        record(
            &mut history,
            &mut mirror,
            2,
            vec![moved(3, from, to, class)],
        );
    }
    assert_eq!(history.dead_letters.count(), 0);
}

#[test]
fn remote_text_in_a_line_is_made_safe() {
    let (mut history, mut mirror) = (History::default(), Mirror::default());
    let name = Change::HostAdmitted {
        host: HostId(1),
        name: "h\u{202e}t".into(),
    };
    record(&mut history, &mut mirror, 1, vec![name]);
    let open = Change::BreakerMoved {
        host: HostId(1),
        to: BreakerPhase::Open,
    };
    record(&mut history, &mut mirror, 2, vec![open]);
    let line = history.log.back().expect("a line");
    assert_eq!(line.severity, Severity::Bad);
    assert!(!line.text.contains('\u{202e}'), "{}", line.text);
}

#[test]
fn going_back_in_time_forgets_what_lies_after() {
    let (mut history, mut mirror) = (History::default(), Mirror::default());
    for at in [1_000_000, 9_000_000] {
        let notice = Change::Notice {
            session: SessionId(1),
            text: "look".into(),
        };
        record(&mut history, &mut mirror, at, vec![notice]);
    }
    history.rewind(5_000_000);
    assert_eq!(history.log.len(), 1);
}

#[test]
fn a_series_is_known_up_to_any_time() {
    let mut series = Series::default();
    for at in [1.0, 5.0, 9.0] {
        series.push(&snapshot(at, 1));
    }
    let until = |at| series.until(at).last().map(|point| point.at);
    assert_eq!(
        [until(0.5), until(5.0), until(8.9)],
        [None, Some(5.0), Some(5.0)]
    );
}

#[test]
fn a_thinned_curve_keeps_its_peaks_and_its_order() {
    let curve: Vec<[f64; 2]> = (0_u32..10_000)
        .map(|x| [f64::from(x), if x == 4_321 { 99.0 } else { 1.0 }])
        .collect();
    let thin = thinned(&curve, 100);
    assert!(thin.len() <= 202, "{}", thin.len());
    assert!(thin.contains(&[4_321.0, 99.0]));
    assert!(thin.windows(2).all(|pair| pair[0][0] < pair[1][0]));
}

#[test]
fn a_short_curve_is_left_as_it_is() {
    let curve = [[0.0, 1.0], [1.0, 2.0]];
    assert_eq!(thinned(&curve, 100), curve);
}

#[test]
fn a_slope_is_growth_per_second_and_never_negative() {
    let mut series = Series::default();
    for (at, done) in [(1.0, 10), (3.0, 30), (4.0, 20)] {
        series.push(&snapshot(at, done));
    }
    assert_eq!(
        series.slope(0.0, |point| point.done),
        [[3.0, 10.0], [4.0, 0.0]]
    );
}

#[test]
fn a_series_stays_bounded_and_keeps_its_beginning() {
    let mut series = Series::default();
    for second in 0_u32..30_000 {
        series.push(&snapshot(f64::from(second), 0));
    }
    assert!(series.since(0.0).count() <= 8_192);
    assert!(series.first().expect("points").at < 100.0);
    assert_eq!(
        series.last().expect("points").at.total_cmp(&29_999.0),
        core::cmp::Ordering::Equal
    );
}
