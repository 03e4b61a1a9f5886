//! The site file of a demo with any number of virtual hosts.

use toml_edit::{Array, DocumentMut, value};

use super::{config::DemoConfig, markup::LIST_QUERY};

/// The shipped site file of the demo with one host.
const DEMO: &str = include_str!("../../../assets/sites/demo.toml");

/// The demo's site file with start URLs and hosts for every virtual host. With one host it is
/// `assets/sites/demo.toml` itself.
///
/// # Panics
/// When the shipped file is no TOML, which a test rules out.
#[must_use]
pub fn site_toml(config: &DemoConfig) -> String {
    let hosts = config.host_names();
    if hosts.len() == 1 {
        return DEMO.to_owned();
    }
    let mut document: DocumentMut = DEMO.parse().expect("the shipped demo.toml is valid TOML");
    let start: Array = hosts
        .iter()
        .map(|host| format!("http://{host}/csa-iot_products/?{LIST_QUERY}"))
        .collect();
    document["site"]["start"] = value(start);
    document["site"]["hosts"] = value(hosts.iter().map(String::as_str).collect::<Array>());
    // A pattern without a host is resolved against the list page on which it is used.
    document["stages"]["list"]["pages"]["pattern"] =
        value(format!("/csa-iot_products/page/{{page}}/?{LIST_QUERY}"));
    document.to_string()
}
