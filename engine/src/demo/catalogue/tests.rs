use std::collections::HashSet;

use super::{Catalogue, Product};
use crate::demo::DemoConfig;

fn catalogue(products: u32, seed: u64, hosts: u32) -> Catalogue {
    Catalogue::new(DemoConfig {
        hosts,
        ..DemoConfig::well_behaved(products, seed)
    })
}

#[test]
fn the_same_seed_gives_the_same_products_and_another_seed_others() {
    let all = |seed| catalogue(500, seed, 1).products().collect::<Vec<Product>>();
    assert_eq!(all(7), all(7));
    let (seven, eight) = (all(7), all(8));
    assert!(seven.iter().zip(&eight).all(|(left, right)| left != right));
}

#[test]
fn every_url_names_one_product_and_leads_back_to_it() {
    let catalogue = catalogue(5_000, 3, 3);
    let mut urls = HashSet::new();
    for product in catalogue.products() {
        assert_eq!(
            catalogue.index_of_url(&product.url),
            Some(product.index),
            "{}",
            product.url
        );
        assert!(urls.insert(product.url));
    }
    assert_eq!(urls.len(), 5_000);
}

#[test]
fn a_url_that_is_no_product_leads_nowhere() {
    let catalogue = catalogue(400, 1, 2);
    let known = catalogue.product(350).expect("within 400");
    let stem = known.url.trim_end_matches('/').to_owned();
    for wrong in [
        format!("{stem}-99/"),
        format!("{stem}-02/"),
        stem.replace("http:", "https:"),
        known.url.replace("catalogue.demo", "catalogue-2.demo"),
        stem.clone(),
        "http://catalogue.demo.test/csa_product//".to_owned(),
    ] {
        assert_eq!(catalogue.index_of_url(&wrong), None, "{wrong}");
    }
}

#[test]
fn list_pages_hold_every_product_once_newest_first() {
    for (products, hosts) in [(0, 1), (1, 1), (12, 1), (13, 1), (100, 3), (7, 10)] {
        let catalogue = catalogue(products, 1, hosts);
        let mut seen = Vec::new();
        for host in 0..catalogue.hosts().len() {
            let pages = catalogue.pages_on(host, false);
            let of_host: Vec<u32> = (1..=pages)
                .flat_map(|page| catalogue.on_page(host, page, false))
                .collect();
            assert!(
                of_host.is_sorted_by(|left, right| left > right),
                "newest first"
            );
            assert!(
                of_host
                    .iter()
                    .all(|index| catalogue.host_of(*index) == host)
            );
            assert!(catalogue.on_page(host, pages + 1, false).is_empty());
            seen.extend(of_host);
        }
        seen.sort_unstable();
        assert_eq!(
            seen,
            (0..products).collect::<Vec<_>>(),
            "{products} on {hosts} hosts"
        );
    }
}

#[test]
fn products_miss_some_fields_and_no_text_needs_trimming() {
    let products: Vec<Product> = catalogue(2_000, 1, 1).products().collect();
    let lacking =
        |lacks: fn(&Product) -> bool| products.iter().filter(|product| lacks(product)).count();
    for (what, count) in [
        (
            "certificate",
            lacking(|product| product.certificate_id.is_none()),
        ),
        (
            "certificate on its card",
            lacking(|product| product.certificate_id.is_some() && !product.certificate_on_card),
        ),
        ("family", lacking(|product| product.family_id.is_none())),
        (
            "categories",
            lacking(|product| product.application_categories.is_empty()),
        ),
    ] {
        assert!((20..800).contains(&count), "{count} of 2000 lack a {what}");
    }
    for product in &products {
        for (field, value) in product.record() {
            let text = value.as_str().unwrap_or_default();
            let collapsed = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(text, collapsed, "{field} of {}", product.url);
        }
    }
}

#[test]
fn dates_rise_with_the_index() {
    let products: Vec<Product> = catalogue(300, 1, 1).products().collect();
    assert!(products.is_sorted_by_key(|product| product.certified));
}
