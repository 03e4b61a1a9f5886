//! Cases of our own, written from the rules of RFC 9309, section by section, and from what Google's
//! parser forgives beyond it. They run in every clone.

use super::*;

/// A robots.txt, who asks, for what, and whether it is allowed.
type Case = (&'static str, &'static str, &'static str, bool);

const US: &str = "Crawlfield";

#[track_caller]
fn decide(cases: &[Case]) {
    for (text, agent, path, allowed) in cases {
        let robots = Robots::parse(text.as_bytes(), agent);
        assert_eq!(
            robots.allows(path),
            *allowed,
            "{path} for {agent} by {text:?}"
        );
    }
}

/// One group for all crawlers.
#[track_caller]
fn decide_for_all(cases: &[(&str, &str, bool)]) {
    for (rules, path, allowed) in cases {
        let text = format!("User-agent: *\n{rules}\n");
        let robots = Robots::parse(text.as_bytes(), US);
        assert_eq!(robots.allows(path), *allowed, "{path} by {rules:?}");
    }
}

#[test]
fn section_2_1_groups_lines_and_white_space() {
    decide(&[
        ("", US, "/x", true),
        ("\n\n\n", US, "/x", true),
        ("User-agent: *\r\nDisallow: /x\r\n", US, "/x", false),
        ("User-agent: *\rDisallow: /x\r", US, "/x", false),
        ("User-agent: *\nDisallow: /x", US, "/x", false),
        ("\u{feff}User-agent: *\nDisallow: /x\n", US, "/x", false),
        ("user-agent:*\ndisallow:/x\n", US, "/x", false),
        ("USER-AGENT: *\nDISALLOW: /x\n", US, "/x", false),
        (
            " \tUser-agent \t:\t * \n\tDisallow\t:\t/x  \n",
            US,
            "/x",
            false,
        ),
        // Empty lines part neither agents from their rules nor rules from each other.
        ("User-agent: *\n\nDisallow: /x\n", US, "/x", false),
        (
            "User-agent: *\nDisallow: /a\n\n\nDisallow: /b\n",
            US,
            "/b",
            false,
        ),
        // Rules that follow no agent are nobody's.
        ("Disallow: /x\n", US, "/x", true),
        (
            "Disallow: /x\nUser-agent: *\nDisallow: /y\n",
            US,
            "/x",
            true,
        ),
        (
            "Disallow: /x\nUser-agent: *\nDisallow: /y\n",
            US,
            "/y",
            false,
        ),
        ("User-agent: *\n", US, "/x", true),
    ]);
}

#[test]
fn section_2_2_1_which_group_counts() {
    let two = "User-agent: *\nDisallow: /all\n\nUser-agent: Crawlfield\nDisallow: /own\n";
    let turned = "User-agent: Crawlfield\nDisallow: /own\n\nUser-agent: *\nDisallow: /all\n";
    let thrice = "User-agent: crawlfield\nDisallow: /a\nUser-agent: b\nDisallow: /b\n\
                  User-agent: CrawlField\nDisallow: /c\n";
    let listed = "User-agent: one\nUser-agent: two\n\nUser-agent: three\nDisallow: /x\n";
    let shared = "User-agent: *\nUser-agent: one\nDisallow: /x\n";
    decide(&[
        ("User-agent: Crawlfield\nDisallow: /\n", US, "/x", false),
        ("User-agent: cRAWLFIELD\nDisallow: /\n", US, "/x", false),
        ("User-agent: Crawlfield\nDisallow: /\n", "Other", "/x", true),
        // A group of its own stands for the one for all, wherever it stands.
        (two, US, "/own", false),
        (two, US, "/all", true),
        (two, "Other", "/own", true),
        (two, "Other", "/all", false),
        (turned, US, "/own", false),
        (turned, US, "/all", true),
        // Groups of the same agent are one.
        (thrice, US, "/a", false),
        (thrice, US, "/b", true),
        (thrice, US, "/c", false),
        (
            "User-agent: *\nDisallow: /a\nUser-agent: z\nDisallow: /\nUser-agent: *\nDisallow: /b",
            US,
            "/b",
            false,
        ),
        // A group may be for several.
        (listed, "one", "/x", false),
        (listed, "two", "/x", false),
        (listed, "three", "/x", false),
        (listed, "four", "/x", true),
        (shared, "one", "/x", false),
        (shared, US, "/x", false),
        // The token of the file is the one of the request's header, without its version.
        (
            "User-agent: Crawlfield\nDisallow: /\n",
            "Crawlfield/1.2 (+http://a.test/bot)",
            "/x",
            false,
        ),
        (
            "User-agent: My_Bot-X\nDisallow: /\n",
            "my_bot-x",
            "/x",
            false,
        ),
        ("User-agent: Crawl\nDisallow: /\n", US, "/x", true),
        ("User-agent: field\nDisallow: /\n", US, "/x", true),
        ("User-agent: Crawlfield-Two\nDisallow: /\n", US, "/x", true),
    ]);
}

#[test]
fn section_2_2_2_what_a_rule_meets() {
    decide_for_all(&[
        ("Disallow: /", "/", false),
        ("Disallow: /", "/a/b?c", false),
        ("Disallow:", "/x", true),
        ("Allow:", "/x", true),
        ("Disallow: /\nAllow:", "/x", false),
        ("Disallow: /fish", "/fish", false),
        ("Disallow: /fish", "/fishing/rod.html", false),
        ("Disallow: /fish", "/catfish", true),
        ("Disallow: /fish", "/Fish", true),
        ("Disallow: /fish/", "/fish", true),
        ("Disallow: /fish/", "/fish/trout", false),
        ("Disallow: fish", "/fish", true),
        ("Disallow: /s?q=", "/s?q=a", false),
        ("Disallow: /s?q=", "/s", true),
        ("Disallow: /s?q=", "/s?page=2&q=a", true),
        // The file itself may always be read.
        ("Disallow: /", "/robots.txt", true),
    ]);
}

#[test]
fn section_2_2_2_the_longest_match_decides_and_allow_wins_a_tie() {
    let nested = "Disallow: /d\nAllow: /d/open\nDisallow: /d/open/not";
    decide_for_all(&[
        ("Allow: /shop/\nDisallow: /shop/cart", "/shop/cart/1", false),
        ("Disallow: /shop/cart\nAllow: /shop/", "/shop/cart/1", false),
        ("Allow: /shop/\nDisallow: /shop/cart", "/shop/lamp", true),
        ("Disallow: /page\nAllow: /page", "/page", true),
        ("Allow: /page\nDisallow: /page", "/page/2", true),
        (nested, "/d", false),
        (nested, "/door", false),
        (nested, "/d/open/x", true),
        (nested, "/d/open/not/x", false),
        (nested, "/e", true),
        // Stars and dollars count as octets.
        ("Allow: /page\nDisallow: /*.htm", "/page.htm", false),
        ("Allow: /pages\nDisallow: /*.htm", "/pages.htm", true),
        ("Allow: /$\nDisallow: /", "/", true),
        ("Allow: /$\nDisallow: /", "/index.html", false),
    ]);
}

#[test]
fn section_2_2_2_escapes_are_compared_alike() {
    decide_for_all(&[
        ("Disallow: /städte/", "/st%C3%A4dte/ulm", false),
        ("Disallow: /st%C3%A4dte/", "/städte/ulm", false),
        ("Disallow: /st%c3%a4dte/", "/st%C3%A4dte/ulm", false),
        ("Disallow: /städte/", "/stadte/ulm", true),
        ("Disallow: /日本", "/%E6%97%A5%E6%9C%AC/1", false),
        // Escapes of unreserved characters are those characters.
        ("Disallow: /%70rivate", "/private", false),
        ("Disallow: /private", "/%70rivate", false),
        ("Disallow: /a%2Db%2E%5f%7E", "/a-b._~", false),
        // Escapes of reserved ones are not.
        ("Disallow: /a%2Fb", "/a/b", true),
        ("Disallow: /a/b", "/a%2Fb", true),
        ("Disallow: /x%3Fy", "/x?y", true),
        (
            "Disallow: /go?to=http%3A%2F%2Fb",
            "/go?to=http%3a%2f%2fb",
            false,
        ),
        ("Disallow: /go?to=http%3A%2F%2Fb", "/go?to=http://b", true),
    ]);
}

#[test]
fn section_2_2_3_special_characters() {
    decide_for_all(&[
        ("# Disallow: /", "/x", true),
        ("Disallow: /x # why", "/x", false),
        ("Disallow: /x#y", "/xz", false),
        ("#\n# two\nDisallow: /x", "/x", false),
        ("Disallow: *", "/x", false),
        ("Disallow: /*", "/", false),
        ("Disallow: /*.gif$", "/a/b.gif", false),
        ("Disallow: /*.gif$", "/b.gif?size=2", true),
        ("Disallow: /*.gif$", "/b.gifs", true),
        ("Disallow: /*.gif", "/b.gifs", false),
        ("Disallow: /exact$", "/exact", false),
        ("Disallow: /exact$", "/exact/", true),
        ("Disallow: /private*/", "/private-2/x", false),
        ("Disallow: /private*/", "/private/", false),
        ("Disallow: /private*/", "/private", true),
        ("Disallow: /*/print", "/a/print", false),
        ("Disallow: /*/print", "/print", true),
        ("Disallow: /**/print", "/a/b/print", false),
        ("Disallow: /a*/*/c", "/ab/x/c", false),
        ("Disallow: /a*/*/c", "/ab/c", true),
        ("Disallow: /*a*b$", "/xaybab", false),
        ("Disallow: /*a*b$", "/xaybac", true),
        // A dollar that does not stand at the end is a plain character.
        ("Disallow: /a$b/", "/a$b/c", false),
        ("Disallow: /a$b/", "/ab/c", true),
        // To name the characters themselves, they are escaped.
        ("Disallow: /file%2A.txt", "/file*.txt", false),
        ("Disallow: /file%2A.txt", "/file1.txt", true),
        ("Disallow: /price%24", "/price$/1", false),
    ]);
}

#[test]
fn section_2_2_4_other_records_belong_to_no_group_and_end_none() {
    let between = "User-agent: one\nSitemap: http://a.test/s.xml\nUser-agent: two\nDisallow: /x\n";
    decide(&[
        (between, "one", "/x", false),
        (between, "two", "/x", false),
        (
            "User-agent: *\nNoindex: /\nHost: a.test\nDisallow: /x\n",
            US,
            "/x",
            false,
        ),
        ("User-agent: *\nNoindex: /\nDisallow: /x\n", US, "/y", true),
        (
            "User-agent: *\nthis is no rule\nDisallow: /x\n",
            US,
            "/x",
            false,
        ),
        (
            "Sitemap: http://a.test/s.xml\nUser-agent: *\nDisallow: /x\n",
            US,
            "/x",
            false,
        ),
        (
            "User-agent: *\nDisallow: /a\nUnheard-of: *\nDisallow: /b\n",
            US,
            "/b",
            false,
        ),
    ]);
}

#[test]
fn beyond_the_rfc_what_googles_parser_forgives() {
    decide(&[
        ("User-agent: *\nDisallow /x\n", US, "/x", false),
        ("User-agent *\nDisallow: /x\n", US, "/x", false),
        ("useragent: *\nDisallow: /x\n", US, "/x", false),
        ("user agent: *\nDisallow: /x\n", US, "/x", false),
        ("User-agent: *\nDissallow: /x\n", US, "/x", false),
        ("User-agent: *\nDisalow: /x\n", US, "/x", false),
        ("User-agent: * # all\nDisallow: /x\n", US, "/x", false),
        (
            "User-agent: Crawlfield/9.9\nDisallow: /x\n",
            US,
            "/x",
            false,
        ),
    ]);
}
