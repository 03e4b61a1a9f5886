use super::{ListQuirks, PageRequest, Treatment};
use crate::demo::DemoConfig;

fn harsh() -> DemoConfig {
    DemoConfig {
        error_rate: 0.9,
        short_pages: 0.5,
        repeated_cards: 0.5,
        wrong_active: 0.5,
        drift: 0.5,
        ..DemoConfig::default()
    }
}

fn request(url: &str, nth: u32) -> PageRequest<'_> {
    PageRequest {
        url,
        nth,
        is_list: true,
        is_slow: false,
        trouble: None,
    }
}

fn all(config: &DemoConfig) -> Vec<(Treatment, ListQuirks)> {
    let mut all = Vec::new();
    for page in 1..=100 {
        let url = format!("catalogue.demo.test/page/{page}/");
        for nth in 0..8 {
            let request = request(&url, nth);
            all.push((
                request.treatment(config),
                request.list_quirks(config, page, 100, 12),
            ));
        }
    }
    all
}

#[test]
fn the_same_request_is_treated_the_same_way_and_another_seed_treats_it_otherwise() {
    let config = harsh();
    assert_eq!(all(&config), all(&config));
    assert_ne!(all(&config), all(&DemoConfig { seed: 2, ..config }));
}

#[test]
fn every_fourth_request_of_a_url_is_answered_well_however_harsh_the_demo() {
    let config = DemoConfig {
        error_rate: 1.0,
        short_pages: 1.0,
        ..harsh()
    };
    for page in 1..=100 {
        for nth in [3, 7, 11] {
            let request = request("catalogue.demo.test/page", nth);
            assert_eq!(request.treatment(&config).fault, None);
            let quirks = request.list_quirks(&config, page, 100, 12);
            let harmless = ListQuirks {
                wrong_active: quirks.wrong_active,
                order: quirks.order,
                ..ListQuirks::default()
            };
            assert_eq!(quirks, harmless);
        }
    }
}

#[test]
fn a_page_that_looks_like_the_last_shows_all_its_cards() {
    let config = DemoConfig {
        short_pages: 1.0,
        ..harsh()
    };
    for page in 1..=100 {
        for nth in 0..8 {
            let url = format!("page/{page}");
            let quirks = request(&url, nth).list_quirks(&config, page, 100, 12);
            let looks_last = page == 100 - quirks.fewer_pages;
            let hides = quirks.missing > 0 || quirks.repeated || quirks.drifted;
            assert!(
                !(looks_last && hides),
                "page {page}, request {nth}: {quirks:?}"
            );
        }
    }
}

#[test]
fn errors_come_at_the_rate_asked_for() {
    let config = DemoConfig {
        error_rate: 0.2,
        ..DemoConfig::default()
    };
    let faults = (0..4_000)
        .filter(|number| {
            request(&format!("page/{number}"), 0)
                .treatment(&config)
                .fault
                .is_some()
        })
        .count();
    assert!(
        (700..900).contains(&faults),
        "{faults} of 4000 at a rate of 0.2"
    );
}

#[test]
fn latency_spreads_around_its_median_and_lists_and_slow_hosts_take_longer() {
    let config = DemoConfig::default();
    let median = |is_list, is_slow| {
        let mut delays: Vec<u128> = (0..1_001)
            .map(|number| {
                let url = format!("page/{number}");
                let request = PageRequest {
                    is_list,
                    is_slow,
                    ..request(&url, 0)
                };
                request.treatment(&config).delay.as_millis()
            })
            .collect();
        delays.sort_unstable();
        delays[500]
    };
    assert!((36..=44).contains(&median(false, false)));
    assert!((108..=132).contains(&median(true, false)));
    assert!((360..=440).contains(&median(false, true)));
}

#[test]
fn the_first_look_at_page_1_shows_a_shrunken_catalogue_of_at_least_two_pages() {
    let config = DemoConfig::default();
    for (pages, shown) in [(1, 1), (2, 2), (3, 2), (100, 98), (596, 588)] {
        let quirks = request("page/1", 0).list_quirks(&config, 1, pages, 12);
        assert_eq!(pages - quirks.fewer_pages, shown);
    }
}
