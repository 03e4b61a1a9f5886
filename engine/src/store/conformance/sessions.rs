//! Stories of sessions: one after another, and after a crash.

use std::time::Duration;

use crate::{
    message::{
        receipts::{Discovered, StoreError, StoreReceipt},
        store_verbs::{
            Evidence, KeptCookie, Mode, Note, PageEnd, SetCookies, StoreVerb, StoredTask,
        },
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, SessionId},
        phase::Phase,
        remark::{Remark, Remarks},
    },
    sim::store::ModelStore,
    store::conformance::{DETAIL, LIST, OnDisk, Subject, Talk, attempt, count, done, failed, link},
};

stories!(
    mode_new_fetches_only_what_is_not_complete,
    mode_full_fetches_all_again,
    what_was_in_flight_at_a_crash_is_suspect,
    the_third_crash_alone_makes_a_dead_letter,
    an_unfinished_session_is_not_begun_again,
    counts_survive_a_restart,
    cookies_are_kept_until_the_session_is_over_for_good,
    a_pages_remarks_count_once_and_survive_a_restart,
);

fn cookies_are_kept_until_the_session_is_over_for_good<S: Subject>(mut crawl: Talk<S>) {
    let cookie = |place: &str, text: Option<&str>| KeptCookie {
        place: place.to_owned(),
        text: text.map(str::to_owned),
    };
    let keep = |crawl: &mut Talk<S>, session: SessionId, cookies: &[KeptCookie]| {
        let set = SetCookies {
            session,
            cookies: cookies.to_vec(),
        };
        let receipt = crawl.ask(StoreVerb::KeepCookies(set));
        assert!(matches!(receipt, Ok(StoreReceipt::Noted)), "{receipt:?}");
    };
    let first = crawl.session;
    let set = [cookie("b", Some("1")), cookie("a", Some("1"))];
    keep(&mut crawl, first, &set);
    keep(
        &mut crawl,
        first,
        &[cookie("b", Some("2")), cookie("c", Some("3"))],
    );
    assert_eq!(
        crawl.crash().cookies,
        [
            cookie("a", Some("1")),
            cookie("b", Some("2")),
            cookie("c", Some("3"))
        ]
    );
    keep(
        &mut crawl,
        first,
        &[cookie("a", None), cookie("none", None)],
    );
    crawl.state("stopped");
    keep(&mut crawl, first, &[cookie("c", Some("4"))]);
    assert_eq!(
        crawl.crash().cookies,
        [cookie("b", Some("2")), cookie("c", Some("4"))]
    );
    crawl.state("completed");
    // Late ones, and those of no session, are nobody's.
    keep(&mut crawl, first, &[cookie("late", Some("5"))]);
    keep(&mut crawl, SessionId(9), &[cookie("lost", Some("6"))]);
    assert_eq!(crawl.open(Mode::New, None).cookies, []);
    let second = crawl.session;
    keep(&mut crawl, second, &[cookie("b", Some("7"))]);
    assert_eq!(crawl.crash().cookies, [cookie("b", Some("7"))]);
    // Its dead letter may be requeued, which takes it up again.
    let task = crawl.discover(vec![link(DETAIL, "1")]).new.remove(0);
    let dead = PageEnd::Dead {
        class: ErrorClass::NotFound,
        evidence: Evidence::default(),
    };
    crawl.end(&task, dead).unwrap();
    crawl.state("completed");
    keep(&mut crawl, second, &[cookie("late", Some("8"))]);
    crawl.state("stopped");
    assert_eq!(
        crawl.crash().cookies,
        [cookie("b", Some("7")), cookie("late", Some("8"))]
    );
    crawl.state("discarded");
    crawl.state("stopped");
    assert_eq!(crawl.crash().cookies, []);
}

fn second_session<S: Subject>(crawl: &mut Talk<S>, mode: Mode) -> Discovered {
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

fn what_was_in_flight_at_a_crash_is_suspect<S: Subject>(mut crawl: Talk<S>) {
    let found = crawl.discover(["1", "2", "3"].map(|n| link(DETAIL, n)).to_vec());
    let due_in = Duration::from_secs(9);
    let class = ErrorClass::Reset;
    crawl
        .end(&found.new[0], PageEnd::Backoff { due_in, class })
        .unwrap();
    crawl.end(&found.new[2], done(vec![], vec![])).unwrap();
    // One that has ended keeps none of the others from being marked.
    let mark = StoreVerb::Mark {
        session: crawl.session,
        keys: [2, 0].map(|at: usize| found.new[at].key).to_vec(),
        lone: false,
    };
    crawl.ask(mark).unwrap();
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
    let learned = Note::Learned {
        host: found.hosts[0].0,
        state: serde_json::json!({ "rate": 2 }),
    };
    crawl.ask(StoreVerb::Note(learned)).unwrap();
    let judged = Note::StageResult {
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

fn a_pages_remarks_count_once_and_survive_a_restart<S: Subject>(mut crawl: Talk<S>) {
    let pages = crawl.discover(vec![link(LIST, "1"), link(LIST, "2")]).new;
    let mut end = |page: &StoredTask, end, n| {
        let mut order = attempt(crawl.session, page, end);
        let example = || format!("http://shop.test/{n}");
        order.remarks.add_many(Remark::LinkTooLong, n, example);
        match crawl.ask(StoreVerb::End(order.into())) {
            Ok(StoreReceipt::Ended(ended)) => ended.remarks.count(Remark::LinkTooLong),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end(&pages[0], failed(), 2), 2);
    assert_eq!(end(&pages[1], done(vec![], vec![]), 3), 3);
    crawl
        .ask(StoreVerb::RequeueFailed {
            session: crawl.session,
            batch: None,
            stage: LIST,
        })
        .unwrap();
    crawl.crash();
    let again = crawl.admit(0, 0, 9).0.remove(0);
    let mut order = attempt(crawl.session, &again, done(vec![], vec![]));
    order.remarks.add(Remark::LinkTrap, String::new);
    crawl.ask(StoreVerb::End(order.into())).unwrap();
    let said: Vec<_> = Remarks::lines(&crawl.crash().remarks.document(), str::to_owned);
    assert_eq!(
        said,
        ["links not followed, too long (`bounds.max_url`): 5, the first http://shop.test/2"]
    );
}
