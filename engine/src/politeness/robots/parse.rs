//! Lines of robots.txt to the rules of one agent, and to the sitemaps it names.

use std::time::Duration;

use super::{
    Access, Robots, Rule,
    agent::{agent_token, product_token},
    pattern::Pattern,
};

/// Octets read (RFC 9309 §2.5 asks for at least 500 KiB).
const MOST: usize = 512 << 10;
/// Octets of a line that count, as Google's parser has it.
const LONGEST_LINE: usize = 2_083 * 8;

/// What the groups of one kind (our own token's, or those for all) say.
#[derive(Default)]
struct Groups {
    seen: bool,
    rules: Vec<Rule>,
    crawl_delay: Option<Duration>,
    /// The rules that follow are meant for it: its agent stands in the list before them, which
    /// only rules end.
    in_rules: bool,
    /// A crawl-delay that follows is meant for it. A delay between two agents is for the first
    /// alone: `Crawl-delay: 60` for one bot is not a floor for all.
    in_delays: bool,
}

pub(super) fn parse(body: &[u8], agent: &str) -> Robots {
    let agent = agent_token(agent).as_bytes();
    let body = &body[..body.len().min(MOST)];
    let (mut own, mut all) = (Groups::default(), Groups::default());
    let (mut after_rule, mut after_delay) = (true, true);
    for (key, value) in directives(body) {
        match key {
            Key::UserAgent => {
                for groups in [&mut own, &mut all] {
                    groups.in_rules &= !after_rule;
                    groups.in_delays &= !after_rule && !after_delay;
                }
                (after_rule, after_delay) = (false, false);
                if value == b"*" || (value.starts_with(b"* ") || value.starts_with(b"*\t")) {
                    all.begin();
                } else if !agent.is_empty() && product_token(value).eq_ignore_ascii_case(agent) {
                    own.begin();
                }
            }
            Key::CrawlDelay => {
                after_delay = true;
                own.delay(value);
                all.delay(value);
            }
            Key::Allow | Key::Disallow => {
                after_rule = true;
                own.rule(key == Key::Allow, value);
                all.rule(key == Key::Allow, value);
            }
            Key::Sitemap => {}
        }
    }
    let mut chosen = if own.seen { own } else { all };
    chosen
        .rules
        .sort_by_key(|rule| (usize::MAX - rule.pattern.length(), !rule.allow));
    chosen.rules.dedup();
    chosen.rules.shrink_to_fit();
    Robots {
        access: Access::Rules,
        rules: chosen.rules,
        crawl_delay: chosen.crawl_delay,
    }
}

/// The values of its `Sitemap` lines, in order.
pub(super) fn sitemaps(body: &[u8]) -> Vec<String> {
    directives(body)
        .filter(|(key, value)| *key == Key::Sitemap && !value.is_empty())
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .collect()
}

impl Groups {
    fn begin(&mut self) {
        (self.seen, self.in_rules, self.in_delays) = (true, true, true);
    }

    fn delay(&mut self, value: &[u8]) {
        if self.in_delays {
            let delay = std::str::from_utf8(value).ok().and_then(seconds);
            self.crawl_delay = self.crawl_delay.max(delay);
        }
    }

    /// An empty rule matches nothing.
    fn rule(&mut self, allow: bool, value: &[u8]) {
        if self.in_rules && !value.is_empty() {
            self.rules.push(Rule {
                allow,
                pattern: Pattern::new(value, allow),
            });
        }
    }
}

/// Decimal seconds; nothing negative, nothing that is no number.
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    UserAgent,
    Allow,
    Disallow,
    CrawlDelay,
    Sitemap,
}

/// Its lines that say something, whatever ends them, without a byte order mark before the first.
fn directives(body: &[u8]) -> impl Iterator<Item = (Key, &[u8])> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    body.split(|byte| matches!(byte, b'\n' | b'\r'))
        .filter_map(|line| directive(&line[..line.len().min(LONGEST_LINE)]))
}

/// Key and value of a line without its comment; a missing colon and known misspellings are
/// forgiven, as Google's parser does.
fn directive(line: &[u8]) -> Option<(Key, &[u8])> {
    let line = line
        .split(|byte| *byte == b'#')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let (key, value) = if let Some(colon) = line.iter().position(|byte| *byte == b':') {
        (&line[..colon], &line[colon + 1..])
    } else {
        let space = line.iter().position(u8::is_ascii_whitespace)?;
        let value = line[space..].trim_ascii();
        if value.iter().any(u8::is_ascii_whitespace) {
            return None;
        }
        (&line[..space], value)
    };
    let key = match key.trim_ascii().to_ascii_lowercase().as_slice() {
        b"user-agent" | b"useragent" | b"user agent" => Key::UserAgent,
        b"allow" => Key::Allow,
        b"disallow" | b"dissallow" | b"dissalow" | b"disalow" | b"diasllow" | b"disallaw" => {
            Key::Disallow
        }
        b"crawl-delay" | b"crawldelay" | b"crawl delay" => Key::CrawlDelay,
        // Sitemaps and what we do not know belong to no group and end none.
        b"sitemap" | b"site-map" => Key::Sitemap,
        _ => return None,
    };
    Some((key, value.trim_ascii()))
}
