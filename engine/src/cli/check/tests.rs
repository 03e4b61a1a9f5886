use std::collections::BTreeMap;

use super::check;
use crate::settings::layers::Inputs;

#[test]
fn a_good_file_is_described_and_a_bad_one_tells_all_its_problems() {
    let environment = BTreeMap::new();
    let inputs = Inputs {
        cores: 2,
        file: None,
        site: None,
        kept: &[],
        environment: &environment,
        flags: &[],
    };
    let text = include_str!("../../site/tests/spec.toml");
    let checked = check(text, "books.toml", &inputs).unwrap();
    assert!(
        checked
            .text
            .contains("record product: 12 fields, known by upc")
    );
    assert!(checked.text.contains("politeness.max_rate"));
    assert!(checked.text.contains("(site file)"));
    assert_eq!(checked.warnings, Vec::<String>::new());
    let broken = text
        .replace("enter =", "entre =")
        .replace("\"8/s\"", "\"8/week\"");
    let message = check(&broken, "books.toml", &inputs).unwrap_err();
    assert!(
        message.contains("books.toml:4:1: site.entre") && message.contains("3 errors"),
        "{message}"
    );
}

#[test]
fn it_says_by_which_name_robots_txt_knows_us() {
    let environment = BTreeMap::new();
    let text = include_str!("../../site/tests/spec.toml");
    let check = |user_agent: &str| {
        let flags = [("fetch.user_agent".to_owned(), user_agent.to_owned())];
        let inputs = Inputs {
            cores: 2,
            file: None,
            site: None,
            kept: &[],
            environment: &environment,
            flags: &flags,
        };
        check(text, "books.toml", &inputs).unwrap()
    };
    let checked = check("Mozilla/5.0 (compatible; MyBot/1.0)");
    assert!(
        checked.text.contains("known to it as \"MyBot\""),
        "{}",
        checked.text
    );
    assert_eq!(checked.warnings, Vec::<String>::new());
    let checked = check("Mozilla/5.0 (X11; Linux x86_64) Firefox/142.0");
    assert!(checked.text.contains("known to it as \"Mozilla\""));
    assert!(
        checked.warnings[0].contains("no crawler's name"),
        "{:?}",
        checked.warnings
    );
}
