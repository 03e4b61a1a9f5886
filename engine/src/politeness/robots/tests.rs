use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

mod rfc9309;

fn check(robots: &str, path: &str, allowed: bool) {
    assert_eq!(
        Robots::parse(robots.as_bytes(), "Crawlfield").allows(path),
        allowed,
        "{path} by {robots:?}"
    );
}

#[test]
fn the_public_cases_agree() {
    let Ok(cases) = std::env::var("CRAWLFIELD_CASES") else {
        eprintln!("SKIPPED: CRAWLFIELD_CASES is not set");
        return;
    };
    let text =
        std::fs::read_to_string(format!("{cases}/robots/google_allowed.jsonl")).expect("readable");
    let (mut rows, mut wrong, mut beyond, mut beyond_agree) = (0, vec![], 0, 0);
    for line in text.lines() {
        let row: Json = serde_json::from_str(line).expect("JSON");
        let field = |name: &str| row[name].as_str().expect("text");
        let url = field("url");
        let path = url.split_once("://").map_or(url, |(_, rest)| {
            rest.find('/').map_or("/", |slash| &rest[slash..])
        });
        let robots = Robots::parse(field("robots_txt").as_bytes(), field("agent"));
        let agrees = Some(robots.allows(path)) == row["allowed"].as_bool();
        if row["google_only"] == true {
            beyond += 1;
            beyond_agree += u32::from(agrees);
        } else {
            rows += 1;
            if !agrees {
                wrong.push(line.to_owned());
            }
        }
    }
    eprintln!("robots: {rows} rows of RFC 9309; beyond it {beyond_agree} of {beyond} agree");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(rows, 72);
}

#[test]
fn the_public_paths_and_tokens_agree() {
    let Ok(cases) = std::env::var("CRAWLFIELD_CASES") else {
        eprintln!("SKIPPED: CRAWLFIELD_CASES is not set");
        return;
    };
    let text =
        std::fs::read_to_string(format!("{cases}/robots/google_helpers.json")).expect("readable");
    let helpers: Json = serde_json::from_str(&text).expect("JSON");
    let tokens = helpers["valid_agent_tokens"].as_array().expect("a list");
    for row in tokens {
        let agent = row["agent"].as_str().expect("text");
        let whole = !agent.is_empty() && product_token(agent.as_bytes()) == agent.as_bytes();
        assert_eq!(Some(whole), row["valid"].as_bool(), "{agent:?}");
    }
}

#[test]
fn the_status_decides_before_the_rules() {
    let disallow = b"User-agent: *\nDisallow: /";
    for (status, allowed) in [
        (200, false),
        (204, false),
        (301, true),
        (401, true),
        (403, true),
        (404, true),
        (410, true),
        (429, false),
        (500, false),
        (503, false),
        (999, false),
        (100, false),
    ] {
        let robots = Robots::from_answer(status, disallow, "Crawlfield");
        assert_eq!(robots.allows("/x"), allowed, "{status}");
        assert!(robots.allows("/robots.txt"), "{status}");
    }
    assert!(Robots::allow_all().allows("/"));
}

#[test]
fn what_a_urls_parser_respells_is_the_same_in_a_rule_and_in_a_link() {
    let path_of = |link: &str| {
        let base = url::Url::parse("http://a.test/").expect("a URL");
        let url = base.join(link).expect("a URL");
        url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
    };
    for rule in [
        "/a{", "/a}", "/a\"", "/a<", "/a>", "/a`", "/a^", "/a|", "/a'", "/a b", "/*?q='", "/*?q={",
        "/*?q=\"", "/*?q=<x>", "/*?q=`", "/*?q=|",
    ] {
        let link = rule.replacen('*', "list", 1);
        let written = path_of(&format!("{link}1"));
        let escaped = |text: &str| -> String {
            let escape = |c: char| {
                if "{}\"<>`^|' ".contains(c) {
                    format!("%{:02x}", u32::from(c))
                } else {
                    c.to_string()
                }
            };
            text.chars().map(escape).collect()
        };
        for (rule, link) in [
            (rule.to_owned(), written.clone()),
            (escaped(rule), written.clone()),
            (rule.to_owned(), path_of(&format!("{}1", escaped(&link)))),
        ] {
            let ban = format!("User-agent: *\nDisallow: {rule}");
            check(&ban, &link, false);
            check(&ban, "/a", true);
            let leave = format!("User-agent: *\nDisallow: /\nAllow: {rule}");
            check(&leave, &link, true);
            check(&leave, "/a", false);
        }
    }
}

