//! robots.txt by RFC 9309: which paths a host lets us read, and how fast.
//!
//! Own matcher: of Google's 72 cases within the RFC, `texting_robots` 0.2 and `robotxt` 0.6 each
//! decide 8 otherwise.

use std::{borrow::Cow, time::Duration};

/// What robots.txt says to one agent. Holds only the rules of that agent's groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Robots {
    access: Access,
    rules: Vec<Rule>,
    crawl_delay: Option<Duration>,
}

/// How a host's robots.txt was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// Read: its rules count.
    #[default]
    Rules,
    /// There is none (4xx): all is allowed.
    All,
    /// It could not be read (5xx, 429): nothing is allowed until it can (RFC 9309 §2.3.1.4).
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    allow: bool,
    pattern: Pattern,
}

/// What the status of the answer to robots.txt means (RFC 9309 §2.3.1).
#[must_use]
pub const fn access(status: u16) -> Access {
    match status {
        200..=299 => Access::Rules,
        429 => Access::Nothing,
        // A redirect that could not be followed to an end counts as "unavailable", as 4xx does.
        300..=499 => Access::All,
        _ => Access::Nothing,
    }
}

impl Robots {
    /// Reads the rules for `agent`, a whole user agent or its [`agent_token`].
    #[must_use]
    pub fn parse(body: &[u8], agent: &str) -> Self {
        parse(body, agent)
    }

    /// By the answer's status: `body` is read only where it is one of rules.
    #[must_use]
    pub fn from_answer(status: u16, body: &[u8], agent: &str) -> Self {
        match access(status) {
            Access::Rules => Self::parse(body, agent),
            access => Self {
                access,
                ..Self::default()
            },
        }
    }

    /// There is none: all is allowed.
    #[must_use]
    pub fn allow_all() -> Self {
        Self {
            access: Access::All,
            ..Self::default()
        }
    }

    /// Whether this path with its query may be read: the longest matching rule decides, allow
    /// wins a tie, no match allows. `/robots.txt` itself always may. A file whose stars would keep
    /// us busy for more than some milliseconds forbids what it made us search.
    #[must_use]
    pub fn allows(&self, path_and_query: &str) -> bool {
        match self.access {
            Access::All => return true,
            Access::Nothing => return path_and_query == "/robots.txt",
            Access::Rules if self.rules.is_empty() => return true,
            Access::Rules => {}
        }
        let path = Path::new(path_and_query);
        if *path.for_rule(false).text == *b"/robots.txt" {
            return true;
        }
        // Sorted by length, longest first, allow before disallow: the first match decides.
        let mut effort = Effort::new();
        let decides = self.rules.iter().find(|rule| {
            effort.is_spent() || rule.pattern.matches(path.for_rule(rule.allow), &mut effort)
        });
        !effort.is_spent() && decides.is_none_or(|rule| rule.allow)
    }

    /// The gap asked for between two requests, as written.
    #[must_use]
    pub const fn crawl_delay(&self) -> Option<Duration> {
        self.crawl_delay
    }
}

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

