//! Pagination by next link, by count and until a page is empty.

use serde_json::{Value as Json, json};

use super::build::{URL, carried, href, json_of, map_of, pattern, read_at, site};
use crate::{
    extract::output::Extracted,
    model::remark::Remark,
    site::compiled::{Field, Pages, Source, Stage},
};

const PATTERN: &str = "http://a.test/page/{page}/";

fn list(pages: Pages, url: &str, html: &str, given: Json) -> Extracted {
    let list = Stage::new("list").links(None, &["a.item"], 1).pages(pages);
    let site = site(vec![list, Stage::new("detail")]);
    read_at(&site, 0, url, html.as_bytes(), None, &carried(given)).unwrap()
}

/// Page numbers and URLs of the links that lead on.
fn following(found: &Extracted) -> Vec<(Json, String)> {
    let on = found.links.iter().filter(|link| link.stage.0 == 0);
    on.map(|link| (link.carried["page"].clone(), link.url.clone()))
        .collect()
}

fn urls(numbers: std::ops::RangeInclusive<u32>) -> Vec<(Json, String)> {
    numbers
        .map(|n| (json!(n), format!("http://a.test/page/{n}/")))
        .collect()
}

#[test]
fn a_next_link_leads_to_the_next_place_in_the_chain() {
    let next = || Pages::Next(href(&["li.next a"]));
    let found = list(next(), URL, "<li class=next><a href=p2>n</a>", json!({}));
    assert_eq!(
        following(&found),
        [(json!(2), "http://a.test/list/p2".to_owned())]
    );
    assert!(found.has_next);
    assert_eq!(found.distinct_items, 0);
    let found = list(
        next(),
        URL,
        "<li class=next><a href=p9>n</a>",
        json!({"page": 8, "x": 1}),
    );
    let told = map_of(&found.links[0].carried);
    assert_eq!(json!(told), json!({"page": 9, "x": 1}));
}

#[test]
fn a_next_link_to_the_page_itself_is_no_next_page() {
    let found = list(
        Pages::Next(href(&["a.n"])),
        URL,
        "<a class=n href='#'>n</a>",
        json!({}),
    );
    assert_eq!((following(&found).len(), found.has_next), (0, false));
    let found = list(
        Pages::Next(href(&["a.n"])),
        URL,
        "<a class=n href=/list/>n</a>",
        json!({}),
    );
    assert_eq!((following(&found).len(), found.has_next), (0, false));
}

/// The pages of a list in the order in which they are read, with how many told something.
fn chain(next: &[&str], start: &str, pages: &[(&str, &str)]) -> (Vec<String>, u64) {
    let (mut read, mut told) = (Vec::new(), 0);
    let (mut url, mut given) = (format!("http://a.test{start}"), json!({}));
    loop {
        let path = url["http://a.test".len()..].to_owned();
        let html = pages.iter().find(|(at, _)| *at == path);
        let html = html.map_or("", |(_, html)| html);
        assert!(!read.contains(&path), "{path} is read twice: {read:?}");
        read.push(path);
        let found = list(Pages::Next(href(next)), &url, html, given.clone());
        let again = list(Pages::Next(href(next)), &url, html, given);
        assert_eq!(found, again);
        told += found.remarks.count(Remark::SeveralNext);
        let on: Vec<_> = found
            .links
            .iter()
            .filter(|link| link.stage.0 == 0)
            .collect();
        assert_eq!(
            (on.len(), found.has_next),
            (on.len().min(1), !on.is_empty())
        );
        let Some(link) = on.first() else {
            return (read, told);
        };
        (url, given) = (link.url.clone(), json!(link.carried));
    }
}

#[test]
fn of_several_matches_the_first_that_was_not_asked_for_leads_on() {
    let pages = [
        ("/1", "<a class=p href=/2>forward</a>"),
        (
            "/2",
            "<a class=p href=/1>back</a><a class=p href=/3>forward</a>",
        ),
        (
            "/3",
            "<a class=p href=/2>back</a><a class=p href='/4#x'>forward</a>",
        ),
        ("/4", "<a class=p href=/3>back</a>"),
    ];
    let all = ["/1", "/2", "/3", "/4"];
    assert_eq!(
        chain(&["a.p"], "/1", &pages),
        (all.map(str::to_owned).to_vec(), 0)
    );
    // Back to the beginning first, where it was entered in its middle; nothing is lost.
    let from_the_middle = ["/3", "/2", "/1", "/4"].map(str::to_owned).to_vec();
    assert_eq!(chain(&["a.p"], "/3", &pages), (from_the_middle, 1));
}