#[test]
fn only_rules_end_a_groups_list_of_agents() {
    let text = "User-agent: bot\nCrawl-delay: 1\nUser-agent: *\nDisallow: /private/\n";
    let read = |text: &str, agent: &str| Robots::parse(text.as_bytes(), agent);
    for agent in ["bot", "Crawlfield"] {
        assert!(!read(text, agent).allows("/private/x"), "{agent}");
    }
    for between in [
        "Sitemap: http://a.test/s.xml",
        "Host: a.test",
        "Request-rate: 1/5",
        "",
        "#",
    ] {
        let text = format!("User-agent: bot\n{between}\nUser-agent: other\nDisallow: /\n");
        assert!(!read(&text, "bot").allows("/x"), "{between}");
    }
    let ended = "User-agent: bot\nAllow: /a\nUser-agent: other\nDisallow: /\n";
    assert!(read(ended, "bot").allows("/x"));
}

#[test]
fn a_delay_between_two_agents_is_for_the_first() {
    let text = "User-agent: slow\nCrawl-delay: 60\nUser-agent: *\nDisallow: /x\n";
    let delay = |text: &str, agent: &str| {
        let robots = Robots::parse(text.as_bytes(), agent);
        robots.crawl_delay().map(|delay| delay.as_secs())
    };
    assert_eq!(delay(text, "slow"), Some(60));
    assert_eq!(delay(text, "Crawlfield"), None);
    let both = "User-agent: slow\nUser-agent: *\nDisallow: /x\nCrawl-delay: 60\n";
    assert_eq!(delay(both, "slow"), Some(60));
    assert_eq!(delay(both, "Crawlfield"), Some(60));
}

#[test]
fn names_are_compared_whole() {
    let obeys = |group: &str, agent: &str| {
        let text = format!("User-agent: {group}\nDisallow: /\n");
        !Robots::parse(text.as_bytes(), agent).allows("/x")
    };
    for (group, agent, expected) in [
        ("Web1", "Web2Bot/1.0", false),
        ("Web2Bot", "Web1", false),
        ("Web", "Web2Bot", false),
        ("web2bot", "Web2Bot/3.1 (+http://a.test)", true),
        ("Web2Bot/9", "Web2Bot", true),
        ("bot-7", "Bot-7", true),
        ("my.one", "my.other/1.0", false),
        ("my.other", "my.other/1.0", true),
        ("crawl", "Crawlfield", false),
        ("Crawlfield", "Crawl", false),
        ("Mozilla", "Mozilla/5.0 (compatible; MyBot/1.0)", false),
        ("MyBot", "Mozilla/5.0 (compatible; MyBot/1.0)", true),
    ] {
        assert_eq!(
            obeys(group, agent),
            expected,
            "{agent} by the group of {group}"
        );
    }
}

#[test]
fn a_user_agent_that_comes_as_a_browser_is_known_by_its_own_name() {
    for (user_agent, name) in [
        ("Crawlfield/0.1 (+https://a.test)", "Crawlfield"),
        ("  Crawlfield", "Crawlfield"),
        ("Mozilla/5.0 (compatible; MyBot/1.0)", "MyBot"),
        (
            "Mozilla/5.0 (compatible;MyBot; +http://a.test/bot.html)",
            "MyBot",
        ),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; \
             +http://www.google.com/bot.html) Chrome/120.0 Safari/537.36",
            "Googlebot",
        ),
        ("Mozilla/5.0 (MyBot/1.0; +http://a.test)", "MyBot"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) MyBot/2 Chrome/120",
            "MyBot",
        ),
        (
            "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1)",
            "Mozilla",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Gecko/2010 Firefox/142.0",
            "Mozilla",
        ),
        ("Mozilla/5.0 (", "Mozilla"),
        ("Mozilla/5.0 (compatible;", "Mozilla"),
        ("", ""),
        ("(compatible; MyBot)", ""),
    ] {
        assert_eq!(agent_token(user_agent), name, "{user_agent}");
    }
    assert!(is_browser(agent_token("Mozilla/5.0 (X11)")));
}

