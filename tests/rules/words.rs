//! Sizes, names and docs.

use std::collections::BTreeMap;

use crate::source::{is_test, of, with_tests};

#[test]
fn no_file_is_longer_than_600_lines() {
    for package in ["engine", "viewer"] {
        for source in of(package) {
            let lines = source.text.lines().count();
            assert!(
                lines <= 600,
                "{package}/src/{} has {lines} lines: which two rooms does it hold?",
                source.path
            );
        }
    }
}

/// Functions over this are two.
const LONGEST: usize = 80;
/// So many functions of a package may be over this.
const LONG: (usize, usize) = (10, 60);

/// The functions of a file, each with its lines from its name to its end, which stands as far to
/// the right as its beginning.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = lines.iter().enumerate().filter_map(|(at, line)| {
        let (before, after) = line.split_once("fn ")?;
        let is_start = before.is_empty() || before.ends_with(' ');
        let is_code = !before.contains(['/', '"', '(', '<', '|']) || before.contains("pub(");
        let indent = &line[..line.len() - line.trim_start().len()];
        (is_start && is_code).then_some((at, after, indent))
    });
    starts
        .filter_map(|(at, after, indent)| {
            let is_end = |line: &&str| line.strip_prefix(indent) == Some("}");
            let length = lines[at..].iter().position(is_end)? + 1;
            Some((after.split(['(', '<']).next().unwrap_or_default(), length))
        })
        .collect()
}

#[test]
fn functions_are_short() {
    for package in ["engine", "viewer"] {
        let mut long = Vec::new();
        for source in with_tests(package) {
            for (name, length) in functions(&source.text) {
                let path = &source.path;
                let place = format!("{package}/src/{path}: `{name}` has {length} lines");
                assert!(length <= LONGEST, "{place}, at most {LONGEST}");
                if length > LONG.1 && !is_test(path) {
                    long.push(place);
                }
            }
        }
        assert!(
            long.len() <= LONG.0,
            "more than {} functions of {package} have over {} lines:\n{}",
            LONG.0,
            LONG.1,
            long.join("\n")
        );
    }
}

#[test]
fn folders_are_at_most_two_deep() {
    for package in ["engine", "viewer"] {
        for source in of(package) {
            let path = &source.path;
            assert!(
                path.matches('/').count() <= 2,
                "{package}/src/{path} lies three folders deep"
            );
        }
    }
}

#[test]
fn no_room_is_named_for_nothing() {
    let empty = [
        "manager", "helper", "util", "utils", "common", "misc", "mod",
    ];
    for package in ["engine", "viewer"] {
        for source in of(package) {
            let name = source.path.rsplit('/').next().unwrap_or_default();
            let name = name.trim_end_matches(".rs");
            assert!(
                !empty.contains(&name),
                "{package}/src/{}: say what it is for",
                source.path
            );
        }
    }
}

#[test]
fn every_file_opens_with_its_job() {
    for package in ["engine", "viewer"] {
        for source in of(package) {
            assert!(
                source.text.starts_with("//!"),
                "{package}/src/{} does not say its one job",
                source.path
            );
        }
    }
}

/// The name of the type that a line declares to others: `pub` or `pub(crate)`.
fn public_type(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let item = line
        .strip_prefix("pub ")
        .or_else(|| line.strip_prefix("pub(crate) "))?;
    let (kind, name) = item.split_once(' ')?;
    let is_type = ["struct", "enum", "trait", "type", "union"].contains(&kind);
    let end = name.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    let name = &name[..end.unwrap_or(name.len())];
    // A macro's has none yet.
    (is_type && !name.is_empty()).then_some(name)
}

#[test]
fn no_two_public_types_of_a_crate_share_a_name() {
    for package in ["engine", "viewer"] {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for source in of(package) {
            for name in source.text.lines().filter_map(public_type) {
                let place = format!("{package}/src/{}", source.path);
                places.entry(name.to_owned()).or_default().push(place);
            }
        }
        assert!(places.len() > 50, "{package}: the types are not found");
        places.retain(|_, places| places.len() > 1);
        assert!(places.is_empty(), "one name, one type: {places:#?}");
    }
}

/// The docs of a file, each with the number of its first line: what stands on lines next to each
/// other behind the same mark.
fn docs(text: &str, mark: &str) -> Vec<(usize, String)> {
    let mut docs: Vec<(usize, String)> = Vec::new();
    let mut last = usize::MAX - 1;
    for (at, line) in text.lines().enumerate() {
        let Some(said) = line.trim_start().strip_prefix(mark) else {
            continue;
        };
        match docs.last_mut() {
            Some((_, doc)) if at == last + 1 => doc.push_str(said),
            _ => docs.push((at + 1, said.to_owned())),
        }
        last = at;
    }
    docs
}

/// Whether a doc says no more than a name can: three words at most, and no value or unit.
fn says_nothing(doc: &str) -> bool {
    const UNITS: [&str; 8] = [
        "ms", "bytes", "seconds", "minutes", "hours", "permille", "percent", "MiB",
    ];
    let words: Vec<&str> = doc.split_whitespace().collect();
    let is_unit = |word: &str| UNITS.contains(&word.trim_end_matches(['.', ',', ';', ':']));
    let has_value = doc.contains(|letter: char| letter.is_ascii_digit() || letter == '%');
    words.len() <= 3 && !has_value && !words.into_iter().any(is_unit)
}

#[test]
fn no_doc_says_only_what_a_name_can() {
    let mut empty = Vec::new();
    for package in ["engine", "viewer"] {
        for source in with_tests(package) {
            let has_flags = source.text.contains("clap::");
            for (line, doc) in ["///", "//!"].map(|mark| docs(&source.text, mark)).concat() {
                // What `--help` prints of a flag has no full stop.
                let is_help = has_flags && !doc.ends_with('.');
                if says_nothing(&doc) && !is_help {
                    let path = &source.path;
                    empty.push(format!("{package}/src/{path}:{line}: {}", doc.trim()));
                }
            }
        }
    }
    assert!(
        empty.is_empty(),
        "say the shape, the unit, when it is filled, the error; or leave it to the name:\n{}",
        empty.join("\n")
    );
}

#[test]
fn docs_types_and_functions_are_found_as_written() {
    for doc in ["", "Whose.", "The session's id.", "One, two, three"] {
        assert!(says_nothing(doc), "{doc:?}");
    }
    for doc in ["In ms.", "0 to 1.", "At most bytes.", "Whose it is now."] {
        assert!(!says_nothing(doc), "{doc:?}");
    }
    let text = "/// One\n/// two.\nstruct A;\n    /// Three.\n//! Four.";
    let found = docs(text, "///");
    assert_eq!(
        found,
        [(1, " One two.".to_owned()), (4, " Three.".to_owned())]
    );
    assert_eq!(public_type("pub(crate) struct A<'a>(u8);"), Some("A"));
    assert_eq!(public_type("    pub type B = u8;"), Some("B"));
    assert_eq!(public_type("pub fn c() {}"), None);
    let text = "impl A {\n    pub(crate) fn b(\n        c: u8,\n    ) {\n    }\n}\nfn d() {\n}";
    assert_eq!(functions(text), [("b", 4), ("d", 2)]);
}
