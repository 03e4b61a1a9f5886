//! Whatever stands in a file, loading it ends with a site or with errors that can be printed.

use proptest::prelude::*;

use super::{SPEC, load};

/// What a slip of the hand, a merge or an attacker leaves behind.
const SCRAPS: [&str; 16] = [
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    "\n",
    ".",
    "@",
    "(",
    "\u{0}",
    "ü",
    "\\",
    "#",
    "99999999999999999999",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_site_file_never_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..3, 0usize..16, 0u8..=255), 1..6),
        every_key in any::<bool>(),
    ) {
        let source = if every_key { include_str!("every_key.toml") } else { SPEC };
        let mut bytes = source.as_bytes().to_vec();
        for (at, how, scrap, byte) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.splice(at..at, SCRAPS[scrap].bytes()); }
                _ => { bytes.drain(at..(at + 1 + usize::from(byte) / 8).min(bytes.len())); }
            }
            if bytes.is_empty() { bytes.push(b'\n'); }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Err(errors) = load(&text) {
            let lines = text.lines().count() + 1;
            prop_assert!(!errors.errors.is_empty());
            for error in &errors.errors {
                prop_assert!((1..=lines).contains(&error.line) && error.column >= 1);
                prop_assert!(!error.message.is_empty());
            }
            prop_assert!(!errors.to_string().chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}

#[test]
fn deep_long_and_huge_files_end_with_an_error() {
    let numbered = (0..50_000).fold(String::new(), |text, n| text + &format!("key{n} = 1\n"));
    for text in [
        "a = ".to_owned() + &"[".repeat(100_000),
        format!("a = {}1{}", "{ a = ".repeat(5_000), "}".repeat(5_000)),
        "[a.".to_owned() + &"b.".repeat(50_000) + "c]\n",
        "x = 1\n".repeat(50_000),
        numbered,
        "#".repeat(5 << 20),
    ] {
        let errors = load(&text).unwrap_err();
        assert!(errors.to_string().len() < 200_000);
    }
}