#[test]
fn sitemaps_are_named_by_lines_read_as_rules_are() {
    let text = b"\xEF\xBB\xBFSitemap: http://a.test/1.xml\rUser-agent: *\rDisallow: /\r\
        SITEMAP : http://a.test/2.xml # the second\r\nsitemap:\nSitemap: /3.xml";
    assert_eq!(
        sitemaps(text),
        ["http://a.test/1.xml", "http://a.test/2.xml", "/3.xml"]
    );
}

#[test]
fn groups_of_one_agent_are_merged_and_beat_the_group_for_all() {
    let robots = "User-agent: crawlfield\nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n\n\
                  User-agent: other\nUser-agent: CRAWLFIELD/2.0\nDisallow: /c";
    for (path, allowed) in [("/a", false), ("/b", true), ("/c", false)] {
        check(robots, path, allowed);
    }
    check(
        "User-agent: Crawlfield\n\nUser-agent: *\nDisallow: /",
        "/x",
        false,
    );
    check(
        "User-agent: Crawlfield\nDisallow:\n\nUser-agent: *\nDisallow: /",
        "/x",
        true,
    );
}

#[test]
fn stars_dollars_and_escapes_match_as_the_rfc_says() {
    let rows = [
        ("/*.php$", "/a.php", false),
        ("/*.php$", "/a.php5", true),
        ("/*.php", "/a.php?x", false),
        ("/a*b*c", "/a1b2c3", false),
        ("/a*b*c", "/acb", true),
        ("/fish*", "/fish", false),
        ("/a$b", "/a$b", false),
        ("/a%24", "/a$", false),
        ("/%2A", "/*", false),
        ("/%2a", "/x", true),
        ("/%61", "/a", false),
        ("/a", "/%61", false),
        ("/ü", "/%C3%BC", false),
        ("/%c3%bc", "/ü", false),
        ("/a%2fb", "/a/b", true),
        ("/a%2fb", "/a%2Fb", false),
        ("/*?x=", "/p?a=1&x=2", true),
        ("/*?*x=", "/p?a=1&x=2", false),
        ("*/x", "/a/x", false),
        ("/$", "/", false),
        ("/$", "/a", true),
        ("/a*$", "/abc", false),
        ("/%", "/%", false),
        ("/%zz", "/%zz", false),
    ];
    for (pattern, path, allowed) in rows {
        check(
            &format!("User-agent: *\nDisallow: {pattern}"),
            path,
            allowed,
        );
    }
}

#[test]
fn a_ban_meets_every_spelling_and_a_permission_only_its_own() {
    check("User-agent: *\nDisallow: /~joe", "/%7Ejoe", false);
    check("User-agent: *\nDisallow: /\nAllow: /%7Ejoe", "/~joe", false);
    check(
        "User-agent: *\nDisallow: /\nAllow: /%7ejoe",
        "/%7Ejoe",
        true,
    );
    check("User-agent: *\nDisallow: /\nAllow: /ü", "/%c3%bc", true);
}

#[test]
fn allow_wins_a_tie_and_the_longest_match_wins() {
    check("User-agent: *\nDisallow: /x\nAllow: /x", "/x", true);
    check("User-agent: *\nAllow: /x\nDisallow: /x/y", "/x/y/z", false);
    check("User-agent: *\nAllow: /x/y/z\nDisallow: /x", "/x/y/z", true);
}

#[test]
fn odd_bytes_and_line_ends_do_no_harm() {
    check(
        "\u{feff}User-agent: *\rDisallow: /a\r\nDisallow: /b # why",
        "/b",
        false,
    );
    check(
        "\u{feff}User-agent: *\rDisallow: /a\r\nDisallow: /b # why",
        "/a",
        false,
    );
    check("<html><body>404</body></html>", "/", true);
    let latin = Robots::parse(b"User-agent: *\nDisallow: /\xe9\0\n", "Crawlfield");
    assert!(!latin.allows("/%E9%00"));
}

