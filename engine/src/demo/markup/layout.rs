//! What every page has around its content: head with inline style, navigation, footer, scripts.

use super::{escape, put};

/// The parts that are the same on all pages.
#[derive(Debug)]
pub(in crate::demo) struct Layout {
    head: String,
    navigation: String,
    footer: String,
}

const MENUS: &[(&str, &[&str])] = &[
    (
        "Solutions",
        &[
            "Lighting",
            "Climate",
            "Access",
            "Sensors",
            "Energy",
            "Appliances",
            "Media",
        ],
    ),
    (
        "Certification",
        &[
            "Why certify",
            "Process",
            "Test tools",
            "Laboratories",
            "Policies",
            "Fees",
        ],
    ),
    (
        "Products",
        &[
            "All products",
            "Platforms",
            "Compliant parts",
            "By family",
            "By member",
        ],
    ),
    (
        "Membership",
        &[
            "Levels",
            "Members",
            "Join",
            "Working groups",
            "Regional groups",
            "FAQ",
        ],
    ),
    (
        "Resources",
        &[
            "Developers",
            "Specifications",
            "White papers",
            "Newsroom",
            "Events",
            "Videos",
        ],
    ),
];

const STYLED: &[&str] = &[
    "post-feed",
    "product-index",
    "entry-title",
    "entry-company",
    "entry-category",
    "entry-summary",
    "product-details",
    "pagination-wrapper",
    "page-numbers",
    "site-header",
    "site-footer",
    "menu-primary",
    "menu-secondary",
    "wp-block-columns",
    "wp-block-column",
    "wp-block-group",
];

impl Layout {
    pub(in crate::demo) fn new() -> Self {
        Self {
            head: head(),
            navigation: navigation(),
            footer: footer(),
        }
    }

    /// Bytes that the layout adds to a page.
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.navigation.len() + self.footer.len()
    }

    /// Everything up to the content.
    pub(super) fn open(&self, into: &mut String, title: &str, canonical: &str, class: &str) {
        into.push_str(
            "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head>\n<meta charset=\"UTF-8\">\n<title>",
        );
        escape(into, title);
        into.push_str(" - Demo Catalogue</title>\n<link rel=\"canonical\" href=\"");
        escape(into, canonical);
        into.push_str("\">\n<meta property=\"og:title\" content=\"");
        escape(into, title);
        into.push_str("\">\n<meta property=\"og:url\" content=\"");
        escape(into, canonical);
        into.push_str("\">\n");
        into.push_str(&self.head);
        put(
            into,
            format_args!("<body class=\"{class} wp-embed-responsive no-sidebar\">\n"),
        );
        into.push_str(&self.navigation);
        into.push_str("<main id=\"main\" class=\"site-main\" role=\"main\">\n");
    }

    /// Everything after the content.
    pub(super) fn close(&self, into: &mut String) {
        into.push_str("</main>\n");
        into.push_str(&self.footer);
        into.push_str("</body>\n</html>\n");
    }
}

fn head() -> String {
    let mut head = String::from(
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"index, follow, max-image-preview:large\">\n\
         <meta name=\"generator\" content=\"Crawlfield demo catalogue: every product is invented\">\n\
         <style id=\"inline-css\">\n:root{--ink:#10182b;--paper:#fff;--accent:#0a7d68}\n",
    );
    for (number, class) in STYLED.iter().enumerate() {
        put(
            &mut head,
            format_args!(
                ".{class}{{display:block;margin:{number}px auto;padding:.{number}em 1em;color:var(--ink)}}\n\
                 .{class}>.inner{{max-width:{}px;line-height:1.{number}}}\n\
                 @media(max-width:{}px){{.{class}{{padding:0;font-size:.9{number}rem}}}}\n",
                900 + number * 20,
                480 + number * 16,
            ),
        );
    }
    head.push_str("</style>\n");
    for name in ["interactivity", "navigation", "filters"] {
        put(
            &mut head,
            format_args!(
                "<link rel=\"stylesheet\" href=\"/wp-content/themes/demo/{name}.css?ver=6.4\">\n"
            ),
        );
    }
    head.push_str("</head>\n");
    head
}

fn navigation() -> String {
    let mut nav = String::from(
        "<a class=\"skip-link\" href=\"#main\">Skip to content</a>\n<header class=\"site-header\">\
         <div class=\"inner\">\n<a class=\"site-logo\" href=\"/\"><img src=\"/logo.svg\" alt=\"Demo Catalogue\" \
         width=\"180\" height=\"48\"></a>\n<nav class=\"menu-primary\" aria-label=\"Primary\"><ul class=\"menu\">\n",
    );
    for (number, (menu, items)) in MENUS.iter().enumerate() {
        put(
            &mut nav,
            format_args!(
                "<li id=\"menu-item-{number}00\" class=\"menu-item menu-item-has-children\">\
                 <a href=\"/{0}/\">{menu}</a>\n<ul class=\"sub-menu\">\n",
                path_of(menu)
            ),
        );
        for (place, item) in items.iter().enumerate() {
            put(
                &mut nav,
                format_args!(
                    "<li id=\"menu-item-{number}{place:02}\" class=\"menu-item menu-item-type-page\">\
                     <a href=\"/{0}/{1}/\">{item}</a></li>\n",
                    path_of(menu),
                    path_of(item)
                ),
            );
        }
        nav.push_str("</ul></li>\n");
    }
    nav.push_str("</ul></nav>\n</div></header>\n");
    nav
}

fn footer() -> String {
    let mut footer = String::from("<footer class=\"site-footer\"><div class=\"inner\">\n");
    for (menu, items) in MENUS {
        put(
            &mut footer,
            format_args!("<section class=\"widget widget_nav_menu\"><h2>{menu}</h2><ul>\n"),
        );
        for item in *items {
            put(
                &mut footer,
                format_args!(
                    "<li><a href=\"/{}/{}/\">{item}</a></li>\n",
                    path_of(menu),
                    path_of(item)
                ),
            );
        }
        footer.push_str("</ul></section>\n");
    }
    footer.push_str(
        "<p class=\"legal\">This is Crawlfield&rsquo;s demo catalogue. No company, product or certificate in \
         it is real.</p>\n</div></footer>\n<script id=\"settings\" type=\"application/json\">\
         {\"root\":\"/wp-json/\",\"lang\":\"en\",\"perPage\":12}</script>\n<script>\n",
    );
    for name in [
        "menu",
        "filters",
        "analytics",
        "consent",
        "search",
        "lazyload",
    ] {
        put(
            &mut footer,
            format_args!(
                "(function(d,w){{var n=d.querySelectorAll('[data-{name}]');w.demo=w.demo||{{}};\
                 w.demo.{name}=function(e){{for(var i=0;i<n.length;i++){{n[i].classList.toggle('is-{name}',!!e)}}}};\
                 d.addEventListener('DOMContentLoaded',w.demo.{name})}})(document,window);\n"
            ),
        );
    }
    footer.push_str("</script>\n");
    footer
}

fn path_of(title: &str) -> String {
    title.to_ascii_lowercase().replace(' ', "-")
}