fn parse(body: &[u8], agent: &str) -> Robots {
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

/// The sitemaps that a robots.txt names, as written, in order; no group matters.
#[must_use]
pub fn sitemaps(body: &[u8]) -> Vec<String> {
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

/// Names of browsers, which crawlers put around their own.
const BROWSERS: [&str; 14] = [
    "applewebkit",
    "chrome",
    "chromium",
    "edg",
    "firefox",
    "gecko",
    "headlesschrome",
    "khtml",
    "mobile",
    "mozilla",
    "msie",
    "opera",
    "safari",
    "version",
];

/// The name that groups of robots.txt are compared with: the first product of the user agent
/// (`Crawlfield` of `Crawlfield/0.1 (+https://a.example)`). A crawler that comes as a browser is
/// known by what stands after `compatible;` (`MyBot` of `Mozilla/5.0 (compatible; MyBot/1.0)`),
/// else by its first product that is no browser's, in a comment or behind one.
#[must_use]
pub fn agent_token(user_agent: &str) -> &str {
    let first = token_of(user_agent);
    if !first.eq_ignore_ascii_case("mozilla") {
        return first;
    }
    let is_own = |name: &&str| !name.is_empty() && !is_browser(name);
    after_compatible(user_agent)
        .filter(is_own)
        .or_else(|| in_comments(user_agent).filter_map(product).find(is_own))
        .or_else(|| products(user_agent).find(is_own))
        .unwrap_or(first)
}

/// Whether this is the name of a browser, so that no crawler can be told by it.
#[must_use]
pub fn is_browser(name: &str) -> bool {
    BROWSERS
        .iter()
        .any(|browser| name.eq_ignore_ascii_case(browser))
}

fn token_of(text: &str) -> &str {
    let length = product_token(text.trim().as_bytes()).len();
    &text.trim()[..length]
}

/// The name of `name/version`.
fn product(text: &str) -> Option<&str> {
    let name = token_of(text);
    text.trim()[name.len()..].starts_with('/').then_some(name)
}

fn after_compatible(user_agent: &str) -> Option<&str> {
    let mut parts = in_comments(user_agent);
    parts
        .find(|part| part.trim().eq_ignore_ascii_case("compatible"))
        .and_then(|_| parts.next())
        .map(token_of)
}

/// What stands between the semicolons of comments.
fn in_comments(user_agent: &str) -> impl Iterator<Item = &str> {
    user_agent
        .split('(')
        .skip(1)
        .flat_map(|part| part.split(')').next().unwrap_or_default().split(';'))
}

/// Products that stand outside comments.
fn products(user_agent: &str) -> impl Iterator<Item = &str> {
    let outside = user_agent.split('(').enumerate().map(|(index, part)| {
        let after = part.split_once(')').map_or("", |(_, after)| after);
        if index == 0 { part } else { after }
    });
    outside.flat_map(str::split_whitespace).map(token_of)
}

/// The name at the start of a user agent or of a group's line, all of it: RFC 9309 §2.2.1 has
/// letters, `-` and `_` only, but a name cut at its digit (`Web2Bot`) would be that of others.
fn product_token(agent: &[u8]) -> &[u8] {
    let end = agent
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')))
        .unwrap_or(agent.len());
    &agent[..end]
}

/// The value of a rule, with its escapes made alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Between the stars, none empty but perhaps the first.
    parts: Box<[Box<[u8]>]>,
    /// The path must end where the last part does.
    anchored: bool,
    /// The pattern ends in a star: whatever follows is fine, even where it is anchored.
    open: bool,
    /// Octets of the pattern as normalised, stars included: its precedence.
    length: usize,
    /// The octets it needs, one bit for each modulo 64.
    octets: u64,
}

/// Octets that the rules of one question may still search. A hostile file has tens of thousands
/// of rules with stars; what they cost is bounded by this.
struct Effort(usize);

impl Effort {
    /// A few milliseconds at most; honest files need a hundredth of it.
    const fn new() -> Self {
        Self(2 << 20)
    }

    const fn is_spent(&self) -> bool {
        self.0 == 0
    }
}

impl Pattern {
    /// Reads a rule's value, which is not empty. `exact`: escapes of unreserved characters stay.
    fn new(value: &[u8], exact: bool) -> Self {
        let (body, anchored) = match value.strip_suffix(b"$") {
            Some(body) => (body, true),
            None => (value, false),
        };
        // A dollar that is not at the end is a plain character; a star never is.
        let body = normal(body, b"$", !exact);
        let mut parts: Vec<Box<[u8]>> = vec![];
        for (index, part) in body.split(|byte| *byte == b'*').enumerate() {
            if index == 0 || !part.is_empty() {
                parts.push(part.into());
            }
        }
        Self {
            octets: parts.iter().fold(0, |all, part| all | octets(part)),
            parts: parts.into(),
            anchored,
            open: body.ends_with(b"*"),
            length: body.len() + usize::from(anchored),
        }
    }

    fn length(&self) -> usize {
        self.length
    }

    /// Whether a normalised path matches. Each part is searched once from where the last ended:
    /// the leftmost place leaves most to the rest, so that nothing is ever tried twice.
    fn matches(&self, path: &Spelling<'_>, effort: &mut Effort) -> bool {
        if self.octets & !path.octets != 0 {
            return false;
        }
        let path = &*path.text;
        let Some((first, rest)) = self.parts.split_first() else {
            return true;
        };
        let Some(mut left) = path.strip_prefix(&**first) else {
            return false;
        };
        let ends_free = !self.anchored || self.open;
        let Some((last, middle)) = rest.split_last() else {
            return ends_free || left.is_empty();
        };
        effort.0 = effort.0.saturating_sub(left.len());
        for part in middle {
            match find(left, part) {
                Some(end) => left = &left[end..],
                None => return false,
            }
        }
        if ends_free {
            find(left, last).is_some()
        } else {
            left.ends_with(last)
        }
    }
}

/// The octets of a text, one bit for each modulo 64.
fn octets(text: &[u8]) -> u64 {
    text.iter().fold(0, |all, byte| all | 1 << (byte & 63))
}

/// The end of the first occurrence.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len())
        .position(|window| window == part)
        .map(|start| start + part.len())
}

