//! What a page yields, and what is said of what it does not.

use crawlfield_kit::{
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, result};

const LINKED: &str = "name = { jsonld = [\"Product/name\", \"/title\"], required = true }";

fn site() -> String {
    let name = "name      = { select = \"h1\", required = true }";
    let site = shop::site("");
    assert!(site.contains(name), "{site}");
    site.replace(name, LINKED)
}

fn product(blocks: &str) -> Reply {
    Reply::html(format!("{blocks}<p class=price>1.50</p>"))
}

/// Five items: one is told as it should be, two beside a block that is no JSON, one in no block that
/// can be read, and one at great length.
fn web() -> Web {
    let block = |json: &str| format!("<script type='application/ld+json'>{json}</script>");
    let damaged = block("{\"@type\": \"Product\", \"name\": ");
    let good = block("\u{feff}{\"@type\": \"product\", \"name\": \"N\",}");
    let long = block(&format!("{{\"title\": \"{}\"}}", "long ".repeat(2_000)));
    Web::start(move |request| match request.path() {
        "/item/0" => product(&good),
        "/item/1" => product(&format!("{damaged}{good}")),
        "/item/2" => product(&format!("{damaged}{damaged}{good}")),
        "/item/3" => product(&damaged),
        "/item/4" => product(&long),
        _ => shop::page(5, request).unwrap_or_else(|| Reply::status(404)),
    })
}

#[test]
fn blocks_that_cannot_be_read_are_counted_and_said_at_the_end() {
    let (place, web) = (Workplace::new(), web());
    place.write("site.toml", &site());
    let connect = web.connect_to(shop::HOST);
    let args = ["run", "SITE", "--store", "STORE", "--connect-to", &connect];
    let ended = place.run(&args).with_code(3);
    for said in ["JSON-LD blocks not read", ": 3, the first"] {
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
    }
    let names = place.export("item");
    assert_eq!(names.len(), 4, "{names:?}");
    let page = format!("http://{}/item/2", shop::HOST);
    let args = ["try", "SITE", &page, "--stage", "detail", "--connect-to"];
    let tried = place.run(&[&args[..], &[&connect]].concat()).with_code(0);
    let said = "2 JSON-LD blocks of the page cannot be read: block 1: EOF";
    assert!(tried.stdout.contains(said), "{}", tried.stdout);
}

#[test]
fn a_page_that_yields_too_much_is_a_dead_letter_and_nothing_of_it_is_saved() {
    let (place, web) = (Workplace::new(), web());
    place.write("site.toml", &site());
    let flags = ["--set", "bounds.max_output=4KB"];
    let ended = place.crawl(&web, &flags).with_code(3);
    let result = result(&ended);
    assert_eq!(result["deadByClass"]["too_large"], 1, "{result}");
    assert_eq!(result["remarks"]["block_unread"]["count"], 3, "{result}");
    assert_eq!(place.export("item").len(), 3);
    let shown = place
        .run(&["dead", "list", "--store", "STORE"])
        .with_code(0);
    assert!(
        shown.stdout.contains("bounds.max_output"),
        "{}",
        shown.stdout
    );
}
