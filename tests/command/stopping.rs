//! Ctrl-C, stopped sessions, and a store that is in use.

use std::time::Duration;

use crawlfield_kit::{
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, documents, result};

const ITEMS: u32 = 60;

/// A shop that answers at its leisure, so that there is time to stop it.
fn leisurely() -> Web {
    Web::start(|request| {
        std::thread::sleep(Duration::from_millis(20));
        shop::page(ITEMS, request).unwrap_or_else(|| Reply::status(404))
    })
}

#[test]
fn the_first_interrupt_drains_and_resume_finishes() {
    let place = Workplace::new();
    let web = leisurely();
    let mut running = place.start_crawl(&web, &[]);
    assert!(running.until(|| place.attempts() >= 8), "it gets under way");
    running.interrupt();
    let ended = running.ended().with_code(5).saying(&["draining"]);
    let stopped = result(&ended);
    assert_eq!(stopped["outcome"], "stopped", "{stopped}");

    let refused = place.crawl(&web, &[]).with_code(2);
    let refused = refused.saying(&[
        "crawlfield resume --store",
        "crawlfield sessions --store",
        "--discard 1",
    ]);
    assert_eq!(refused.stdout, "");
    let listed = place
        .run(&["sessions", "--store", "STORE", "--json"])
        .with_code(0);
    let sessions = documents(&listed.stdout);
    assert_eq!(
        (&sessions[0]["state"], &sessions[0]["resumable"]),
        (&"stopped".into(), &true.into())
    );

    let before = place.export("item").len();
    let asked = web.seen();
    let ended = place
        .run(&["resume", "--store", "STORE", "--json"])
        .with_code(0);
    assert_eq!(result(&ended)["outcome"], "completed");
    assert_eq!(place.export("item").len(), ITEMS as usize);
    assert!(before < ITEMS as usize);
    let again = web.seen()[asked.len()..]
        .iter()
        .filter(|target| asked.contains(target))
        .filter(|target| !target.ends_with("robots.txt"))
        .count();
    assert_eq!(again, 0, "what was drained is not fetched twice");
}

#[test]
fn a_resumed_session_keeps_the_settings_that_it_was_begun_with() {
    let place = Workplace::new();
    let web = leisurely();
    // Lists at depths 0 to 3 are read with their links; the one at depth 4 leads nowhere.
    let mut running = place.start_crawl(&web, &["--set", "bounds.max_depth=4"]);
    assert!(running.until(|| place.attempts() >= 2), "it gets under way");
    running.interrupt();
    let _ = running.ended().with_code(5);
    let _ = place.run(&["resume", "--store", "STORE"]).with_code(0);
    assert_eq!(place.export("item").len(), 4 * shop::PER_PAGE as usize);
    assert_eq!(
        (web.asked("/list/5"), web.asked("/list/6")),
        (1, 0),
        "no page lies deeper than the bound"
    );
}

#[test]
fn the_second_interrupt_stops_at_once_and_resume_finishes() {
    let place = Workplace::new();
    let web = Web::start(|request| match request.path() {
        "/item/1" if request.count == 1 => Reply::silence(),
        _ => shop::page(10, request).unwrap_or_else(|| Reply::status(404)),
    });
    let mut running = place.start_crawl(&web, &[]);
    assert!(running.until(|| web.asked("/item/1") == 1));
    running.interrupt();
    assert!(running.says("draining"), "draining");
    running.interrupt();
    let ended = running
        .ended()
        .with_code(5)
        .saying(&["draining", "at once"]);
    assert!(
        ended.took < Duration::from_secs(10),
        "it does not wait for the silent page"
    );
    let ended = place
        .run(&["resume", "--store", "STORE", "--json"])
        .with_code(0);
    assert_eq!(result(&ended)["outcome"], "completed");
    assert_eq!(place.export("item").len(), 10);
}

#[test]
fn a_discarded_session_makes_way_for_a_new_run() {
    let place = Workplace::new();
    let web = leisurely();
    let mut running = place.start_crawl(&web, &[]);
    assert!(running.until(|| place.attempts() >= 3));
    running.interrupt();
    let _ = running.ended().with_code(5);
    place
        .run(&["sessions", "--store", "STORE", "--discard", "1"])
        .with_code(0);
    place
        .run(&["resume", "--store", "STORE"])
        .with_code(0)
        .saying(&["nothing to resume"]);
    place
        .run(&["sessions", "--store", "STORE", "--discard", "7"])
        .with_code(2)
        .saying(&["session 7"]);
    place.crawl(&web, &[]).with_code(0);
    assert_eq!(place.export("item").len(), ITEMS as usize);
}

#[test]
fn a_store_in_use_is_refused_and_left_alone() {
    let place = Workplace::new();
    let web = leisurely();
    let mut running = place.start_crawl(&web, &[]);
    assert!(running.until(|| place.attempts() >= 2));
    let refused = place
        .run(&["run", "--demo", "--store", "STORE"])
        .with_code(4);
    let _ = refused.saying(&["in use", "process"]);
    // Its session has not ended, but it is no stopped one.
    let _ = place
        .crawl(&web, &[])
        .with_code(4)
        .saying(&["in use", "process"]);
    let _ = place.run(&["sessions", "--store", "STORE"]).with_code(0);
    let _ = place
        .run(&["export", "--store", "STORE", "--record", "item"])
        .with_code(0);
    let _ = running.ended().with_code(0);
    assert_eq!(place.export("item").len(), ITEMS as usize);
}
