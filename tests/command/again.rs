//! A second crawl over the same store: what is fetched, and what changes in the records.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crawlfield_kit::{
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, result};

/// A shop whose size grows and whose item 3 costs what `price` says.
fn growing() -> (Web, Arc<AtomicU32>, Arc<AtomicU32>) {
    let (items, price) = (Arc::new(AtomicU32::new(12)), Arc::new(AtomicU32::new(7)));
    let (size, tag) = (Arc::clone(&items), Arc::clone(&price));
    let web = Web::start(move |request| {
        if request.path() == "/item/3" {
            return shop::item("Item 3", &tag.load(Ordering::Relaxed).to_string());
        }
        shop::page(size.load(Ordering::Relaxed), request).unwrap_or_else(|| Reply::status(404))
    });
    (web, items, price)
}

#[test]
fn mode_new_fetches_only_details_that_are_new() {
    let place = Workplace::new();
    let (web, items, _) = growing();
    place.crawl(&web, &[]).with_code(0);
    assert_eq!(place.export("item").len(), 12);
    let before = web.requests();
    items.store(17, Ordering::Relaxed);
    let ended = place.crawl(&web, &[]).with_code(0);
    let asked = &web.seen()[before..];
    let details = asked
        .iter()
        .filter(|target| target.starts_with("/item/"))
        .count();
    let lists = asked
        .iter()
        .filter(|target| target.starts_with("/list/"))
        .count();
    assert_eq!((lists, details), (4, 5), "{asked:?}");
    assert_eq!(result(&ended)["records"]["new"], 5);
    assert_eq!(place.export("item").len(), 17);
}

#[test]
fn mode_full_fetches_all_and_tells_what_changed_when() {
    let place = Workplace::new();
    let (web, _, price) = growing();
    place.crawl(&web, &[]).with_code(0);
    let first = place.export("item");
    let before = web.requests();
    price.store(9, Ordering::Relaxed);
    let ended = place.crawl(&web, &["--mode", "full"]).with_code(0);
    let details = web.seen()[before..]
        .iter()
        .filter(|target| target.starts_with("/item/"))
        .count();
    assert_eq!(details, 12);
    let records = &result(&ended)["records"];
    assert_eq!(
        (&records["changed"], &records["new"]),
        (&1.into(), &0.into()),
        "{records}"
    );
    let second = place.export("item");
    assert_eq!(second.len(), 12);
    for row in &second {
        let url = &row["_url"];
        let old = first.iter().find(|old| old["_url"] == *url).unwrap();
        assert_eq!(row["_first_seen"], old["_first_seen"]);
        assert_ne!(row["_last_seen"], old["_last_seen"], "{row}");
        let changed = row["_changed_at"] != old["_changed_at"];
        assert_eq!(
            changed,
            url.as_str().unwrap().ends_with("/item/3"),
            "{row} {old}"
        );
    }
    let history: Vec<(String, String, String)> = place
        .database()
        .prepare("SELECT field, old, new FROM cf_record_change")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        history,
        [("price".to_owned(), "7".to_owned(), "9".to_owned())]
    );
}
