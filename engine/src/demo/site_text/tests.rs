use super::site_toml;
use crate::{
    demo::{DemoConfig, config::ITEMS_PER_PAGE},
    site::compiled::{Pages, Site},
};

#[track_caller]
fn loaded(text: &str, file: &str) -> Site {
    match Site::load_with_warnings(text, file) {
        Ok((site, warnings)) => {
            assert!(warnings.is_empty(), "{warnings:?}");
            site
        }
        Err(errors) => panic!("{errors}"),
    }
}

#[test]
fn the_demo_s_site_file_loads_without_a_warning_for_any_number_of_hosts() {
    for hosts in [1, 2, 30] {
        let config = DemoConfig {
            hosts,
            ..DemoConfig::default()
        };
        let site = loaded(&site_toml(&config), "demo.toml");
        assert_eq!(site.scope.hosts, config.host_names());
        let lists: Vec<_> = site
            .stages
            .iter()
            .filter(|stage| stage.pages.is_some())
            .collect();
        assert_eq!(lists.len(), config.host_names().len());
        for (list, host) in lists.iter().zip(config.host_names()) {
            assert_eq!(list.items_per_page, Some(ITEMS_PER_PAGE));
            let Some(Pages::Pattern {
                pattern,
                count: Some(_),
                ..
            }) = &list.pages
            else {
                panic!("{} goes on by pattern and count", list.name);
            };
            assert!(pattern.starts_with(&format!("http://{host}/")), "{pattern}");
        }
    }
}

#[test]
fn the_site_file_reads_every_field_that_the_truth_has() {
    let site = loaded(&site_toml(&DemoConfig::default()), "demo.toml");
    let detail = site.stage_named("detail").expect("the demo has details");
    let fields: Vec<&str> = site.stage(detail).records[0]
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    let truth = crate::demo::Catalogue::new(DemoConfig::default());
    let product = truth.product(0).expect("1200 products");
    for field in product.record().keys() {
        assert!(fields.contains(&field.as_str()), "{field}");
    }
    assert_eq!(
        fields.len(),
        product.record().len() + 2,
        "list_page and list_position"
    );
}

#[test]
fn the_matter_site_file_loads_and_asks_politely() {
    let text = include_str!("../../../../assets/sites/matter.toml");
    let site = loaded(text, "matter.toml");
    assert_eq!(site.politeness.max_rate, Some(1.0));
    assert_eq!(site.politeness.robots, Some(true));
    assert_eq!(
        site.politeness.timeout,
        Some(std::time::Duration::from_secs(30))
    );
    assert!(site.politeness.allow_addresses.is_empty());
}
