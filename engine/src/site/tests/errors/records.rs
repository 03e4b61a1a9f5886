//! Errors of records and their fields.

use super::{
    super::{HEAD, with_fields},
    check,
};

#[track_caller]
fn check_field(field: &str, column: usize, name: &str, parts: &[&str]) {
    let dotted = format!("stages.list.records[0].fields.{name}");
    check(&with_fields(field), &format!("8:{column}: {dotted}"), parts);
}

#[test]
fn errors_of_records_name_their_place() {
    let at = |body: &str, expected: &str, parts: &[&str]| {
        check(
            &format!("{HEAD}[[stages.list.records]]\n{body}\n"),
            expected,
            parts,
        );
    };
    at(
        "fields = { a = \"b\" }",
        "5:1: stages.list.records[0].kind",
        &["is missing"],
    );
    at(
        "kind = \"Big\"\nfields = { a = \"b\" }",
        "6:8: stages.list.records[0].kind",
        &["did you mean `big`?"],
    );
    at(
        "kind = \"k\"",
        "5:1: stages.list.records[0].fields",
        &["is missing"],
    );
    at(
        "kind = \"k\"\nfields = {}",
        "7:10: stages.list.records[0].fields",
        &["no fields"],
    );
    at(
        "kind = \"k\"\nfields = { a = \"b\" }\n[[stages.list.records]]\nkind = \"k\"\nfields = { a = \"b\" }",
        "9:8: stages.list.records[1].kind",
        &["there already"],
    );
    at(
        "kind = \"k\"\nkey = [\"tilte\"]\nfields = { title = \"b\" }",
        "7:8: stages.list.records[0].key[0]",
        &["no field", "did you mean `title`?"],
    );
    at(
        "kind = \"k\"\nkey = []\nfields = { a = \"b\" }",
        "7:7: stages.list.records[0].key",
        &["list is empty"],
    );
    at(
        "kind = \"k\"\nkey = \"a\"\nfields = { a = { select = \"b\", required = false } }",
        "7:7: stages.list.records[0].key",
        &["optional"],
    );
    at(
        "kind = \"k\"\nkey = \"a\"\nfields = { a = { select = \"b\", default = \"x\" } }",
        "7:7: stages.list.records[0].key",
        &["optional"],
    );
    at(
        "kind = \"k\"\nkey = \"a\"\nfields = { a = { select = \"b\", list = true } }",
        "7:7: stages.list.records[0].key",
        &["a list"],
    );
    at(
        "kind = \"k\"\nkey = [\"a\", \"a\"]\nfields = { a = \"b\" }",
        "7:13: stages.list.records[0].key[1]",
        &["twice"],
    );
    check_field(
        "_a = \"b\"",
        1,
        "_a",
        &["Crawlfield's own", "did you mean `a`?"],
    );
    check_field("\"a b\" = \"b\"", 1, "\"a b\"", &["did you mean `a_b`?"]);
    check(
        &with_fields("a = \"b\"\nA = \"c\""),
        "9:1: stages.list.records[0].fields.A",
        &["there already"],
    );
}

