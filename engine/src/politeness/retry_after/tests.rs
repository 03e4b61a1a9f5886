use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

const DATE: Option<&str> = Some("Mon, 03 Jun 2019 11:00:00 GMT");

fn check(values: &[&str], date: Option<&str>, seconds: Option<u64>) {
    assert_eq!(
        parse(values, date),
        seconds.map(Duration::from_secs),
        "{values:?}"
    );
}

#[test]
fn the_public_cases_agree() {
    let Ok(cases) = std::env::var("CRAWLFIELD_CASES") else {
        eprintln!("SKIPPED: CRAWLFIELD_CASES is not set");
        return;
    };
    let text =
        std::fs::read_to_string(format!("{cases}/http/retry_after.jsonl")).expect("readable");
    let mut rows = 0;
    for line in text.lines() {
        let row: Json = serde_json::from_str(line).expect("JSON");
        let now: jiff::Timestamp = row["now"].as_str().expect("text").parse().expect("a time");
        let now = httpdate::fmt_http_date(SystemTime::from(now));
        let value = row["value"].as_str().expect("text");
        check(&[value], Some(&now), row["seconds"].as_u64());
        rows += 1;
    }
    assert_eq!(rows, 23);
}

#[test]
fn the_largest_of_several_counts() {
    check(
        &["5", "120", "garbage", "Mon, 03 Jun 2019 11:00:30 GMT"],
        DATE,
        Some(120),
    );
    check(&[], DATE, None);
}

#[test]
fn a_huge_number_saturates() {
    check(&["99999999999999999999999999"], None, Some(u64::MAX));
}

#[test]
fn a_date_counts_from_the_answer_s_own_date() {
    check(&["Mon, 03 Jun 2019 11:00:30 GMT"], DATE, Some(30));
    check(&["Mon, 03 Jun 2019 11:00:30 GMT"], None, None);
    check(&["Mon, 03 Jun 2019 11:00:30 GMT"], Some("yesterday"), None);
}

proptest! {
    #[test]
    fn nothing_panics(value in "\\PC{0,80}") {
        let _ = parse(&[&value], DATE);
        let _ = parse(&[&format!("Mon, {value}")], Some(&value));
    }
}