/// A path with its query, read in both ways: see [`Path::for_rule`].
struct Path<'a> {
    normal: Spelling<'a>,
    /// The other reading, where it differs.
    exact: Option<Spelling<'a>>,
}

/// A path as rules are compared with it.
struct Spelling<'a> {
    text: Cow<'a, [u8]>,
    octets: u64,
}

impl<'a> Spelling<'a> {
    fn new(text: Cow<'a, [u8]>) -> Self {
        let octets = octets(&text);
        Self { text, octets }
    }
}

impl<'a> Path<'a> {
    /// Without a fragment; `/` where it is empty.
    fn new(path_and_query: &'a str) -> Self {
        let path = path_and_query
            .split_once('#')
            .map_or(path_and_query, |(path, _)| path);
        let rooted = if path.starts_with('/') {
            Cow::from(path.as_bytes())
        } else {
            Cow::from(format!("/{path}").into_bytes())
        };
        let is_plain = |byte: &u8| {
            byte.is_ascii_graphic()
                && !matches!(byte, b'%' | b'*' | b'$')
                && !RESPELLED.contains(byte)
        };
        if rooted.iter().all(is_plain) {
            return Self {
                normal: Spelling::new(rooted),
                exact: None,
            };
        }
        let mut exact = vec![];
        for chunk in rooted.chunk_by(|a, b| a.is_ascii() == b.is_ascii()) {
            if chunk[0].is_ascii() {
                exact.extend(normal(chunk, b"*$", false));
            } else {
                exact.extend(chunk);
            }
        }
        Self {
            normal: Spelling::new(normal(&rooted, b"*$", true).into()),
            exact: Some(Spelling::new(exact.into())),
        }
    }

    /// The form a rule is compared with. The RFC undoes needless escapes on both sides, Google's
    /// parser on none; the stricter reading of each rule counts: a ban meets all spellings of a
    /// path, a permission only the one it names.
    fn for_rule(&self, allow: bool) -> &Spelling<'a> {
        match &self.exact {
            Some(exact) if allow => exact,
            _ => &self.normal,
        }
    }
}

/// Characters that a URL's parser escapes in the path or in the query, so that a rule has them as
/// written and the link that it means has not; and those that no URL may hold.
const RESPELLED: &[u8] = b"\"'<>\\^`{|}";

/// Percent-escapes made alike (RFC 9309 §2.2.2): octets outside ASCII and [`RESPELLED`] ones are
/// escaped, hexadecimal digits are upper case, and escapes of unreserved characters are undone
/// where `unescape`. `plain` characters, which would be special in a pattern, are escaped too.
fn normal(text: &[u8], plain: &[u8], unescape: bool) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    let mut index = 0;
    while let Some(&byte) = text.get(index) {
        index += 1;
        let escaped = (byte == b'%')
            .then(|| hex(text.get(index..index + 2)?))
            .flatten();
        let (value, must_escape) = if let Some(value) = escaped {
            index += 2;
            let unreserved = value.is_ascii_alphanumeric() || b"-._~".contains(&value);
            (value, !(unescape && unreserved))
        } else {
            let is_kept =
                byte.is_ascii_graphic() && !plain.contains(&byte) && !RESPELLED.contains(&byte);
            (byte, !is_kept)
        };
        if must_escape {
            out.extend([
                b'%',
                HEX[usize::from(value >> 4)],
                HEX[usize::from(value & 15)],
            ]);
        } else {
            out.push(value);
        }
    }
    out
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(*digits.first()?)? << 4 | digit(*digits.get(1)?)?)
}

#[cfg(test)]
mod tests;