/// The field, its column, its name, parts of the message.
const FIELDS: &[(&str, usize, &str, &[&str])] = &[
    ("a = \"\"", 5, "a", &["selector is empty"]),
    ("a = 3", 5, "a", &["a selector, or a list of them"]),
    ("a = []", 5, "a", &["list is empty"]),
    ("a = \"div >\"", 10, "a", &["combinator"]),
    (
        "a = \"p:contains('x')\"",
        7,
        "a",
        &["not supported", "at character 2"],
    ),
    ("a = \"p@\"", 7, "a", &["attribute's name"]),
    ("a = \"p@a b\"", 7, "a", &["attribute's name"]),
    ("a = {}", 5, "a", &["where the value comes from"]),
    (
        "a = { select = \"b\", meta = \"c\" }",
        21,
        "a",
        &["`select` and `meta`"],
    ),
    (
        "a = { selct = \"b\" }",
        7,
        "a.selct",
        &["did you mean `select`?"],
    ),
    (
        "a = { select = \"b\", type = \"int\" }",
        28,
        "a.type",
        &["did you mean `integer`?"],
    ),
    (
        "a = { select = \"b\", regex = \"x\" }",
        29,
        "a.regex",
        &["no capture group"],
    ),
    (
        "a = { select = \"b\", regex = \"(x){999999}\" }",
        29,
        "a.regex",
        &["regex"],
    ),
    (
        "a = { select = \"b\", regex = 'ab(c' }",
        32,
        "a.regex",
        &["unclosed group", "at character 3"],
    ),
    (
        "a = { select = \"b\", map = 3 }",
        27,
        "a.map",
        &["table of values"],
    ),
    (
        "a = { select = \"b\", map = {} }",
        27,
        "a.map",
        &["is empty"],
    ),
    (
        "a = { select = \"b\", type = \"integer\", map = { A = \"x\" } }",
        51,
        "a.map.A",
        &["an integer"],
    ),
    (
        "a = { select = \"b\", type = \"integer\", default = \"x\" }",
        49,
        "a.default",
        &["an integer"],
    ),
    (
        "a = { select = \"b\", type = \"boolean\", default = \"maybe\" }",
        49,
        "a.default",
        &["true or false"],
    ),
    (
        "a = { select = \"b\", required = true, default = \"x\" }",
        48,
        "a.default",
        &["never missing"],
    ),
    (
        "a = { select = \"b\", type = \"map\" }",
        21,
        "a",
        &["read from `rows`"],
    ),
    (
        "a = { select = \"b\", formats = [\"%Y-%m-%d\"] }",
        31,
        "a.formats",
        &["for type = \"date\""],
    ),
    (
        "a = { select = \"b\", type = \"date\", formats = [\"%Q1\"] }",
        47,
        "a.formats[0]",
        &["bad date format"],
    ),
    (
        "a = { select = \"b\", type = \"date\", formats = [\"%Y-%m\"] }",
        47,
        "a.formats[0]",
        &["bad date format"],
    ),
    (
        "a = { rows = \"tr\", label = \"th\", value = \"td\" }",
        14,
        "a.rows",
        &["`is`"],
    ),
    (
        "a = { rows = \"tr\", label = \"th\", is = \"x\" }",
        14,
        "a.value",
        &["is missing"],
    ),
    (
        "a = { rows = \"tr\", label = \"th\", value = \"td\", is = \"x\", type = \"map\" }",
        53,
        "a.is",
        &["leave `is` out"],
    ),
    (
        "a = { select = \"tr\", is = \"x\" }",
        27,
        "a.is",
        &["belongs to `rows`"],
    ),
    (
        "a = { json = \"a.b\" }",
        14,
        "a.json",
        &["JSON pointer", "did you mean `/a/b`?"],
    ),
    (
        "a = { jsonld = \"/a~2\" }",
        16,
        "a.jsonld",
        &["JSON pointer"],
    ),
    (
        "a = { jsonld = \"offers/price\" }",
        16,
        "a.jsonld",
        &["JSON pointer", "did you mean `/offers/price`?"],
    ),
    (
        "a = { jsonld = [\"Product/name\", \"offers.price\"] }",
        33,
        "a.jsonld[1]",
        &["JSON pointer", "did you mean `/offers/price`?"],
    ),
    (
        "a = { jsonld = [] }",
        16,
        "a.jsonld",
        &["the list is empty", "Product/name"],
    ),
    (
        "a = { jsonld = [\"/a\", 7] }",
        23,
        "a.jsonld[1]",
        &["expected a JSON pointer"],
    ),
    (
        "a = { jsonld = \"Product\" }",
        16,
        "a.jsonld",
        &["JSON pointer"],
    ),
    (
        "a = { script = { select = \"script\" } }",
        16,
        "a.script.pointer",
        &["is missing"],
    ),
    ("a = { meta = \" \" }", 14, "a.meta", &["is empty"]),
    (
        "a = { carried = \"ttle\" }",
        17,
        "a",
        &["no link into this stage", "page, position"],
    ),
    (
        "a = { select = \"b\", transforms = [\"lowr\"] }",
        35,
        "a.transforms[0]",
        &["did you mean `lower`?"],
    ),
    (
        "a = { select = \"b\", replace = [\"x\"] }",
        31,
        "a.replace",
        &["a pair"],
    ),
    (
        "a = { select = \"b\", replace = [\"(x\", \"\"] }",
        33,
        "a.replace[0]",
        &["unclosed group"],
    ),
    (
        "a = { select = \"b\", replace = [\"(x)\", \"$2\"] }",
        39,
        "a.replace[1]",
        &["names no group"],
    ),
    (
        "a = { select = \"b\", raw = 1 }",
        27,
        "a.raw",
        &["true or false"],
    ),
];

#[test]
fn errors_of_fields_name_their_place() {
    for (field, column, name, parts) in FIELDS {
        check_field(field, *column, name, parts);
    }
}
