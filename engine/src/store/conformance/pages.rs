//! Stories of pages: found, admitted, ended, given up and taken up again.

use std::time::Duration;

use crate::{
    extract::output::Value,
    message::{
        receipts::{StoreError, StoreReceipt},
        store_verbs::{Alias, DeadSelector, Mode, PageEnd, StoreVerb},
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, SessionId},
        phase::Phase,
    },
    sim::store::ModelStore,
    store::conformance::{DETAIL, LIST, OnDisk, Subject, Talk, count, done, failed, link, product},
};

stories!(
    links_enter_once_and_in_order,
    entry_pages_fill_batches,
    attempts_are_read_back,
    admission_goes_on_behind_its_cursor,
    an_ended_page_is_final,
    a_backoff_waits_for_its_time,
    a_redirect_to_a_known_page_is_a_duplicate,
    a_redirects_target_counts_as_known,
    failed_pages_run_again_with_new_numbers,
    failed_pages_become_dead_letters,
    dropped_pages_are_cancelled,
    a_refused_verb_leaves_nothing,
);

fn value(text: &str, price: &str) -> Vec<Value> {
    vec![Value::Text(text.into()), Value::Decimal(price.into())]
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
    let class = ErrorClass::Dns;
    assert_eq!(task.cause, None);
    crawl
        .end(&task, PageEnd::Backoff { due_in, class })
        .unwrap();
    let (tasks, _, _) = crawl.admit(0, 0, 9);
    assert_eq!(tasks[0].cause, Some(class));
    assert_eq!(tasks[0].phase, Phase::Backoff);
    assert_eq!(tasks[0].due_in, Duration::from_millis(499));
    assert_eq!((tasks[0].tries.failed, tasks[0].tries.dispatched), (1, 1));
    crawl.now_ms += 10_000;
    assert_eq!(crawl.admit(0, 0, 9).0[0].due_in, Duration::ZERO);
    assert_eq!(count(&crawl.crash(), Phase::Backoff), 1);
    assert_eq!(crawl.admit(0, 0, 9).0[0].cause, Some(class));
    crawl.end(&task, PageEnd::Queued).unwrap();
    assert_eq!(crawl.admit(0, 0, 9).0[0].cause, None);
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
    // By name it waits again, as a dead letter would.
    let selector = DeadSelector {
        keys: vec![found.new[0].key],
        ..DeadSelector::default()
    };
    crawl
        .ask(StoreVerb::RequeueDead { session, selector })
        .unwrap();
    let opened = crawl.crash();
    assert_eq!(count(&opened, Phase::Cancelled), 0);
    assert_eq!(opened.hosts[0].waiting, 2);
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
