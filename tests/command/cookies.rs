//! Cookies over a stop: what servers set is kept with the session, and told to nobody.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use crawlfield_kit::{
    binary::Running,
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, program, result};

const ITEMS: u32 = 5;
const SECRET: &str = "s3cr3t-of-the-session";

/// Lists set the session's cookie; details want it, and have no answer while they stay `away`.
fn guarded(away: &Arc<AtomicBool>) -> Web {
    let away = Arc::clone(away);
    Web::start(move |request| {
        let knows = request.header("cookie").is_some_and(|cookie| {
            cookie
                .split("; ")
                .any(|pair| pair == format!("sid={SECRET}"))
        });
        let page = shop::page(ITEMS, request).unwrap_or_else(|| Reply::status(404));
        match request.path() {
            path if path.starts_with("/list/") => {
                page.with("Set-Cookie", &format!("sid={SECRET}; Path=/; HttpOnly"))
            }
            path if path.starts_with("/item/") && !knows => {
                Reply::status(403).with("Set-Cookie", &format!("refused={SECRET}; Path=/item"))
            }
            path if path.starts_with("/item/") && away.load(Ordering::Relaxed) => Reply::silence(),
            _ => page,
        }
    })
}

/// Whether a file, or the store's other files beside it, has the secret in it.
fn holds_secret(path: &str) -> bool {
    ["", "-wal", "-shm"].iter().any(|end| {
        fs::read(format!("{path}{end}")).is_ok_and(|bytes| {
            bytes
                .windows(SECRET.len())
                .any(|part| part == SECRET.as_bytes())
        })
    })
}

#[test]
fn a_resumed_session_has_its_cookies_and_nobody_is_told_them() {
    let place = Workplace::new();
    // The stop finds all items undone.
    let away = Arc::new(AtomicBool::new(true));
    let web = guarded(&away);
    place.write("site.toml", &shop::site(""));
    let (store, site, recording) = (
        place.store(),
        place.path("site.toml"),
        place.path("run.rec"),
    );
    let connect = web.connect_to(shop::HOST);
    let mut command = program().command([
        "run",
        &site,
        "--store",
        &store,
        "--json",
        "--connect-to",
        &connect,
        "--recording",
        &recording,
    ]);
    command.env("RUST_LOG", "trace");
    let mut running = Running::of(command);
    assert!(
        running.until(|| web.asked("/item/0") == 1),
        "it gets under way"
    );
    running.interrupt();
    assert!(running.says("draining"), "draining");
    running.interrupt();
    let stopped = running.ended().with_code(5);
    assert!(
        holds_secret(&store),
        "the store keeps the session's cookies"
    );

    away.store(false, Ordering::Relaxed);
    let resumed = place
        .run(&["resume", "--store", "STORE", "--json"])
        .with_code(0);
    let document = result(&resumed);
    assert_eq!(document["outcome"], "completed", "{document}");
    assert_eq!(document["dead"], 0, "{document}");
    assert_eq!(place.export("item").len(), ITEMS as usize);
    assert_eq!(web.asked("/list/1"), 1, "nothing set the cookie anew");

    assert!(!holds_secret(&store), "an ended session's cookies are gone");
    assert!(!holds_secret(&recording));
    let told = |args: &[&str]| {
        let ended = place.run(args).with_code(0);
        ended.stdout + &ended.stderr
    };
    for text in [
        stopped.stdout + &stopped.stderr,
        resumed.stdout + &resumed.stderr,
        told(&["sessions", "--store", "STORE", "--json"]),
        told(&["export", "--store", "STORE", "--record", "item"]),
        told(&[
            "export", "--store", "STORE", "--record", "item", "--format", "csv",
        ]),
    ] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn a_dead_letter_shows_the_names_of_cookies_only_and_is_fetched_again_with_them() {
    let place = Workplace::new();
    let web = Web::start(|request| {
        let page = shop::page(ITEMS, request).unwrap_or_else(|| Reply::status(404));
        let set = format!("sid={SECRET}; Path=/");
        let knows = request.header("cookie") == Some(&format!("sid={SECRET}"));
        match request.path() {
            "/list/1" => page.with("Set-Cookie", &set),
            "/item/1" if request.count == 1 || !knows => {
                Reply::status(403).with("Set-Cookie", &set)
            }
            _ => page,
        }
    });
    place.crawl(&web, &[]).with_code(3);
    let listed = place.run(&["dead", "list", "--store", "STORE", "--json"]);
    let letter: serde_json::Value = serde_json::from_str(listed.stdout.trim()).unwrap();
    let page = letter["page"].as_str().unwrap();
    let shown = place.run(&["dead", "show", "--store", "STORE", page]);
    let shown = shown.with_code(0).stdout;
    assert!(
        shown.contains("sid=…") && !shown.contains(SECRET),
        "{shown}"
    );
    place
        .run(&["dead", "requeue", "--store", "STORE"])
        .with_code(0);
    place.run(&["resume", "--store", "STORE"]).with_code(0);
    assert_eq!(place.export("item").len(), ITEMS as usize);
    assert!(
        !holds_secret(&place.store()),
        "the session is over for good"
    );
}

#[test]
fn a_discarded_sessions_cookies_are_gone() {
    let place = Workplace::new();
    let web = guarded(&Arc::new(AtomicBool::new(true)));
    let mut running = place.start_crawl(&web, &[]);
    assert!(running.until(|| web.asked("/item/0") == 1));
    running.kill();
    assert!(holds_secret(&place.store()));
    place
        .run(&["sessions", "--store", "STORE", "--discard", "1"])
        .with_code(0);
    assert!(!holds_secret(&place.store()));
}

#[test]
fn each_session_has_cookies_of_its_own() {
    let place = Workplace::new();
    // Counts the items that come with a cookie of another session.
    let strangers = Arc::new(Mutex::new(BTreeMap::new()));
    let seen = Arc::clone(&strangers);
    let web = Web::start(move |request| {
        let page = shop::page(ITEMS, request).unwrap_or_else(|| Reply::status(404));
        if request.path() == "/list/1" {
            let cookie = request.header("cookie").unwrap_or_default().to_owned();
            seen.lock().unwrap().insert(request.count, cookie);
            return page.with("Set-Cookie", &format!("sid={}; Path=/", request.count));
        }
        page
    });
    place.crawl(&web, &[]).with_code(0);
    place.crawl(&web, &[]).with_code(0);
    let sent = strangers.lock().unwrap().clone();
    assert_eq!(
        sent,
        BTreeMap::from([(1, String::new()), (2, String::new())])
    );
}
