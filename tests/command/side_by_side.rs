//! Several sites in one engine and one store: a session each.

use crawlfield_kit::{
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, documents};

const OTHER: &str = "other.test";

fn shop_of(items: u32) -> Web {
    Web::start(move |request| shop::page(items, request).unwrap_or_else(|| Reply::status(404)))
}

/// Both site files, and the flags that lead to both servers.
fn both(place: &Workplace, here: &Web, there: &Web) -> Vec<String> {
    place.write("site.toml", &shop::site(""));
    let other = shop::site("")
        .replace("\"shop\"", "\"other\"")
        .replace(shop::HOST, OTHER)
        .replace("\"item\"", "\"thing\"");
    let other = place.write("other.toml", &other);
    let mut args = vec!["run".to_owned(), "SITE".to_owned(), other];
    for flag in ["--store", "STORE", "--json", "--connect-to"] {
        args.push(flag.to_owned());
    }
    args.push(here.connect_to(shop::HOST));
    args.push("--connect-to".to_owned());
    args.push(there.connect_to(OTHER));
    args
}

fn sites(stdout: &str) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut ended: Vec<_> = documents(stdout)
        .iter()
        .map(|result| (text(&result["site"]), text(&result["outcome"])))
        .collect();
    ended.sort();
    ended
}

#[test]
fn two_sites_are_crawled_side_by_side_with_a_document_each() {
    let place = Workplace::new();
    let (here, there) = (shop_of(12), shop_of(7));
    let args = both(&place, &here, &there);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ended = place.run(&args).with_code(0);
    let wanted = ["other", "shop"].map(|site| (site.to_owned(), "completed".to_owned()));
    assert_eq!(sites(&ended.stdout), wanted);
    assert_eq!(place.export("item").len(), 12);
    assert_eq!(place.export("thing").len(), 7);
}

#[test]
fn resume_takes_up_every_stopped_session_of_a_store() {
    let place = Workplace::new();
    let slow = |items| {
        Web::start(move |request| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            shop::page(items, request).unwrap_or_else(|| Reply::status(404))
        })
    };
    let (here, there) = (slow(60), slow(60));
    let args = both(&place, &here, &there);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut running = place.start(&args);
    assert!(running.until(|| place.attempts() >= 6));
    running.interrupt();
    let _ = running.ended().with_code(5);
    let ended = place
        .run(&["resume", "--store", "STORE", "--json"])
        .with_code(0);
    let wanted = ["other", "shop"].map(|site| (site.to_owned(), "completed".to_owned()));
    assert_eq!(sites(&ended.stdout), wanted);
    assert_eq!(place.export("item").len(), 60);
    assert_eq!(place.export("thing").len(), 60);
}

#[test]
fn two_sites_of_one_name_are_refused() {
    let place = Workplace::new();
    place.write("site.toml", &shop::site(""));
    let twin = place.write("twin.toml", &shop::site(""));
    let _ = place
        .run(&["run", "SITE", &twin, "--store", "STORE"])
        .with_code(2)
        .saying(&["twin.toml", "\"shop\"", "name"]);
}
