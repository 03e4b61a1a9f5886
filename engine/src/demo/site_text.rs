//! The site file of a demo with any number of virtual hosts.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::{
    config::{DemoConfig, Script},
    markup::LIST_QUERY,
};

/// The shipped site file of the demo with one host.
const DEMO: &str = include_str!("../../../assets/sites/demo.toml");

/// The demo's site file for all its virtual hosts. With one host it is `assets/sites/demo.toml`
/// itself; with more, a first page leads to the list of each host, a stage of its own since a
/// pagination's pattern names its host.
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
    document["site"]["start"] = value(Array::from_iter([format!("http://{}/", hosts[0])]));
    document["site"]["hosts"] = value(hosts.iter().map(String::as_str).collect::<Array>());
    document["site"]["enter"] = value("catalogues");
    let list = document["stages"]["list"].clone();
    let mut links = ArrayOfTables::new();
    for (number, host) in (1..).zip(&hosts) {
        let stage = match number {
            1 => "list".to_owned(),
            _ => format!("list_{number}"),
        };
        let mut link = Table::new();
        link["select"] = value(format!("a.catalogue[href^='http://{host}/']@href"));
        link["to"] = value(&stage);
        links.push(link);
        let mut list = list.clone();
        let pattern = format!("http://{host}/csa-iot_products/page/{{page}}/?{LIST_QUERY}");
        list["pages"]["pattern"] = value(pattern);
        document["stages"][&stage] = list;
    }
    let mut catalogues = Table::new();
    catalogues["links"] = Item::ArrayOfTables(links);
    document["stages"]["catalogues"] = Item::Table(catalogues);
    if config.script == Script::Story {
        retry_slowly(&mut document);
    }
    document.to_string()
}

/// Who waits for its next attempt is to be seen waiting.
fn retry_slowly(document: &mut DocumentMut) {
    let Some(stages) = document["stages"].as_table_mut() else {
        return;
    };
    for (_, stage) in stages.iter_mut() {
        if let Some(retry) = stage.get_mut("retry") {
            retry["base"] = value("1500ms");
            retry["cap"] = value("5s");
        }
    }
}

#[cfg(test)]
mod tests;
