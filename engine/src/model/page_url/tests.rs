//! A page's URL reads as the URL, whatever it carries.

use super::PageUrl;

#[test]
fn what_a_link_carried_stands_behind_the_url_and_is_never_told_with_it() {
    let check = |carried: &str, expected: &str| {
        let page = PageUrl::new("https://shop.test/a?b=c", carried);
        assert_eq!(&*page, "https://shop.test/a?b=c");
        assert_eq!(page.carried(), expected);
        assert_eq!(page.to_string(), "https://shop.test/a?b=c");
        assert_eq!(
            serde_json::to_string(&page).expect("text has a JSON form"),
            "\"https://shop.test/a?b=c\""
        );
        let bytes = postcard::to_stdvec(&page).expect("text has bytes");
        let back: PageUrl = postcard::from_bytes(&bytes).expect("what was written");
        assert_eq!(back, page);
        assert_eq!(back.carried(), "{}");
    };
    check("{}", "{}");
    check("", "{}");
    check(r#"{"page":2}"#, r#"{"page":2}"#);
    check(r#"{"title":"two\nlines"}"#, r#"{"title":"two\nlines"}"#);
    check("{\"a\":\n1}", "{\"a\":\n1}");
}
