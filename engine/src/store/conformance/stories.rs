//! Stories that every store has to tell alike.

use std::time::Duration;

use crate::{
    extract::output::Value,
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, SessionId},
        phase::Phase,
    },
    ports::stored::{
        Alias, DeadSelector, Evidence, Mode, PageEnd, SessionOpened, StoreError, StoreReceipt,
        StoreVerb,
    },
    sim::store::ModelStore,
    store::conformance::{DETAIL, LIST, OnDisk, Subject, Talk, done, link, product},
};

macro_rules! stories {
    ($($name:ident),+ $(,)?) => {
        mod on_disk {
            $(#[test] fn $name() { super::$name(super::Talk::new(super::OnDisk::new())); })+
        }
        mod in_memory {
            $(#[test] fn $name() { super::$name(super::Talk::new(super::ModelStore::default())); })+
        }
    };
}

stories!(
    links_enter_once_and_in_order,
    entry_pages_fill_batches,
    admission_goes_on_behind_its_cursor,
    an_ended_page_is_final,
    a_backoff_waits_for_its_time,
    a_redirect_to_a_known_page_is_a_duplicate,
    a_redirects_target_counts_as_known,
    mode_new_fetches_only_what_is_not_complete,
    mode_full_fetches_all_again,
    failed_pages_run_again_with_new_numbers,
    failed_pages_become_dead_letters,
    dropped_pages_are_cancelled,
    what_was_in_flight_at_a_crash_is_suspect,
    the_third_crash_alone_makes_a_dead_letter,
    a_refused_verb_leaves_nothing,
    an_unfinished_session_is_not_begun_again,
    counts_survive_a_restart,
    attempts_are_read_back,
);

fn count(opened: &SessionOpened, phase: Phase) -> u64 {
    let of_phase = opened.counts.iter().filter(|(_, _, at, _)| *at == phase);
    of_phase.map(|(_, _, _, n)| n).sum()
}

fn value(text: &str, price: &str) -> Vec<Value> {
    vec![Value::Text(text.into()), Value::Decimal(price.into())]
}

fn failed() -> PageEnd {
    PageEnd::Failed {
        evidence: Evidence::default(),
        records: Vec::new(),
        links: Vec::new(),
    }
}

fn links_enter_once_and_in_order<S: Subject>(mut crawl: Talk<S>) {
    let found = crawl.discover(vec![link(LIST, "b"), link(LIST, "a"), link(LIST, "b")]);
    assert_eq!((found.new.len(), found.known), (2, 1));
    assert_eq!(&*found.new[0].url, "http://shop.test/b");
    assert_eq!((found.new[0].seq.0, found.new[1].seq.0), (1, 2));
    assert_eq!(found.new[0].url.carried(), "{\"position\":1}");
    assert_eq!(found.hosts.len(), 1);
    let again = crawl.discover(vec![link(LIST, "a"), link(DETAIL, "a")]);
    assert_eq!((again.new.len(), again.known, again.hosts.len()), (1, 1, 0));
}

fn entry_pages_fill_batches<S: Subject>(mut crawl: Talk<S>) {
    let found = crawl.discover(vec![link(LIST, "1"), link(LIST, "2"), link(LIST, "3")]);
    let batches: Vec<u32> = found.new.iter().map(|task| task.batch.0).collect();
    assert_eq!(batches, [0, 0, 1]);
    let links = vec![link(DETAIL, "x"), link(LIST, "4"), link(LIST, "5")];
    let ended = crawl.end(&found.new[0], done(vec![], links)).unwrap();
    let batches: Vec<u32> = ended
        .discovered
        .new
        .iter()
        .map(|task| task.batch.0)
        .collect();
    assert_eq!(batches, [0, 1, 2]);
    assert_eq!(ended.discovered.new[0].depth, 1);
}

fn attempts_are_read_back<S: Subject>(mut crawl: Talk<S>) {
    let task = crawl.discover(vec![link(DETAIL, "1")]).new.remove(0);
    crawl.end(&task, failed()).unwrap();
    let verb = |session| StoreVerb::Attempts {
        session,
        key: task.key,
    };
    for (session, n) in [(crawl.session, 1), (SessionId(9), 0)] {
        match crawl.ask(verb(session)).unwrap() {
            StoreReceipt::Attempts(rows) => assert_eq!(rows.len(), n),
            other => panic!("{other:?}"),
        }
    }
}

fn admission_goes_on_behind_its_cursor<S: Subject>(mut crawl: Talk<S>) {
    let links = ["1", "2", "3", "4", "5"].map(|name| link(DETAIL, name));
    let found = crawl.discover(links.to_vec());
    let (tasks, cursor, exhausted) = crawl.admit(0, 0, 2);
    assert_eq!((tasks.len(), cursor, exhausted), (2, 2, false));
    crawl.end(&found.new[2], done(vec![], vec![])).unwrap();
    let (tasks, cursor, exhausted) = crawl.admit(0, cursor, 2);
    assert_eq!((tasks[0].seq.0, cursor, exhausted), (4, 5, true));
    assert_eq!(tasks[0], found.new[3]);
    assert_eq!(crawl.admit(0, cursor, 2), (vec![], 5, true));
    assert_eq!(crawl.admit(1, 0, 2), (vec![], 0, true));
}

fn an_ended_page_is_final<S: Subject>(mut crawl: Talk<S>) {
    let task = crawl.discover(vec![link(DETAIL, "1")]).new.remove(0);
    let records = vec![
        product("1", value("a", "1.50")),
        product("2", value("b", "2")),
    ];
    let ended = crawl.end(&task, done(records.clone(), vec![])).unwrap();
    assert_eq!((ended.inserted, ended.changed, ended.unchanged), (2, 0, 0));
    let again = crawl.end(&task, done(records, vec![]));
    assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
    // It is passed over: after a crash there is no suspect.
    crawl.mark(&task, false).unwrap();
    let opened = crawl.crash();
    assert_eq!((opened.records, opened.bytes), (2, 100));
}

fn a_backoff_waits_for_its_time<S: Subject>(mut crawl: Talk<S>) {
    let task = crawl.discover(vec![link(DETAIL, "1")]).new.remove(0);
    let due_in = Duration::from_millis(500);
    crawl.end(&task, PageEnd::Backoff { due_in }).unwrap();
    let (tasks, _, _) = crawl.admit(0, 0, 9);
    assert_eq!(tasks[0].phase, Phase::Backoff);
    assert_eq!(tasks[0].due_in, Duration::from_millis(499));
    assert_eq!((tasks[0].tries.failed, tasks[0].tries.dispatched), (1, 1));
    crawl.now_ms += 10_000;
    assert_eq!(crawl.admit(0, 0, 9).0[0].due_in, Duration::ZERO);
    assert_eq!(count(&crawl.crash(), Phase::Backoff), 1);
}

fn redirected(name: &str) -> PageEnd {
    let target = link(DETAIL, name);
    PageEnd::Done {
        records: vec![product(name, value(name, "1"))],
        links: vec![link(DETAIL, "found")],
        alias: Some(Alias {
            key: target.key,
            url: target.url,
        }),
        validators: None,
        content_hash: None,
    }
}

fn a_redirect_to_a_known_page_is_a_duplicate<S: Subject>(mut crawl: Talk<S>) {
    let found = crawl.discover(vec![link(DETAIL, "old"), link(DETAIL, "new")]);
    let ended = crawl.end(&found.new[0], redirected("new")).unwrap();
    assert!(ended.duplicate);
    assert_eq!((ended.inserted, ended.discovered.new.len()), (0, 0));
    let own = crawl.end(&found.new[1], redirected("new")).unwrap();
    assert!(!own.duplicate, "a page is no duplicate of itself");
    let opened = crawl.crash();
    assert_eq!(opened.skipped, [(SkipReason::Duplicate, 1)]);
}

fn a_redirects_target_counts_as_known<S: Subject>(mut crawl: Talk<S>) {
    let found = crawl.discover(vec![link(DETAIL, "a"), link(DETAIL, "b")]);
    assert!(!crawl.end(&found.new[0], redirected("x")).unwrap().duplicate);
    assert_eq!(crawl.discover(vec![link(DETAIL, "x")]).known, 1);
    assert!(crawl.end(&found.new[1], redirected("x")).unwrap().duplicate);
    crawl.state("completed");
    crawl.open(Mode::New, None);
    let again = crawl.discover(vec![link(DETAIL, "x")]);
    assert_eq!(again.complete, [(BatchId(0), DETAIL, HostId(1), 1)]);
}

fn second_session<S: Subject>(crawl: &mut Talk<S>, mode: Mode) -> crate::ports::stored::Discovered {
    let links = [link(LIST, "l"), link(DETAIL, "good"), link(DETAIL, "bad")];
    let found = crawl.discover(links.to_vec());
    for task in &found.new[..2] {
        crawl.end(task, done(vec![], vec![])).unwrap();
    }
    let dead = PageEnd::Dead {
        class: ErrorClass::NotFound,
        evidence: Evidence::default(),
    };
    crawl.end(&found.new[2], dead).unwrap();
    crawl.state("completed");
    crawl.open(mode, None);
    crawl.discover(links.to_vec())
}

fn mode_new_fetches_only_what_is_not_complete<S: Subject>(mut crawl: Talk<S>) {
    let found = second_session(&mut crawl, Mode::New);
    let urls: Vec<&str> = found.new.iter().map(|task| &*task.url).collect();
    assert_eq!(urls, ["http://shop.test/l", "http://shop.test/bad"]);
    assert_eq!(found.complete, [(BatchId(0), DETAIL, HostId(1), 1)]);
    assert_eq!(found.hosts.len(), 1, "hosts are new to each session");
    let opened = crawl.crash();
    assert_eq!(opened.skipped, [(SkipReason::NotModified, 1)]);
    assert_eq!(opened.hosts[0].waiting, 2);
}

fn mode_full_fetches_all_again<S: Subject>(mut crawl: Talk<S>) {
    let found = second_session(&mut crawl, Mode::Full);
    assert_eq!((found.new.len(), found.complete.len()), (3, 0));
    assert_eq!(crawl.crash().mode, Mode::Full);
}

fn failed_pages_run_again_with_new_numbers<S: Subject>(mut crawl: Talk<S>) {
    let found = crawl.discover(vec![
        link(DETAIL, "1"),
        link(DETAIL, "2"),
        link(DETAIL, "3"),
    ]);
    crawl.end(&found.new[0], failed()).unwrap();
    crawl.end(&found.new[1], failed()).unwrap();
    let verb = StoreVerb::RequeueFailed {
        session: crawl.session,
        batch: Some(BatchId(0)),
        stage: DETAIL,
    };
    let Ok(StoreReceipt::Moved(moved)) = crawl.ask(verb) else {
        panic!("not moved");
    };
    assert_eq!((moved.len(), moved[0].count), (1, 2));
    let (tasks, cursor, _) = crawl.admit(0, 3, 9);
    assert_eq!((tasks.len(), tasks[0].seq.0, cursor), (2, 4, 5));
    assert_eq!((tasks[0].tries.failed, tasks[0].tries.dispatched), (0, 1));
    assert_eq!(count(&crawl.crash(), Phase::Queued), 3);
}

fn failed_pages_become_dead_letters<S: Subject>(mut crawl: Talk<S>) {
    let found = crawl.discover(vec![link(DETAIL, "1"), link(DETAIL, "2")]);
    crawl.end(&found.new[0], failed()).unwrap();
    let (session, batch, stage) = (crawl.session, None, DETAIL);
    let verb = StoreVerb::CondemnFailed {
        session,
        batch,
        stage,
    };
    crawl.ask(verb).unwrap();
    assert_eq!(crawl.crash().dead, [(ErrorClass::HttpServer, 1)]);
    let selector = DeadSelector {
        class: Some(ErrorClass::HttpServer),
        host: Some("shop.test".to_owned()),
        stage: Some(DETAIL),
        keys: vec![found.new[0].key],
    };
    let none = DeadSelector {
        class: Some(ErrorClass::Dns),
        ..DeadSelector::default()
    };
    for (selector, want) in [(none, 0), (selector, 1)] {
        let Ok(StoreReceipt::Moved(moved)) =
            crawl.ask(StoreVerb::RequeueDead { session, selector })
        else {
            panic!("not moved");
        };
        assert_eq!(moved.iter().map(|count| count.count).sum::<u64>(), want);
    }
    let opened = crawl.crash();
    assert_eq!((opened.dead.len(), opened.hosts[0].waiting), (0, 2));
}

fn dropped_pages_are_cancelled<S: Subject>(mut crawl: Talk<S>) {
    let found = crawl.discover(vec![link(DETAIL, "1"), link(DETAIL, "2")]);
    crawl.mark(&found.new[0], false).unwrap();
    let selector = DeadSelector {
        keys: vec![found.new[0].key],
        ..DeadSelector::default()
    };
    let session = crawl.session;
    crawl.ask(StoreVerb::Drop { session, selector }).unwrap();
    let late = crawl.end(&found.new[0], done(vec![], vec![]));
    assert!(matches!(late, Err(StoreError::Refused(_))), "{late:?}");
    let selector = DeadSelector::default();
    crawl.ask(StoreVerb::Drop { session, selector }).unwrap();
    let opened = crawl.crash();
    assert_eq!(count(&opened, Phase::Cancelled), 1);
    assert_eq!(count(&opened, Phase::Queued), 1);
}

fn what_was_in_flight_at_a_crash_is_suspect<S: Subject>(mut crawl: Talk<S>) {
    let found = crawl.discover(vec![link(DETAIL, "1"), link(DETAIL, "2")]);
    let due_in = Duration::from_secs(9);
    crawl
        .end(&found.new[0], PageEnd::Backoff { due_in })
        .unwrap();
    crawl.mark(&found.new[0], false).unwrap();
    assert_eq!(count(&crawl.crash(), Phase::Queued), 2);
    let (tasks, _, _) = crawl.admit(0, 0, 9);
    assert_eq!((tasks[0].suspect, tasks[1].suspect), (true, false));
    crawl.end(&tasks[0], PageEnd::Queued).unwrap();
    assert!(!crawl.admit(0, 0, 9).0[0].suspect);
}

fn the_third_crash_alone_makes_a_dead_letter<S: Subject>(mut crawl: Talk<S>) {
    let task = crawl.discover(vec![link(DETAIL, "1")]).new.remove(0);
    for _ in 0..5 {
        crawl.mark(&task, false).unwrap();
        assert_eq!(count(&crawl.crash(), Phase::Queued), 1);
    }
    for _ in 0..2 {
        crawl.mark(&task, true).unwrap();
        assert_eq!(count(&crawl.crash(), Phase::Queued), 1);
    }
    crawl.mark(&task, true).unwrap();
    let opened = crawl.crash();
    assert_eq!(opened.dead, [(ErrorClass::Crash, 1)]);
    assert_eq!(opened.hosts[0].waiting, 0);
}

fn a_refused_verb_leaves_nothing<S: Subject>(mut crawl: Talk<S>) {
    let task = crawl.discover(vec![link(DETAIL, "1")]).new.remove(0);
    let misfit = product("1", vec![Value::Null]);
    let good = product("2", value("a", "1"));
    let links = vec![link(LIST, "2")];
    let refused = crawl.end(&task, done(vec![good, misfit], links));
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    let session = crawl.session;
    crawl.session = SessionId(77);
    assert!(matches!(
        crawl.mark(&task, false),
        Err(StoreError::Refused(_))
    ));
    crawl.session = session;
    let opened = crawl.crash();
    assert_eq!((opened.records, opened.bytes), (0, 0));
    assert_eq!(opened.counts, [(BatchId(0), DETAIL, Phase::Queued, 1)]);
}

fn an_unfinished_session_is_not_begun_again<S: Subject>(mut crawl: Talk<S>) {
    let refuses = |crawl: &mut Talk<S>, resume| {
        let result = crawl.try_open(Mode::New, resume);
        assert!(matches!(result, Err(StoreError::Refused(_))), "{result:?}");
    };
    refuses(&mut crawl, None);
    crawl.state("stopped");
    refuses(&mut crawl, None);
    refuses(&mut crawl, Some(SessionId(9)));
    crawl.state("completed");
    refuses(&mut crawl, Some(SessionId(1)));
    assert_eq!(crawl.open(Mode::New, None).session, SessionId(2));
}

fn counts_survive_a_restart<S: Subject>(mut crawl: Talk<S>) {
    assert!(!crawl.crash().started);
    let found = crawl.discover(vec![link(LIST, "1"), link(DETAIL, "2"), link(DETAIL, "3")]);
    crawl
        .end(&found.new[0], done(vec![], vec![link(DETAIL, "4")]))
        .unwrap();
    crawl
        .end(&found.new[1], PageEnd::Skipped(SkipReason::Robots))
        .unwrap();
    let learned = crate::ports::stored::Note::Learned {
        host: found.hosts[0].0,
        state: serde_json::json!({ "rate": 2 }),
    };
    crawl.ask(StoreVerb::Note(learned)).unwrap();
    let judged = crate::ports::stored::Note::StageResult {
        session: crawl.session,
        batch: Some(BatchId(0)),
        stage: Some(DETAIL),
        result: serde_json::json!("recoverable"),
    };
    crawl.ask(StoreVerb::Note(judged)).unwrap();
    let opened = crawl.crash();
    assert_eq!(
        (opened.boot, opened.seed, opened.started),
        (3, u64::MAX, true)
    );
    assert_eq!(
        opened.counts,
        [
            (BatchId(0), LIST, Phase::Done, 1),
            (BatchId(0), DETAIL, Phase::Queued, 2),
            (BatchId(0), DETAIL, Phase::Skipped, 1),
        ]
    );
    assert_eq!(opened.skipped, [(SkipReason::Robots, 1)]);
    assert_eq!(
        opened.hosts[0].learned,
        Some(serde_json::json!({ "rate": 2 }))
    );
    assert_eq!(opened.stage_attempts, [(BatchId(0), DETAIL, 1)]);
}
