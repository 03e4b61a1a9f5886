//! A list page: cards, pagination, and what stands there past the end.

use crate::demo::{
    catalogue::Product,
    markup::{LIST_QUERY, Layout, escape, put},
};

/// What a list page shows.
#[derive(Debug)]
pub(in crate::demo) struct ListView<'a> {
    /// Host it is on.
    pub(in crate::demo) host: &'a str,
    /// The page asked for, from 1.
    pub(in crate::demo) page: u32,
    /// The page that the pagination marks.
    pub(in crate::demo) active: u32,
    /// The last page that the pagination names.
    pub(in crate::demo) pages: u32,
    /// Cards, in the order shown; empty past the end.
    pub(in crate::demo) cards: &'a [Product],
}

/// The list page of this view.
pub(in crate::demo) fn list_page(layout: &Layout, view: &ListView<'_>) -> String {
    let mut page = String::with_capacity(layout.len() + 16_384);
    let canonical = list_url(view.host, view.page);
    layout.open(
        &mut page,
        "Certified products",
        &canonical,
        "archive post-type-archive",
    );
    page.push_str("<h1 class=\"page-title\">Certified products</h1>\n");
    filters(&mut page);
    if view.cards.is_empty() {
        past_the_end(&mut page);
    } else {
        page.push_str(
            "<div class=\"wp-block-crown-blocks-product-index\">\n<div class=\"post-feed item-count-12\" \
             data-item-count=\"12\"><div class=\"inner\">\n",
        );
        for product in view.cards {
            card(&mut page, product);
        }
        page.push_str("</div></div>\n</div>\n");
    }
    pagination(&mut page, view);
    layout.close(&mut page);
    page
}

fn list_url(host: &str, page: u32) -> String {
    match page {
        0 | 1 => format!("http://{host}/csa-iot_products/?{LIST_QUERY}"),
        _ => format!("http://{host}/csa-iot_products/page/{page}/?{LIST_QUERY}"),
    }
}

fn card(page: &mut String, product: &Product) {
    put(
        page,
        format_args!(
            "<article class=\"post-{} product type-product status-publish hentry\">\n<a href=\"{}\">\n\
             <div class=\"inner\">\n<div class=\"entry-featured-image\"><div class=\"inner\"><img loading=\"lazy\" \
             decoding=\"async\" width=\"300\" height=\"300\" src=\"/wp-content/uploads/{2}-300x300.webp\" \
             srcset=\"/wp-content/uploads/{2}-300x300.webp 300w, /wp-content/uploads/{2}-600x600.webp 600w\" \
             sizes=\"(max-width: 300px) 100vw, 300px\" alt=\"\"></div></div>\n<div class=\"contents\">\n\
             <p class=\"entry-company notranslate\">",
            100_000 + product.index,
            product.url,
            product.slug
        ),
    );
    escape(page, &product.manufacturer);
    page.push_str("</p>\n<h3 class=\"entry-title\">");
    escape(page, &product.model);
    page.push_str("</h3>\n");
    if let (Some(id), true) = (&product.certificate_id, product.certificate_on_card) {
        put(
            page,
            format_args!("<p class=\"entry-certificate-id\">Certificate ID: {id}</p>\n"),
        );
    }
    page.push_str("</div>\n</div>\n</a>\n</article>\n");
}

fn filters(page: &mut String) {
    page.push_str(
        "<form class=\"product-filters\" method=\"get\" action=\"/csa-iot_products/\">\n",
    );
    for (name, options) in [
        ("p_type[]", ["Matter", "Zigbee", "Access", "All"]),
        (
            "p_program_type[]",
            ["Matter Products", "Platforms", "Compliant parts", "All"],
        ),
        ("p_spec_ver[]", ["1.0", "1.2", "1.3", "1.4"]),
    ] {
        put(page, format_args!("<select name=\"{name}\">"));
        for option in options {
            put(
                page,
                format_args!("<option value=\"{option}\">{option}</option>"),
            );
        }
        page.push_str("</select>\n");
    }
    page.push_str("<input type=\"search\" name=\"p_keywords\" placeholder=\"Search\"></form>\n");
}

/// The site shows unrelated articles where a page holds no product.
fn past_the_end(page: &mut String) {
    page.push_str("<div class=\"no-results\"><p>No products were found.</p></div>\n<div class=\"news-feed\">\n");
    for number in 1..=3 {
        put(
            page,
            format_args!(
                "<article class=\"post-{number} post type-post hentry\"><a href=\"/newsroom/{number}/\">\
                 <h3 class=\"entry-title\">News from the catalogue, number {number}</h3>\
                 <p class=\"entry-summary\">Nothing in this story is a product.</p></a></article>\n"
            ),
        );
    }
    page.push_str("</div>\n");
}

/// First, last and the neighbours of the active page, as `WordPress` writes them.
fn pagination(page: &mut String, view: &ListView<'_>) {
    page.push_str("<div class=\"pagination-wrapper\"><nav class=\"navigation pagination\" aria-label=\"Products\"><div class=\"nav-links\">\n");
    let query = LIST_QUERY.replace('&', "&amp;");
    let (low, high) = (view.active.saturating_sub(2), view.active.saturating_add(2));
    let mut shown_before = 0;
    for number in [1]
        .into_iter()
        .chain(low.max(2)..=high.min(view.pages))
        .chain([view.pages])
    {
        if number <= shown_before {
            continue;
        }
        if number > shown_before + 1 {
            page.push_str("<span class=\"page-numbers dots\">&hellip;</span>\n");
        }
        shown_before = number;
        if number == view.active {
            put(
                page,
                format_args!(
                    "<a aria-current=\"page\" class=\"page-numbers current\"><span>{number}</span></a>\n"
                ),
            );
            continue;
        }
        let path = if number == 1 {
            String::new()
        } else {
            format!("page/{number}/")
        };
        put(
            page,
            format_args!(
                "<a class=\"page-numbers\" href=\"http://{}/csa-iot_products/{path}?{query}\"><span>{number}</span></a>\n",
                view.host
            ),
        );
    }
    page.push_str("</div></nav></div>\n");
}
