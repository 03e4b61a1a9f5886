//! Dead letters: listed, shown, requeued, dropped, and fetched again by `resume`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crawlfield_kit::{
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, documents, result};

/// A shop of ten items; until it is mended, item 2 is gone and item 4 answers with 500.
fn broken() -> (Web, Arc<AtomicBool>) {
    let mended = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&mended);
    let web = Web::start(move |request| match request.path() {
        "/item/2" if !well.load(Ordering::Relaxed) => Reply::status(404),
        "/item/4" if !well.load(Ordering::Relaxed) => Reply::status(500),
        _ => shop::page(10, request).unwrap_or_else(|| Reply::status(404)),
    });
    (web, mended)
}

#[test]
fn letters_are_listed_shown_requeued_and_fetched_by_resume() {
    let place = Workplace::new();
    let (web, mended) = broken();
    let ended = place.crawl(&web, &[]).with_code(3);
    assert_eq!(result(&ended)["dead"], 2, "{}", ended.stdout);
    assert_eq!(
        result(&ended)["deadByClass"]["not_found"],
        1,
        "{}",
        ended.stdout
    );
    assert_eq!(place.export("item").len(), 8);
    let listed = place
        .run(&["dead", "list", "--store", "STORE", "--json"])
        .with_code(0);
    let letters = documents(&listed.stdout);
    assert_eq!(letters.len(), 2, "{}", listed.stdout);
    let server = letters
        .iter()
        .find(|letter| letter["class"] == "http_server")
        .unwrap();
    assert!(server["attempts"].as_u64().unwrap() >= 3, "{server}");
    let page = server["page"].as_str().unwrap();
    let shown = place
        .run(&["dead", "show", "--store", "STORE", page, "--json"])
        .with_code(0);
    let letter = &documents(&shown.stdout)[0];
    assert_eq!(letter["head"]["status"], 500, "{letter}");
    assert!(letter["history"].as_array().unwrap().len() >= 3, "{letter}");
    assert!(letter["body"].as_str().unwrap().contains("500"), "{letter}");
    place
        .run(&["dead", "list", "--store", "STORE", "--class", "not_fuond"])
        .with_code(2)
        .saying(&["not_found"]);

    mended.store(true, Ordering::Relaxed);
    let asked = web.requests();
    place
        .run(&[
            "dead",
            "requeue",
            "--store",
            "STORE",
            "--class",
            "http_server",
        ])
        .with_code(0)
        .saying(&["1 pages", "resume"]);
    let ended = place
        .run(&["resume", "--store", "STORE", "--json"])
        .with_code(3);
    assert_eq!(result(&ended)["dead"], 1, "{}", ended.stdout);
    let again = web.seen().split_off(asked);
    let pages: Vec<&String> = again
        .iter()
        .filter(|target| !target.ends_with("robots.txt"))
        .collect();
    assert_eq!(pages, ["/item/4"]);
    assert_eq!(place.export("item").len(), 9);

    place
        .run(&["dead", "drop", "--store", "STORE"])
        .with_code(0)
        .saying(&["1 pages"]);
    place
        .run(&["dead", "list", "--store", "STORE"])
        .with_code(0)
        .saying(&["no dead letters"]);
    place
        .run(&["resume", "--store", "STORE"])
        .with_code(0)
        .saying(&["nothing to resume"]);
    assert_eq!(place.export("item").len(), 9);
}

#[test]
fn a_session_goes_on_where_its_host_has_moved_to() {
    let place = Workplace::new();
    let (web, _) = broken();
    place.crawl(&web, &[]).with_code(3);
    drop(web);
    let requeue = ["dead", "requeue", "--store", "STORE", "--class"];
    let (moved, mended) = broken();
    mended.store(true, Ordering::Relaxed);
    let connect = moved.connect_to(shop::HOST);
    place
        .run(&[&requeue[..], &["http_server"]].concat())
        .with_code(0);
    place
        .run(&["resume", "--store", "STORE", "--connect-to", &connect])
        .with_code(3);
    assert_eq!(place.export("item").len(), 9);
    place
        .run(&[&requeue[..], &["not_found"]].concat())
        .with_code(0);
    place.run(&["resume", "--store", "STORE"]).with_code(0);
    assert_eq!(place.export("item").len(), 10, "it is kept");
}