#[test]
fn what_stands_at_half_a_megabyte_still_counts() {
    let mut text = String::from("User-agent: *\n");
    while text.len() < 500 << 10 {
        text.push_str("Disallow: /some/long/path/that/is/not/asked/for\n");
    }
    let filled = Robots::parse(format!("{text}Disallow: /late\n").as_bytes(), "Crawlfield");
    assert!(!filled.allows("/late"));
    assert_eq!(filled.rules.len(), 2, "equal rules are kept once");
    let line = format!("User-agent: *\nDisallow: /{}/x\n", "y".repeat(20_000));
    assert!(
        !Robots::parse(line.as_bytes(), "Crawlfield").allows(&format!("/{}", "y".repeat(20_000)))
    );
}

#[test]
fn a_crawl_delay_is_read() {
    let text = b"Sitemap: http://a.test/1.xml\nUser-agent: *\nCrawl-delay: 2.5\nSitemap: http://a.test/2.xml\n\
        Disallow: /x\nUser-agent: z\nCrawl-delay: 90\nCrawl-delay: -1\n";
    let robots = Robots::parse(text, "Crawlfield/0.1 (+http://a.test)");
    assert_eq!(robots.crawl_delay(), Some(Duration::from_millis(2_500)));
    assert_eq!(
        Robots::parse(text, "z").crawl_delay(),
        Some(Duration::from_secs(90))
    );
    for odd in ["-1", "inf", "nan", "1e400", "x", ""] {
        let text = format!("User-agent: *\nCrawl-delay: {odd}");
        assert_eq!(
            Robots::parse(text.as_bytes(), "z").crawl_delay(),
            None,
            "{odd}"
        );
    }
}

#[test]
fn a_pattern_of_a_thousand_stars_is_no_work() {
    let robots = format!("User-agent: *\nDisallow: /{}b", "*a".repeat(5_000));
    check(&robots, &format!("/{}", "a".repeat(20_000)), true);
}

/// The definition of a match, by trying everything.
fn naive(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => true,
        [b'$'] => path.is_empty(),
        [b'*', rest @ ..] => (0..=path.len()).any(|skip| naive(rest, &path[skip..])),
        [byte, rest @ ..] => path.first() == Some(byte) && naive(rest, &path[1..]),
    }
}

proptest! {
    #[test]
    fn the_matcher_agrees_with_the_definition(pattern in "/[ab*]{0,8}[$]?", path in "/[ab]{0,10}") {
        let matched = Pattern::new(pattern.as_bytes(), false)
            .matches(&Spelling::new(path.as_bytes().into()), &mut Effort::new());
        prop_assert_eq!(matched, naive(pattern.as_bytes(), path.as_bytes()));
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..300), path in "\\PC{0,40}") {
        let _ = Robots::parse(&body, "Crawlfield").allows(&path);
    }
}

#[test]
fn a_hostile_file_of_stars_costs_little_and_forbids_what_it_made_us_search() {
    // Rules that a long path of the same letters nearly matches, to the last octet.
    let rules: String = (0..30_000)
        .map(|n| format!("Allow: /*ab{n:x}\n"))
        .take_while({
            let mut size = 0;
            move |line| {
                size += line.len();
                size < 500 << 10
            }
        })
        .collect();
    let robots = Robots::parse(format!("User-agent: *\n{rules}").as_bytes(), "Crawlfield");
    assert!(robots.rules.len() > 20_000);
    let long = format!("/{}0123456789abcdef", "ab".repeat(1_000));
    assert!(!robots.allows(&long), "the search is given up");
    assert!(robots.allows("/catalogue/page-1.html"), "no rule matches");
    assert!(
        robots.allows("/xab7"),
        "the answer is exact where it is cheap"
    );
}

#[test]
fn a_large_honest_file_is_answered_exactly() {
    let rules: Vec<String> = (0..20_000)
        .map(|n| format!("Disallow: /private/{n}"))
        .collect();
    let rules = rules.join("\n");
    let robots = Robots::parse(format!("User-agent: *\n{rules}").as_bytes(), "Crawlfield");
    assert!(!robots.allows("/private/77"));
    assert!(robots.allows(&format!("/public/{}", "x".repeat(2_000))));
}
