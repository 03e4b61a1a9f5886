//! Lines of robots.txt to the rules of one agent.

use std::time::Duration;

use super::{Access, Robots, Rule, pattern::Pattern};

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
}

pub(super) fn parse(body: &[u8], agent: &str) -> Robots {
    let agent = product_token(agent.as_bytes());
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let body = &body[..body.len().min(MOST)];
    let (mut own, mut all) = (Groups::default(), Groups::default());
    let (mut in_own, mut in_all, mut naming) = (false, false, false);
    for line in body.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let Some((key, value)) = directive(&line[..line.len().min(LONGEST_LINE)]) else {
            continue;
        };
        match key {
            Key::UserAgent => {
                if !naming {
                    (in_own, in_all, naming) = (false, false, true);
                }
                if value == b"*" || (value.starts_with(b"* ") || value.starts_with(b"*\t")) {
                    in_all = true;
                    all.seen = true;
                } else if !agent.is_empty() && product_token(value).eq_ignore_ascii_case(agent) {
                    in_own = true;
                    own.seen = true;
                }
            }
            Key::Allow | Key::Disallow | Key::CrawlDelay => {
                naming = false;
                for (groups, here) in [(&mut own, in_own), (&mut all, in_all)] {
                    if here {
                        groups.add(key, value);
                    }
                }
            }
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

impl Groups {
    fn add(&mut self, key: Key, value: &[u8]) {
        match key {
            Key::CrawlDelay => {
                let delay = std::str::from_utf8(value).ok().and_then(seconds);
                self.crawl_delay = self.crawl_delay.max(delay);
            }
            // An empty rule matches nothing.
            _ if value.is_empty() => {}
            _ => {
                let allow = key == Key::Allow;
                self.rules.push(Rule {
                    allow,
                    pattern: Pattern::new(value, allow),
                });
            }
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
        _ => return None,
    };
    Some((key, value.trim_ascii()))
}

/// The leading letters, `-` and `_` of a user agent (RFC 9309 §2.2.1).
pub(super) fn product_token(agent: &[u8]) -> &[u8] {
    let end = agent
        .iter()
        .position(|byte| !(byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_')))
        .unwrap_or(agent.len());
    &agent[..end]
}
