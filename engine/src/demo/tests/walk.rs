//! A naive crawler: over list pages to products, retrying until a page is whole.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value as Json, json};

use super::{
    client::{Client, served},
    read::{ListPage, read_detail, read_list},
};
use crate::demo::{Catalogue, DemoConfig, Verification, markup::LIST_QUERY, verify};

/// Attempts a page has.
const ATTEMPTS: u32 = 8;

/// Walks the whole demo and returns the rows that a correct crawl would export.
async fn walk(client: &Client, hosts: &[String]) -> Vec<Json> {
    let mut rows = Vec::new();
    for host in hosts {
        let mut cards = BTreeMap::new();
        let mut known = BTreeSet::from([1]);
        let mut queue = VecDeque::from([1]);
        // First, second, last, and so on: a crawl's order is not the pages' order.
        for turn in 0.. {
            let at = [0, 1, usize::MAX][turn % 3].min(queue.len().saturating_sub(1));
            let Some(page) = queue.remove(at) else {
                break;
            };
            let list = whole_list(client, host, page).await;
            queue.extend((1..=list.pages).filter(|page| known.insert(*page)));
            cards.extend(list.cards);
        }
        for (url, card) in cards {
            let mut row = detail(client, &url).await;
            row["_url"] = json!(url);
            for (field, value) in card {
                row[field] = value;
            }
            rows.push(row);
        }
    }
    rows
}

async fn whole_list(client: &Client, host: &str, page: u32) -> ListPage {
    let path = if page == 1 {
        String::new()
    } else {
        format!("page/{page}/")
    };
    let url = format!("http://{host}/csa-iot_products/{path}?{LIST_QUERY}");
    for _ in 0..ATTEMPTS {
        if let Ok((200, html)) = client.get(&url).await {
            let list = read_list(&html);
            if list.cards.len() == 12 || (page == list.pages && !list.cards.is_empty()) {
                return list;
            }
        }
    }
    panic!("{url} was never whole in {ATTEMPTS} attempts");
}

async fn detail(client: &Client, url: &str) -> Json {
    for _ in 0..ATTEMPTS {
        if let Ok((200, html)) = client.get(url).await {
            return read_detail(&html);
        }
    }
    panic!("{url} was not answered in {ATTEMPTS} attempts");
}

fn verdict_on(config: DemoConfig) -> Verification {
    let truth = Catalogue::new(config.clone());
    let rows = served(config, async |_, client| walk(client, truth.hosts()).await);
    verify(&truth, rows.into_iter())
}

#[track_caller]
fn check(config: DemoConfig) {
    let verdict = verdict_on(config);
    assert!(verdict.is_right(), "{verdict}");
}

fn quick() -> DemoConfig {
    DemoConfig::well_behaved(150, 5)
}

#[test]
fn a_naive_walk_finds_every_product_of_a_well_behaved_demo() {
    check(quick());
}

#[test]
fn errors_resets_and_cut_bodies_are_survived_with_retries() {
    check(DemoConfig {
        error_rate: 0.5,
        ..quick()
    });
}

#[test]
fn short_pages_are_survived_with_retries() {
    check(DemoConfig {
        short_pages: 0.8,
        ..quick()
    });
}

#[test]
fn repeated_cards_are_survived_with_retries() {
    check(DemoConfig {
        repeated_cards: 0.8,
        ..quick()
    });
}

#[test]
fn a_shrinking_page_count_is_survived() {
    check(DemoConfig {
        shrink: true,
        ..quick()
    });
    check(DemoConfig {
        shrink: true,
        ..DemoConfig::well_behaved(1_199, 6)
    });
}

#[test]
fn reordered_cards_and_wrong_active_pages_lose_nothing() {
    check(DemoConfig {
        reorder: true,
        wrong_active: 1.0,
        ..quick()
    });
}

#[test]
fn new_products_shift_every_page_and_lose_nothing() {
    for new_products in [1, 5, 12, 40] {
        check(DemoConfig {
            new_products,
            ..quick()
        });
    }
    check(DemoConfig {
        new_products: 3,
        ..DemoConfig::well_behaved(144, 2)
    });
}

#[test]
fn several_hosts_hold_all_products_together() {
    check(DemoConfig {
        hosts: 3,
        new_products: 4,
        ..quick()
    });
}

#[test]
fn everything_at_once_is_survived() {
    for seed in 1..4 {
        check(DemoConfig {
            seed,
            products: 200,
            error_rate: 0.3,
            short_pages: 0.3,
            repeated_cards: 0.3,
            latency_ms: 0,
            ..DemoConfig::default()
        });
    }
}

#[test]
fn drift_hides_products_from_a_crawl_that_reads_each_page_once() {
    let verdict = verdict_on(DemoConfig {
        drift: 0.5,
        ..quick()
    });
    assert!(
        verdict.missing.count > 0 && verdict.wrong.count == 0,
        "{verdict}"
    );
}
