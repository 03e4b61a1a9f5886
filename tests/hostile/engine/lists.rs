//! Lists that have no count: they end where the site has no more to show, whatever it answers.

use crawlfield_kit::{
    shop,
    sites::{Reply, Request, Web},
};

use super::{Crawled, crawl_site, program};

/// The shop's list read by page numbers, until a page is empty.
fn by_number(more: &str) -> String {
    let pages = "pages = { pattern = \"http://shop.test/list/{page}\", until_empty = true }";
    shop::site("").replace("pages = { next = \"a.next\" }", &format!("{pages}\n{more}"))
}

/// Twelve items on three pages; what is answered beyond them is given.
fn shop_beyond(beyond: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Web {
    Web::start(move |request| {
        let number = request.path().strip_prefix("/list/");
        match number.and_then(|number| number.parse::<u32>().ok()) {
            Some(4..) => beyond(request),
            _ => shop::page(12, request).unwrap_or_else(|| Reply::status(404)),
        }
    })
}

#[track_caller]
fn check(crawled: &Crawled, web: &Web, lists: usize) {
    assert_eq!(crawled.ended.code, Some(0), "{}", crawled.ended.stderr);
    assert_eq!(crawled.items().len(), 12);
    let seen = web.seen();
    let asked = seen.iter().filter(|target| target.starts_with("/list/"));
    assert_eq!(asked.count(), lists, "{seen:?}");
}

#[test]
fn a_list_ends_with_an_empty_page() {
    let web = shop_beyond(|_| shop::list(&[], None));
    check(&crawl_site(&web, &by_number(""), &[]), &web, 4);
}

#[test]
fn a_list_ends_with_a_page_that_is_not_there() {
    let web = shop_beyond(|_| Reply::status(404));
    check(&crawl_site(&web, &by_number(""), &[]), &web, 4);
}

#[test]
fn a_list_ends_where_the_last_page_is_answered_for_ever() {
    let last = ["/item/10", "/item/11"].map(str::to_owned);
    let web = shop_beyond(move |_| shop::list(&last, None));
    check(&crawl_site(&web, &by_number(""), &[]), &web, 5);
}

#[test]
fn the_last_page_may_be_short_though_nothing_says_that_it_is_the_last() {
    let web = shop_beyond(|_| Reply::status(404));
    let site = by_number("items_per_page = 5");
    // The last page and the missing one behind it are each read twice.
    check(&crawl_site(&web, &site, &[]), &web, 6);
}

#[test]
fn cards_that_lack_what_is_required_are_told_and_take_no_others_with_them() {
    let records = "[[stages.list.records]]\nkind = \"card\"\neach = \"li.card\"\n\
                   [stages.list.records.fields]\nname = { select = \"a b\", required = true }\n\n";
    let site = shop::site("").replace("[stages.detail]\n", &format!("{records}[stages.detail]\n"));
    let web = Web::start(|request| match request.path() {
        "/list/1" => Reply::html(
            "<li class=card><a href=/item/0><b>one</b></a><li class=card><a href=/item/1></a>\
             <li class=card><a href=/item/2><b>three</b></a>",
        ),
        _ => shop::page(12, request).unwrap_or_else(|| Reply::status(404)),
    });
    let crawled = crawl_site(&web, &site, &[]);
    assert_eq!(crawled.ended.code, Some(3), "{}", crawled.ended.stderr);
    let letter = ("/list/1".to_owned(), "invalid_record".to_owned());
    assert_eq!(crawled.classes(), [letter]);
    assert_eq!(crawled.items().len(), 3, "links of a bad page are followed");
    let args = ["export", "--store", &crawled.store(), "--record", "card"];
    let cards = program().run(args).stdout;
    assert_eq!(cards.lines().count(), 2, "{cards}");
    let args = ["dead", "list", "--store", &crawled.store()];
    let listed = program().run(args).stdout;
    assert!(listed.contains("1 of 3 cards"), "{listed}");
}