#[test]
fn a_pager_of_numbers_is_read_in_their_order() {
    let numbers = |at: u32| {
        let near = (1..=12_u32).filter(|n| *n == 1 || *n == 12 || n.abs_diff(at) <= 2);
        let link = |n: u32| format!("<a class=p href=/{n}>{n}</a>");
        near.map(link).collect::<String>()
    };
    let texts: Vec<(String, String)> = (1..=12).map(|n| (format!("/{n}"), numbers(n))).collect();
    let pages: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (&**a, &**b)).collect();
    let (read, told) = chain(&["a.p"], "/1", &pages);
    assert_eq!(read, (1..=12).map(|n| format!("/{n}")).collect::<Vec<_>>());
    assert_eq!(told, 10, "pages that lead to several new ones");
    let (read, _) = chain(&["a.p"], "/7", &pages);
    assert_eq!(read.len(), 12, "{read:?}");
}

#[test]
fn a_first_page_of_two_addresses_does_not_end_the_list() {
    let pages = [
        ("/", "<a class=p href=/2>forward</a>"),
        ("/1", "<a class=p href=/2>forward</a>"),
        (
            "/2",
            "<a class=p href=/1>back</a><a class=p href=/3>forward</a>",
        ),
        (
            "/3",
            "<a class=p href=/2>back</a><a class=p href=/4>forward</a>",
        ),
        ("/4", "<a class=p href=/3>back</a>"),
    ];
    let all = ["/", "/2", "/1", "/3", "/4"].map(str::to_owned).to_vec();
    assert_eq!(chain(&["a.p"], "/", &pages), (all, 1));
}

#[test]
fn the_nearest_link_of_what_next_matches_is_taken_or_it_is_said() {
    let next = |selector: &str, html: &str| {
        let found = list(Pages::Next(href(&[selector])), URL, html, json!({}));
        let to = following(&found)
            .first()
            .map(|(_, url)| url["http://a.test".len()..].to_owned());
        (to, found.remarks.count(Remark::NextWithoutLink))
    };
    let to = |path: &str| (Some(path.to_owned()), 0);
    assert_eq!(
        next("li.next", "<li class=next><a href=/2>Next</a>"),
        to("/2")
    );
    assert_eq!(
        next(
            "li.next@href",
            "<li class=next><p><a name=x>-</a><a href=/2>N</a>"
        ),
        to("/2")
    );
    assert_eq!(
        next("span", "<a href=/2><b><span>Next</span></b></a>"),
        to("/2")
    );
    assert_eq!(
        next("li@data-to", "<li data-to=/3><a href=/2>Next</a>"),
        to("/3")
    );
    let said = (None, 1);
    assert_eq!(next("li.next", "<a href=/2>x</a><li class=next>Next"), said);
    assert_eq!(next("li@data-to", "<li><a href=/2>Next</a>"), said);
    assert_eq!(next("li.next", "<a href=/2>Next</a>"), (None, 0));
    // A link that is switched off on the last page is only natural.
    let last = json!({"page": 4, "_asked": [7]});
    let found = list(Pages::Next(href(&["li"])), URL, "<li>Next", last);
    assert_eq!(found.remarks.count(Remark::NextWithoutLink), 0);
}

#[test]
fn the_entry_page_gives_all_pages_and_any_other_only_the_next() {
    let count = || pattern(PATTERN, Some(("b", r"of ([\d,]+)")));
    let html = "<b>Page 1 of 4</b>";
    let found = list(count(), URL, html, json!({}));
    assert_eq!(following(&found), urls(2..=4));
    assert_eq!((found.page_count, found.has_next), (Some(4), true));
    let found = list(count(), "http://a.test/page/3/", html, json!({"page": 3}));
    assert_eq!(following(&found), urls(4..=4));
    let found = list(count(), "http://a.test/page/4/", html, json!({"page": 4}));
    assert_eq!((following(&found).len(), found.has_next), (0, false));
}

