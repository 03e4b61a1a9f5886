//! What is mended, and what is not.

use serde_json::{Value as Json, json};

use super::read;

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a table reads better without &"
)]
fn check(text: &str, expected: Json) {
    let block = read(text).expect("something").expect("JSON");
    assert_eq!(block.json, expected, "{text}");
    // Digits are looked up in the text.
    let again: Json = serde_json::from_str(&block.text).expect("valid text");
    assert_eq!(again, expected, "{text}");
}

#[test]
fn wrappers_of_all_kinds_are_taken_off() {
    let value = || json!({"a": [1]});
    for text in [
        "\u{feff}{\"a\": [1]}",
        " \n\u{feff} {\"a\": [1]}\u{feff}",
        "<!--\n{\"a\": [1]}\n-->",
        "<!--{\"a\": [1]}//-->",
        "//<![CDATA[\n{\"a\": [1]}\n//]]>",
        "// <![CDATA[ {\"a\": [1]} // ]]>",
        "<![CDATA[{\"a\": [1]}]]>",
        "/*<![CDATA[*/{\"a\": [1]}/*]]>*/",
        "/* <![CDATA[ */\n{\"a\": [1]}\n/* ]]> */",
        "/* {\"a\": [1]} */",
        "/* of the shop */ {\"a\": [1]} // the end",
        "// of the shop\n{\"a\": [1]};\n",
        "{\"a\": [1,],}",
        "{\"a\": [ 1 ,\n ] , /* none */ }",
        "{\"a\": [1]} ; ;",
    ] {
        check(text, value());
    }
}

#[test]
fn what_stands_in_a_string_stays() {
    let text = "{\"a\": \"x,] // <!-- /* */ \\\" ]]> \\\\\", \"b\": \"tab\there\nline\",}";
    let expected = json!({"a": "x,] // <!-- /* */ \" ]]> \\", "b": "tab here line"});
    check(text, expected);
}

#[test]
fn what_is_no_json_says_why_and_nothing_is_nothing() {
    for empty in ["", " \n", "<!-- -->", "/* moved */", "\u{feff}"] {
        assert!(read(empty).is_none(), "{empty:?}");
    }
    for (text, why) in [
        ("{\"a\": 1,, \"b\": 2}", "line 1 column 9"),
        ("<!--\n{\"a\":\n 1 2}-->", "line 2 column 4"),
        ("window.a = {}", "does not begin"),
        ("{\"a\": \"never ended", "EOF"),
    ] {
        let error = read(text).expect("something").err().expect("no JSON");
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn many_openings_without_an_end_cost_little() {
    let text = format!("{{{}", "/*".repeat(2_000_000));
    assert!(read(&text).expect("something").is_err());
}
