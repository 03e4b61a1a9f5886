//! The home page: a link to the catalogue of every virtual host.

use crate::demo::markup::{LIST_QUERY, Layout, escape, put};

/// The home page of one host, which knows all of them.
pub(in crate::demo) fn home_page(layout: &Layout, host: &str, hosts: &[String]) -> String {
    let mut page = String::with_capacity(layout.len() + 1_024 + 256 * hosts.len());
    let canonical = format!("http://{host}/");
    layout.open(&mut page, "Catalogues", &canonical, "home");
    page.push_str("<h1 class=\"page-title\">Catalogues</h1>\n<ul class=\"catalogues\">\n");
    for host in hosts {
        put(
            &mut page,
            format_args!("<li><a class=\"catalogue\" href=\"http://{host}/csa-iot_products/?"),
        );
        escape(&mut page, LIST_QUERY);
        put(&mut page, format_args!("\">{host}</a></li>\n"));
    }
    page.push_str("</ul>\n");
    layout.close(&mut page);
    page
}
