use serde::de::IgnoredAny;

use super::{boolean, decimal, integer, keeps_digits};

#[test]
fn integers_are_decimal_or_hex_with_a_sign() {
    let cases: &[(&str, Option<i64>)] = &[
        ("42", Some(42)),
        (" +7 ", Some(7)),
        ("-12", Some(-12)),
        ("- 12", Some(-12)),
        ("\u{2212}3", Some(-3)),
        ("0x1358", Some(0x1358)),
        ("-0XfF", Some(-255)),
        ("007", Some(7)),
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("0x", None),
        ("", None),
        ("-", None),
        ("1,234", None),
        ("1.0", None),
        ("12a", None),
        ("0x+1", None),
        ("++1", None),
    ];
    for (text, expected) in cases {
        assert_eq!(integer(text), *expected, "{text}");
    }
}

/// A text, its decimal, and whether a parsed JSON number would keep that one's digits.
const DECIMALS: &[(&str, Option<&str>, bool)] = &[
    ("1234.50", Some("1234.50"), false),
    ("12.5", Some("12.5"), true),
    (" -0.10 ", Some("-0.10"), false),
    ("\u{2212}3", Some("-3"), true),
    ("- 3", Some("-3"), true),
    ("+5", Some("5"), true),
    (".5", Some("0.5"), true),
    ("5.", Some("5"), true),
    ("-.0", Some("-0.0"), true),
    ("007.00", Some("7.00"), false),
    ("0", Some("0"), true),
    (
        "12345678901234567890.123456789",
        Some("12345678901234567890.123456789"),
        false,
    ),
    ("1.5e-7", Some("1.5e-7"), true),
    ("1E-7", Some("1E-7"), false),
    ("1e400", Some("1e400"), false),
    ("1e", None, false),
    ("1e+-5", None, false),
    ("e5", None, false),
    (".", None, false),
    ("", None, false),
    ("inf", None, false),
    ("NaN", None, false),
    ("1,5", None, false),
    ("1.2.3", None, false),
    ("£5", None, false),
];

#[test]
fn decimals_keep_their_digits_in_the_form_of_a_json_number() {
    for (text, expected, kept) in DECIMALS {
        let digits = decimal(text);
        assert_eq!(digits.as_deref(), *expected, "{text}");
        if let Some(digits) = digits {
            assert!(serde_json::from_str::<IgnoredAny>(&digits).is_ok());
            assert_eq!(keeps_digits(&digits), *kept, "{text}");
        }
    }
}

#[test]
fn booleans_are_yes_and_no() {
    for (text, expected) in [
        ("true", Some(true)),
        ("YES", Some(true)),
        ("1", Some(true)),
        ("False", Some(false)),
        ("no", Some(false)),
        ("0", Some(false)),
        ("maybe", None),
        ("", None),
    ] {
        assert_eq!(boolean(text), expected, "{text}");
    }
}
