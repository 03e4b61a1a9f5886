use crawlfield_engine::{
    feed::task_record::TaskRecord,
    model::{
        class::ErrorClass,
        ids::{BatchId, HostId, PageKey, SessionId, StageId},
        page_url::PageUrl,
        phase::Phase,
    },
};

use super::{Filter, clicked};

fn passes(filter: &Filter, url: &str, host: u32, class: Option<ErrorClass>) -> bool {
    let url = PageUrl::from(url);
    filter.passes(&TaskRecord {
        slot: 0,
        key: PageKey::new("s", "t", &url),
        url: &url,
        session: SessionId(1),
        stage: StageId(0),
        batch: BatchId(0),
        host: HostId(host),
        phase: Phase::Queued,
        attempts: 0,
        changed_us: 0,
        due_us: None,
        expected_ms: None,
        class,
        reason: None,
    })
}

#[test]
fn all_words_must_be_in_the_url_whatever_their_case() {
    let mut filter = Filter::default();
    filter.search("Product  42");
    assert!(passes(&filter, "https://h.test/product/421", 1, None));
    assert!(!passes(&filter, "https://h.test/product/7", 1, None));
    filter.search("  ");
    assert!(filter.is_open());
}

#[test]
fn a_host_alone_is_shown_and_a_second_time_all_are() {
    let mut filter = Filter::default();
    let all = || [1, 2, 3].map(HostId).into_iter();
    filter.solo_host(HostId(2), all());
    assert!(passes(&filter, "u", 2, None));
    assert!(!passes(&filter, "u", 3, None));
    filter.solo_host(HostId(2), all());
    assert!(filter.is_open());
}

#[test]
fn a_class_alone_hides_tasks_that_never_failed() {
    let mut filter = Filter::default();
    filter.solo_class(ErrorClass::Dns);
    assert!(passes(&filter, "u", 1, Some(ErrorClass::Dns)));
    assert!(!passes(&filter, "u", 1, Some(ErrorClass::Tls)));
    assert!(!passes(&filter, "u", 1, None));
}

#[test]
fn a_click_hides_and_a_click_with_shift_shows_alone() {
    let cases = [
        ("hide", 0b111, 0b010, false, 0b101),
        ("show again", 0b101, 0b010, false, 0b111),
        ("alone", 0b111, 0b010, true, 0b010),
        ("all again", 0b010, 0b010, true, 0b111),
    ];
    for (name, mask, bit, solo, wanted) in cases {
        assert_eq!(clicked(mask, bit, 0b111, solo), wanted, "{name}");
    }
    let outside = clicked(u32::MAX, 1, 0b11, true);
    assert_eq!(outside & !0b11, !0b11, "bits that are not on offer stay");
}
