//! Sessions and dead letters without an engine.

use crate::{
    message::{
        receipts::StoreError,
        store_verbs::{DeadSelector, Evidence, Mode, PageEnd},
    },
    model::{class::ErrorClass, head::Head, ids::SessionId, phase::Phase},
    store::{
        conformance::{DETAIL, OnDisk, Talk, done, link},
        dead,
        sessions::{discard, sessions, stopped_sessions},
    },
};

fn clock() -> crate::store::WallClock {
    Box::new(|| 5_000)
}

/// A session that has ended with one page done and one dead.
fn ended() -> Talk<OnDisk> {
    let mut crawl = Talk::new(OnDisk::new());
    let found = crawl.discover(vec![link(DETAIL, "1"), link(DETAIL, "2")]);
    crawl.end(&found.new[0], done(vec![], vec![])).unwrap();
    let evidence = Evidence {
        message: "404 Not Found".to_owned(),
        head: Some(Head {
            status: 404,
            headers: [("server", "x")].into_iter().collect(),
        }),
        body: Some(vec![b'x'; Evidence::MOST + 1]),
    };
    let class = ErrorClass::NotFound;
    crawl
        .end(&found.new[1], PageEnd::Dead { class, evidence })
        .unwrap();
    crawl.state("completed");
    crawl
}

#[test]
fn dead_letters_are_listed_shown_requeued_and_fetched_again() {
    let mut crawl = ended();
    let path = crawl.subject.path();
    let all = DeadSelector::default();
    let rows = dead::list(&path, None, &all).unwrap();
    assert_eq!((rows.len(), rows[0].stage_name.as_str()), (1, "detail"));
    assert_eq!(
        (rows[0].class, rows[0].host.as_str()),
        (ErrorClass::NotFound, "shop.test")
    );
    let letter = dead::show(&path, rows[0].key).unwrap().remove(0);
    assert_eq!(letter.attempts.len(), 1);
    assert_eq!(letter.head.unwrap()["status"], 404);
    assert_eq!(letter.body.unwrap().len(), Evidence::MOST);

    let busy = dead::requeue(&path, None, &all, clock());
    assert!(matches!(busy, Err(StoreError::Busy(_))), "{busy:?}");
    crawl.subject.store = None;
    assert_eq!(dead::requeue(&path, None, &all, clock()).unwrap(), 1);
    assert_eq!(dead::requeue(&path, None, &all, clock()).unwrap(), 0);
    let stopped = stopped_sessions(&path).unwrap();
    assert_eq!((stopped.len(), stopped[0].state.as_str()), (1, "stopped"));
    assert_eq!(stopped[0].counts, [(Phase::Queued, 1), (Phase::Done, 1)]);
    let opened = crawl.crash();
    assert_eq!((opened.dead.len(), opened.hosts[0].waiting), (0, 1));
    let origin = &sessions(&path).unwrap()[0].origin;
    assert_eq!(origin["resumes"], 1, "what it was resumed with is kept");
    let (tasks, _, _) = crawl.admit(0, 0, 9);
    assert_eq!(&*tasks[0].url, "http://shop.test/2");
}

#[test]
fn dropped_dead_letters_are_gone() {
    let mut crawl = ended();
    crawl.subject.store = None;
    let path = crawl.subject.path();
    let all = DeadSelector::default();
    assert_eq!(
        dead::drop_pages(&path, Some(SessionId(1)), &all, clock()).unwrap(),
        1
    );
    assert!(dead::list(&path, None, &all).unwrap().is_empty());
    let none = dead::list(&path, Some(SessionId(9)), &all);
    assert!(matches!(none, Err(StoreError::Refused(_))), "{none:?}");
    assert!(
        sessions(&path).unwrap()[0]
            .counts
            .contains(&(Phase::Cancelled, 1))
    );
}

#[test]
fn a_killed_session_is_resumable_until_it_is_discarded() {
    let mut crawl = Talk::new(OnDisk::new());
    crawl.discover(vec![link(DETAIL, "1")]);
    let path = crawl.subject.path();
    let running = stopped_sessions(&path);
    assert!(matches!(running, Err(StoreError::Busy(_))), "{running:?}");
    let rows = sessions(&path).unwrap();
    assert_eq!(
        (rows[0].site_text.as_str(), rows[0].state.as_str()),
        ("[site]", "running")
    );
    assert_eq!(rows[0].origin["kind"], "site");
    assert!(matches!(
        discard(&path, SessionId(1), clock()),
        Err(StoreError::Busy(_))
    ));
    crawl.subject.store = None;
    assert_eq!(stopped_sessions(&path).unwrap().len(), 1);
    let none = discard(&path, SessionId(2), clock());
    assert!(matches!(none, Err(StoreError::Refused(_))), "{none:?}");
    discard(&path, SessionId(1), clock()).unwrap();
    assert!(stopped_sessions(&path).unwrap().is_empty());
    let again = discard(&path, SessionId(1), clock());
    assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
    crate::store::conformance::Subject::restart(&mut crawl.subject);
    assert_eq!(crawl.open(Mode::New, None).session, SessionId(2));
}

#[test]
fn a_wrong_path_makes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.db");
    let all = DeadSelector::default();
    assert!(dead::requeue(&path, None, &all, clock()).is_err());
    assert!(discard(&path, SessionId(1), clock()).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
