use super::date;

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
