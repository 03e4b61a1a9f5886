use super::{boolean, date, decimal, integer};

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

#[test]
fn decimals_keep_their_digits() {
    let cases: &[(&str, Option<&str>)] = &[
        ("1234.50", Some("1234.50")),
        (" -0.10 ", Some("-0.10")),
        ("+5", Some("5")),
        (".5", Some("0.5")),
        ("5.", Some("5")),
        ("007.00", Some("7.00")),
        ("0", Some("0")),
        (
            "12345678901234567890.123456789",
            Some("12345678901234567890.123456789"),
        ),
        ("1.5e-7", Some("1.5e-7")),
        ("1e", None),
        ("e5", None),
        (".", None),
        ("", None),
        ("1,5", None),
        ("1.2.3", None),
        ("£5", None),
    ];
    for (text, expected) in cases {
        assert_eq!(decimal(text).as_deref(), *expected, "{text}");
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

#[test]
fn dates_become_iso_8601() {
    let cases: &[(&str, &[&str], Option<&str>)] = &[
        ("2024-02-29", &[], Some("2024-02-29")),
        ("2023-02-29", &[], None),
        ("2024-02-29T10:11:12Z", &[], Some("2024-02-29T10:11:12Z")),
        ("2024-02-29 10:11:12", &[], Some("2024-02-29T10:11:12")),
        (
            "2024-02-29T10:11:12+02:00",
            &[],
            Some("2024-02-29T10:11:12+02:00"),
        ),
        (
            "March 14, 1879",
            &["%d.%m.%Y", "%B %d, %Y"],
            Some("1879-03-14"),
        ),
        ("1.2.2024", &["%d.%m.%Y"], Some("2024-02-01")),
        ("31.2.2024", &["%d.%m.%Y"], None),
        ("03/2024", &["%m/%Y"], Some("2024-03")),
        (
            "5 Jan 2024 7:05 pm",
            &["%d %b %Y %I:%M %p"],
            Some("2024-01-05T19:05:00"),
        ),
        (
            "2024-01-05 07:05 +0100",
            &["%Y-%m-%d %H:%M %z"],
            Some("2024-01-05T07:05:00+01:00"),
        ),
        ("soon", &["%Y"], None),
        ("", &[], None),
    ];
    for (text, formats, expected) in cases {
        let formats: Vec<String> = formats.iter().map(|format| (*format).to_owned()).collect();
        assert_eq!(date(text, &formats).as_deref(), *expected, "{text}");
    }
}
