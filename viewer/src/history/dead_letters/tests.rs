use super::*;

fn letter(n: u64, class: ErrorClass, host: u32, stage: u16, at_s: u64) -> DeadLetter {
    let url = format!("https://h{host}.test/{n}");
    DeadLetter {
        session: SessionId(1),
        class,
        key: PageKey::new("s", "detail", &url),
        url: url.into(),
        host: HostId(host),
        stage: StageId(stage),
        at_us: at_s * 1_000_000,
        message: "gone".into(),
    }
}

/// Three not found on host 1, one server error on host 2; two stages, two minutes.
fn four() -> DeadLetters {
    let mut letters = DeadLetters::default();
    for (n, class, host, stage, at_s) in [
        (1, ErrorClass::NotFound, 1, 0, 10),
        (2, ErrorClass::NotFound, 1, 1, 20),
        (3, ErrorClass::HttpServer, 2, 1, 70),
        (4, ErrorClass::NotFound, 1, 1, 80),
    ] {
        letters.push(letter(n, class, host, stage, at_s));
    }
    letters
}

#[test]
fn dead_letters_are_grouped_by_class_host_stage_and_minute_with_a_sample_each() {
    let letters = four();
    let check = |by, wanted: &[(GroupKey, u64)]| {
        let groups = letters.grouped(by);
        let got: Vec<(GroupKey, u64)> = groups.iter().map(|g| (g.shared, g.count)).collect();
        assert_eq!(got, wanted, "{by:?}");
    };
    check(
        Grouping::Class,
        &[
            (GroupKey::Class(ErrorClass::NotFound), 3),
            (GroupKey::Class(ErrorClass::HttpServer), 1),
        ],
    );
    check(
        Grouping::Host,
        &[
            (GroupKey::Host(HostId(1)), 3),
            (GroupKey::Host(HostId(2)), 1),
        ],
    );
    check(
        Grouping::Stage,
        &[
            (GroupKey::Stage(StageId(1)), 3),
            (GroupKey::Stage(StageId(0)), 1),
        ],
    );
    check(
        Grouping::Time,
        &[(GroupKey::Minute(60_000_000), 2), (GroupKey::Minute(0), 2)],
    );
    let not_found = &letters.grouped(Grouping::Class)[0];
    assert_eq!(&*not_found.sample.url, "https://h1.test/4");
    assert_eq!(not_found.span_us, (10_000_000, 80_000_000));
    assert_eq!((not_found.hosts, not_found.stages), (1, 2));
}

#[test]
fn what_a_person_took_away_is_forgotten_and_nothing_else() {
    for by in [
        Grouping::Class,
        Grouping::Host,
        Grouping::Stage,
        Grouping::Time,
    ] {
        let mut letters = four();
        let group = letters.grouped(by).remove(0);
        let selector = letters.selector(&group, Some("h1.test".to_owned()));
        letters.forget(SessionId(2), &selector, Some(HostId(1)));
        assert_eq!(letters.count(), 4, "another session's");
        letters.forget(SessionId(1), &selector, Some(HostId(1)));
        assert_eq!(letters.count(), 4 - group.count, "{by:?}");
    }
}

#[test]
fn a_page_that_dies_twice_counts_once_and_many_are_still_counted() {
    let mut letters = four();
    letters.push(letter(1, ErrorClass::Reset, 1, 0, 90));
    assert_eq!(letters.count(), 4);
    for n in 10..10 + DEAD_LETTERS_MAX as u64 {
        letters.push(letter(n, ErrorClass::Reset, 1, 0, 100));
    }
    assert_eq!(letters.count(), 4 + DEAD_LETTERS_MAX as u64);
    assert_eq!(letters.kept.len(), DEAD_LETTERS_MAX);
    letters.rewind(0);
    assert_eq!(letters.kept.len(), 0);
}
