//! A small shop: list pages chained by next links, detail pages, and the site file to crawl it.

use std::fmt::Write as _;

use crate::sites::{Reply, Request};

/// Where the shop lives; `--connect-to` brings it to a server.
pub const HOST: &str = "shop.test";
/// Cards on each list page.
pub const PER_PAGE: u32 = 5;

/// The site file of the shop, with these lines added to its politeness.
#[must_use]
pub fn site(politeness: &str) -> String {
    format!(
        r#"[site]
name  = "shop"
start = ["http://{HOST}/list/1"]
enter = "list"

[politeness]
max_rate = "1000/s"
{politeness}

[stages.list]
retry = {{ attempts = 3, backoff = "fixed", base = "10ms", jitter = "full" }}
tolerance = 1.0
pages = {{ next = "a.next" }}

[[stages.list.links]]
each   = "li.card"
select = "a@href"
to     = "detail"
carry  = {{ list_name = "a" }}

[stages.detail]
retry = {{ attempts = 3, backoff = "fixed", base = "10ms", jitter = "full" }}
tolerance = 1.0

[[stages.detail.records]]
kind = "item"
history = true

[stages.detail.records.fields]
name      = {{ select = "h1", required = true }}
price     = {{ select = ".price", type = "decimal", required = true }}
list_name = {{ carried = "list_name" }}
"#
    )
}

/// A list page with these links as cards; a next link where `next` names one.
#[must_use]
pub fn list(links: &[String], next: Option<&str>) -> Reply {
    let mut cards = String::new();
    for link in links {
        // Writing into a String cannot fail.
        let _ = write!(
            cards,
            "<li class=card><a href=\"{link}\">name of {link}</a></li>"
        );
    }
    let next = next.map_or_else(String::new, |next| {
        format!("<a class=next href=\"{next}\">n</a>")
    });
    Reply::html(format!("<html><body><ul>{cards}</ul>{next}</body></html>"))
}

/// A detail page.
#[must_use]
pub fn item(name: &str, price: &str) -> Reply {
    Reply::html(format!(
        "<html><body><h1>{name}</h1><p class=price>{price}</p></body></html>"
    ))
}

/// The whole shop with `items` items; none for a path that is not its own.
#[must_use]
pub fn page(items: u32, request: &Request) -> Option<Reply> {
    let path = request.path();
    if let Some(page) = path
        .strip_prefix("/list/")
        .and_then(|n| n.parse::<u32>().ok())
    {
        let first = page.saturating_sub(1) * PER_PAGE;
        let last = (first + PER_PAGE).min(items);
        let links: Vec<String> = (first..last).map(|n| format!("/item/{n}")).collect();
        let next = format!("/list/{}", page + 1);
        return Some(list(&links, (last < items).then_some(next.as_str())));
    }
    let number = path.strip_prefix("/item/")?.parse::<u32>().ok()?;
    (number < items).then(|| item(&format!("Item {number}"), &format!("{number}.50")))
}
