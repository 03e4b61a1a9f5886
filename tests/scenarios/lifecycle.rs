//! The life of a task, move by move.

use crawlfield_kit::{Reply, Scenario};
use expect_test::expect;

#[test]
fn a_list_and_its_detail_are_fetched_parsed_and_saved() {
    let mut crawl = Scenario::new()
        .page("a.test/", [Reply::links(["a.test/1"])])
        .page("a.test/1", [Reply::html("one")])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    crawl.expect(&expect![[r""]]);
    assert!(crawl.has_record("a.test/1"));
}