#[test]
fn a_count_that_grows_gives_the_pages_that_were_not_told_before() {
    let count = || pattern(PATTERN, Some(("b", r"of ([\d,]+)")));
    let found = list(count(), URL, "<b>1 of 3</b>", json!({}));
    let on = |number: u64| {
        let mut links = found.links.iter();
        let link = links.find(|link| link.carried["page"] == json!(number));
        json!(link.unwrap().carried)
    };
    let second = list(count(), URL, "<b>2 of 6</b>", on(2));
    assert_eq!(
        following(&second),
        [urls(3..=3), urls(4..=6)].concat(),
        "the third was told by the first"
    );
    let third = list(count(), URL, "<b>3 of 3</b>", on(3));
    assert_eq!(following(&third), []);
}

#[test]
fn a_full_page_at_the_end_of_the_count_tries_the_next() {
    let after = |items: u32, at: u32, max: Option<u32>| {
        let mut pages = pattern(PATTERN, Some(("b", r"of (\d+)")));
        if let Pages::Pattern { max: most, .. } = &mut pages {
            *most = max;
        }
        let mut stage = Stage::new("list").links(None, &["a.item"], 1);
        stage.items_per_page = Some(items);
        let site = site(vec![stage.pages(pages), Stage::new("detail")]);
        let html = b"<b>of 3</b><a class=item href=/1>1</a>";
        let given = carried(json!({"page": at}));
        let found = read_at(&site, 0, URL, html, None, &given).unwrap();
        (following(&found), found.has_next)
    };
    assert_eq!(after(1, 3, None), (urls(4..=4), false));
    assert_eq!(after(1, 4, None), (urls(5..=5), false));
    assert_eq!(after(2, 3, None), (vec![], false));
    assert_eq!(after(1, 3, Some(3)), (vec![], false));
}

#[test]
fn a_page_that_the_pattern_names_has_the_number_in_its_url() {
    let html = "<b>Page 3 of 4</b><a class=item href=/1>1</a>";
    let count = || pattern(PATTERN, Some(("b", r"of ([\d,]+)")));
    // A start URL in the middle, and a page that some card led to.
    for position in [1, 9] {
        let given = json!({"page": 3, "position": position});
        let found = list(count(), "http://a.test/page/3/", html, given);
        assert_eq!((following(&found), found.page), (urls(4..=4), 3));
        assert_eq!(found.links[0].carried["page"], json!(3));
    }
}

#[test]
fn the_largest_number_is_the_count() {
    let count = pattern(PATTERN, Some((".n", "")));
    let html = "<a class=n>1</a><a class=n>…</a><a class=n>1,200</a><a class=n>Next</a>";
    let found = list(count, "http://a.test/x", html, json!({"page": 1199}));
    assert_eq!(found.page_count, Some(1200));
    assert_eq!(following(&found), urls(1200..=1200));
}

#[test]
fn without_a_count_the_list_goes_on_while_pages_hold_items() {
    for pages in [
        || pattern(PATTERN, None),
        || pattern(PATTERN, Some(("b", r"of (\d+)"))),
    ] {
        let full = "<a class=item href=/1>1</a>";
        assert_eq!(
            following(&list(pages(), URL, full, json!({"page": 7}))),
            urls(8..=8)
        );
        assert_eq!(
            following(&list(pages(), URL, "<p>none", json!({"page": 7}))).len(),
            0
        );
    }
}

#[test]
fn no_page_goes_beyond_the_maximum() {
    let bounded = |count| {
        let mut pages = pattern(PATTERN, count);
        if let Pages::Pattern { max, .. } = &mut pages {
            *max = Some(3);
        }
        pages
    };
    let html = "<b>of 99</b><a class=item href=/1>1</a>";
    let by_count = bounded(Some(("b", r"of (\d+)")));
    assert_eq!(
        following(&list(by_count, URL, html, json!({}))),
        urls(2..=3)
    );
    assert_eq!(
        following(&list(bounded(None), URL, html, json!({"page": 3}))).len(),
        0
    );
}

