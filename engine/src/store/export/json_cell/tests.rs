//! Numbers as JSON has them.

use super::number;

#[test]
fn digits_stay_as_read_and_are_still_a_json_number() {
    let check = |digits: &str, want: Option<&str>| {
        assert_eq!(number(digits).as_deref(), want, "{digits:?}");
        if let Some(number) = want {
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(number).is_ok());
        }
    };
    check("12.50", Some("12.50"));
    check("-12.50", Some("-12.50"));
    check("+3", Some("3"));
    check("007.10", Some("7.10"));
    check(".5", Some("0.5"));
    check("5.", Some("5"));
    check("-.0", Some("-0.0"));
    check("1e400", Some("1e400"));
    check(
        "123456789012345678901234567890.12",
        Some("123456789012345678901234567890.12"),
    );
    check("1E-7", Some("1e-7"));
    check("", None);
    check(".", None);
    check("inf", None);
    check("1e", None);
    check("NaN", None);
    check("1,5", None);
}