#[test]
fn a_list_that_a_card_led_to_begins_its_own_chain() {
    let html = "<a class=item href=/1>1</a>";
    let given = json!({"page": 5, "position": 2, "category": "c"});
    let found = list(pattern(PATTERN, None), URL, html, given);
    assert_eq!(following(&found), urls(2..=2));
    let on = found.links.iter().find(|link| link.stage.0 == 0).unwrap();
    assert_eq!(on.carried["page"], json!(2));
    assert_eq!(on.carried["category"], json!("c"));
    assert!(on.carried.get("position").is_none());
    assert_eq!(found.links[0].carried["page"], json!(1));
}

/// How many pages are read of a list whose pages show this, each by its number.
fn pages_read(pages: impl Fn() -> Pages, shows: impl Fn(u64) -> String) -> u64 {
    let mut given = json!({});
    for number in 1..50 {
        let found = list(pages(), URL, &shows(number), given.clone());
        match found.links.iter().find(|link| link.stage.0 == 0) {
            Some(next) => given = json!(next.carried),
            None => return number,
        }
    }
    50
}

#[test]
fn pages_that_repeat_the_one_before_end_the_list() {
    // The sixth page is the last one; the site answers every later number with it.
    let shows = |number: u64| {
        let (last, next) = (number.min(6), number + 1);
        format!("<a class=item href=/{last}>x</a><a class=n href=/list/{next}>n</a>")
    };
    assert_eq!(pages_read(|| pattern(PATTERN, None), shows), 8);
    assert_eq!(pages_read(|| Pages::Next(href(&["a.n"])), shows), 8);
    let lying = || pattern(PATTERN, Some(("b", "")));
    let counted = |number: u64| format!("<b>{}</b>{}", number + 1, shows(number));
    assert_eq!(pages_read(lying, counted), 8);
}

#[test]
fn a_page_that_repeats_another_once_by_chance_does_not_end_the_list() {
    let shows = |number: u64| match number {
        // New items push a whole page's items onto the next page.
        1..=9 => format!("<a class=item href=/{}>x</a>", number / 2),
        _ => "<p>none".to_owned(),
    };
    assert_eq!(pages_read(|| pattern(PATTERN, None), shows), 10);
}

#[test]
fn a_page_that_is_not_full_promises_no_next_one_but_tries_it() {
    let full = |items| {
        let mut stage = Stage::new("list").links(None, &["a.item"], 1);
        stage.items_per_page = Some(items);
        let site = site(vec![
            stage.pages(pattern(PATTERN, None)),
            Stage::new("detail"),
        ]);
        let html = "<a class=item href=/1>1</a>".as_bytes();
        let found = read_at(&site, 0, URL, html, None, &carried(json!({}))).unwrap();
        (following(&found).len(), found.has_next)
    };
    assert_eq!(full(1), (1, true));
    assert_eq!(full(2), (1, false));
}

#[test]
fn what_a_list_hands_on_shows_in_no_record_and_in_no_link_to_a_detail() {
    let names = ["_paging", "_shown", "_told", "_asked", "_left", "page"];
    let fields = names.map(|name| Field::new(name, Source::Carried(name.to_owned())));
    let list = Stage::new("list")
        .links(None, &["a.item"], 1)
        .pages(Pages::Next(href(&["a.n"])))
        .record(None, &[], fields.into());
    let site = site(vec![list, Stage::new("detail")]);
    let html = b"<a class=item href=/d>d</a><a class=n href=/list/2>n</a>";
    let read = |given: Json| read_at(&site, 0, URL, html, None, &carried(given)).unwrap();
    let first = read(json!({"page": 1}));
    let next = first.links.iter().find(|link| link.stage.0 == 0).unwrap();
    let stored = json!(next.carried);
    assert!(stored["_paging"]["shown"].is_object(), "{stored}");
    let earlier = json!({"page": 2, "_shown": [1, 2], "_told": 9, "_asked": [3], "_left": []});
    for given in [stored, earlier] {
        let second = read(given);
        let values: Vec<Json> = second.records[0].values.iter().map(json_of).collect();
        let nothing = Json::Null;
        assert_eq!(values[..5], vec![nothing; 5][..]);
        assert_eq!(values[5], json!("2"));
        let detail = second.links.iter().find(|link| link.stage.0 == 1).unwrap();
        assert_eq!(json!(detail.carried), json!({"page": 2, "position": 1}));
    }
}
