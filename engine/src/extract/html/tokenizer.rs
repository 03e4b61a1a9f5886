//! Splits a page into tokens as the HTML standard's tokenizer does, but over a text that is there
//! as a whole: runs are found, not assembled character by character, and most values stay slices
//! of the page. html5ever's tree builder makes the tree of them.

use std::cell::Cell;

use encoding_rs::Encoding;
use html5ever::{
    Attribute, LocalName, QualName, TokenizerResult,
    buffer_queue::BufferQueue,
    data::{C1_REPLACEMENTS, NAMED_ENTITIES},
    local_name, ns,
    tendril::StrTendril,
    tokenizer::{
        self, CharacterTokens, CommentToken, EOFToken, EndTag, StartTag, Tag, TagKind, TagToken,
        Token, TokenSink, TokenSinkResult, TokenizerOpts, states::RawKind,
    },
};
use memchr::{memchr, memchr_iter, memchr2_iter};

use super::ParseOptions;
use crate::extract::charset::of_meta;

/// Feeds the tokens of one page to a sink. The text holds neither NUL nor carriage return.
pub(super) struct PageTokenizer<'t, S> {
    whole: &'t StrTendril,
    sink: &'t S,
    at: usize,
    most_attributes: usize,
    options: ParseOptions,
    declared: Option<&'static Encoding>,
    names: NameCache,
}

/// An element has more attributes than the bounds allow.
#[derive(Debug)]
pub(super) struct TooManyAttributes;

impl<'t, S: TokenSink> PageTokenizer<'t, S> {
    pub(super) fn new(
        whole: &'t StrTendril,
        sink: &'t S,
        most_attributes: u32,
        options: ParseOptions,
    ) -> Self {
        Self {
            whole,
            sink,
            // The standard drops a byte order mark.
            at: if whole.starts_with('\u{feff}') { 3 } else { 0 },
            most_attributes: most_attributes as usize,
            options,
            declared: None,
            names: NameCache::default(),
        }
    }

    /// How much of the text was read.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// The first character set that the page has declared so far, where it may still do so.
    pub(super) const fn declared(&self) -> Option<&'static Encoding> {
        self.declared
    }

    /// Reads on to the end of the next run of text or the next piece of markup; false at the end
    /// of the page, which the sink is told.
    pub(super) fn step(&mut self) -> Result<bool, TooManyAttributes> {
        let rest = &self.bytes()[self.at..];
        if rest.is_empty() {
            self.emit(EOFToken);
            self.sink.end();
            return Ok(false);
        }
        match memchr(b'<', rest) {
            Some(0) => self.markup()?,
            found => self.text(found.map_or(self.whole.len(), |run| self.at + run), true),
        }
        Ok(true)
    }

    fn bytes(&self) -> &'t [u8] {
        self.whole.as_bytes()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes().get(at).copied()
    }

    /// Where the first of these bytes is from `start` on.
    fn find(&self, start: usize, byte: u8) -> Option<usize> {
        memchr(byte, &self.bytes()[start..]).map(|found| start + found)
    }

    fn slice(&self, start: usize, end: usize) -> StrTendril {
        let index = |at| u32::try_from(at).expect("a page has less than 4 GiB");
        self.whole.subtendril(index(start), index(end - start))
    }

    /// A token after which the sink has no wishes.
    fn emit(&self, token: Token) {
        let _: TokenSinkResult<S::Handle> = self.sink.process_token(token, 1);
    }

    /// The text up to `end`.
    fn text(&mut self, end: usize, has_references: bool) {
        let start = std::mem::replace(&mut self.at, end);
        let run = &self.whole[start..end];
        if run.is_empty() {
            return;
        }
        self.emit(CharacterTokens(
            if has_references && memchr(b'&', run.as_bytes()).is_some() {
                replaced(run, false)
            } else {
                self.slice(start, end)
            },
        ));
    }

    /// What begins with `<`.
    fn markup(&mut self) -> Result<(), TooManyAttributes> {
        match (self.byte(self.at + 1), self.byte(self.at + 2)) {
            (Some(byte), _) if byte.is_ascii_alphabetic() => self.tag(StartTag)?,
            (Some(b'/'), Some(byte)) if byte.is_ascii_alphabetic() => self.tag(EndTag)?,
            (Some(b'/'), Some(b'>')) => self.at += 3,
            (Some(b'/'), Some(_)) => self.bogus_comment(self.at + 2),
            (Some(b'/'), None) => self.text(self.at + 2, false),
            (Some(b'!'), _) => self.declaration(),
            (Some(b'?'), _) => self.bogus_comment(self.at + 1),
            _ => self.text(self.at + 1, false),
        }
        Ok(())
    }

    /// What begins with `<!`.
    fn declaration(&mut self) {
        let start = self.at + 2;
        let rest = &self.bytes()[start..];
        let has_sections = || self.options.is_xml || self.is_foreign();
        if rest.starts_with(b"--") {
            self.comment(start + 2);
        } else if rest.len() >= 7 && rest[..7].eq_ignore_ascii_case(b"doctype") {
            self.doctype();
        } else if rest.starts_with(b"[CDATA[") && has_sections() {
            self.at = start + 7;
            let end = self.whole[self.at..].find("]]>");
            self.text(end.map_or(self.whole.len(), |run| self.at + run), false);
            self.at += if end.is_some() { 3 } else { 0 };
        } else {
            self.bogus_comment(start);
        }
    }

    /// A comment whose text begins at `start`.
    fn comment(&mut self, start: usize) {
        let rest = &self.bytes()[start..];
        let closing = memchr_iter(b'>', rest).find_map(|at| match &rest[..at] {
            b"" | b"-" => Some((0, at)),
            [.., b'-', b'-'] => Some((at - 2, at)),
            [.., b'-', b'-', b'!'] => Some((at - 3, at)),
            _ => None,
        });
        let (length, after) = closing.map_or_else(
            || {
                let dashes = ["--!", "--", "-"].into_iter();
                let cut = dashes.map(str::as_bytes).find(|end| rest.ends_with(end));
                (rest.len() - cut.map_or(0, <[u8]>::len), rest.len())
            },
            |(length, at)| (length, at + 1),
        );
        self.emit(CommentToken(self.slice(start, start + length)));
        self.at = start + after;
    }

    /// Whatever else browsers take for a comment: from `start` to the next `>`.
    fn bogus_comment(&mut self, start: usize) {
        let end = self.find(start, b'>').unwrap_or(self.whole.len());
        self.emit(CommentToken(self.slice(start, end)));
        self.at = (end + 1).min(self.whole.len());
    }

    /// A doctype, which always ends at the next `>`; html5ever's own tokenizer reads what is in it.
    fn doctype(&mut self) {
        let end = self
            .find(self.at, b'>')
            .map_or(self.whole.len(), |at| at + 1);
        let queue = BufferQueue::default();
        queue.push_back(self.slice(self.at, end));
        let reader = tokenizer::Tokenizer::new(Part(self.sink), TokenizerOpts::default());
        while !matches!(reader.feed(&queue), TokenizerResult::Done) {}
        reader.end();
        self.at = end;
    }

    /// A start or end tag, and the raw text that follows some start tags. A tag that the page's
    /// end cuts off is none.
    fn tag(&mut self, kind: TagKind) -> Result<(), TooManyAttributes> {
        let start = self.at + 1 + usize::from(kind == EndTag);
        let mut at = self.end_of_name(start + 1, false);
        let name = self.names.of(&self.whole[start..at]);
        let mut tag = Tag {
            kind,
            name,
            self_closing: false,
            attrs: Vec::new(),
            had_duplicate_attributes: false,
        };
        let mut attributes = 0;
        loop {
            match self.byte(at) {
                None => {
                    self.at = at;
                    return Ok(());
                }
                Some(b'>') => break,
                Some(b'/') if self.byte(at + 1) == Some(b'>') => {
                    tag.self_closing = true;
                    at += 1;
                    break;
                }
                Some(b'/') => at += 1,
                Some(byte) if is_space(byte) => at += 1,
                Some(_) => {
                    attributes += 1;
                    if attributes > self.most_attributes {
                        return Err(TooManyAttributes);
                    }
                    at = self.attribute(at, &mut tag);
                }
            }
        }
        self.at = at + 1;
        self.emit_tag(tag);
        Ok(())
    }

    fn is_foreign(&self) -> bool {
        self.sink
            .adjusted_current_node_present_but_not_in_html_namespace()
    }

    fn emit_tag(&mut self, tag: Tag) {
        let name = tag.name.clone();
        let is_whole = self.options.is_xml && tag.self_closing && tag.kind == StartTag;
        let declares = (self.options.unsure_of.is_some() && self.declared.is_none())
            .then(|| declares(&tag))
            .flatten();
        let wishes = self.sink.process_token(TagToken(tag), 1);
        // Of foreign elements the sink knows itself that they end here.
        if is_whole && !is_void(&name) && !self.is_foreign() {
            self.emit(TagToken(Tag {
                kind: EndTag,
                name,
                self_closing: false,
                attrs: Vec::new(),
                had_duplicate_attributes: false,
            }));
            return;
        }
        match wishes {
            TokenSinkResult::Plaintext => self.text(self.whole.len(), false),
            TokenSinkResult::RawData(kind) => {
                let rest = &self.whole[self.at..];
                let end = match kind {
                    RawKind::Rcdata | RawKind::Rawtext => end_tag(rest, &name),
                    _ => end_of_script(rest),
                };
                let end = end.map_or(self.whole.len(), |run| self.at + run);
                self.text(end, kind == RawKind::Rcdata);
            }
            TokenSinkResult::EncodingIndicator(_) => self.declared = declares,
            // No script runs.
            TokenSinkResult::Continue | TokenSinkResult::Script(_) => {}
        }
    }

    /// The attribute that begins at `at`; what follows it, which is the page's end if that cuts it
    /// off.
    fn attribute(&mut self, at: usize, tag: &mut Tag) -> usize {
        // A name may begin with `=`.
        let name_end = self.end_of_name(at + 1, true);
        let after = self.end_of_space(name_end);
        let (value, end) = if self.byte(after) == Some(b'=') {
            self.value(self.end_of_space(after + 1))
        } else {
            ((after, after), after)
        };
        if tag.kind == EndTag {
            return end;
        }
        let name = self.names.of(&self.whole[at..name_end]);
        if tag.attrs.iter().any(|known| known.name.local == name) {
            tag.had_duplicate_attributes = true;
            return end;
        }
        let text = &self.whole[value.0..value.1];
        let value = if memchr(b'&', text.as_bytes()).is_some() {
            replaced(text, true)
        } else {
            self.slice(value.0, value.1)
        };
        let name = QualName::new(None, ns!(), name);
        tag.attrs.push(Attribute { name, value });
        end
    }

    /// The range of the value that begins at `at`, and what follows it.
    fn value(&self, at: usize) -> ((usize, usize), usize) {
        let all = self.whole.len();
        match self.byte(at) {
            Some(quote @ (b'"' | b'\'')) => match self.find(at + 1, quote) {
                Some(end) => ((at + 1, end), end + 1),
                None => ((all, all), all),
            },
            Some(b'>') | None => ((at, at), at),
            Some(_) => {
                let ends = |byte: &u8| is_space(*byte) || *byte == b'>';
                let end = self.bytes()[at..].iter().position(ends);
                let end = end.map_or(all, |run| at + run);
                ((at, end), end)
            }
        }
    }

    fn end_of_name(&self, at: usize, is_attribute: bool) -> usize {
        let ends = |byte: &u8| {
            is_space(*byte) || matches!(byte, b'/' | b'>') || (is_attribute && *byte == b'=')
        };
        let run = self.bytes()[at..].iter().position(ends);
        run.map_or(self.whole.len(), |run| at + run)
    }

    fn end_of_space(&self, at: usize) -> usize {
        let run = self.bytes()[at..].iter().position(|byte| !is_space(*byte));
        run.map_or(self.whole.len(), |run| at + run)
    }
}

/// The character set that a tag declares if it is a `<meta>` that counts.
fn declares(tag: &Tag) -> Option<&'static Encoding> {
    let attribute = |name: &str| {
        let mut all = tag.attrs.iter();
        all.find(|own| *own.name.local == *name)
            .map(|own| str::as_bytes(&own.value))
    };
    Some(attribute)
        .filter(|_| tag.kind == StartTag && tag.name == local_name!("meta"))
        .and_then(of_meta)
}

/// A sink for a part of the page, whose end is not the page's.
struct Part<'t, S>(&'t S);

impl<S: TokenSink> TokenSink for Part<'_, S> {
    type Handle = S::Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<S::Handle> {
        if token == EOFToken {
            return TokenSinkResult::Continue;
        }
        self.0.process_token(token, line)
    }
}

/// White space of the standard, without the carriage return.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b' ')
}

/// Where the end tag of this name begins.
fn end_tag(text: &str, name: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr_iter(b'<', bytes).find(|at| is_tag(&bytes[at + 1..], true, name))
}

/// Where a script ends. After `<!--` a `<script>` within it has an end tag of its own, until `-->`.
fn end_of_script(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut escaped, mut inner) = (None, false);
    for at in memchr2_iter(b'<', b'>', bytes) {
        let (before, after) = (&bytes[..at], &bytes[at + 1..]);
        if bytes[at] == b'>' {
            // The dashes of `<!-->` open and close at once.
            if escaped.is_some_and(|since| at >= since + 2) && before.ends_with(b"--") {
                (escaped, inner) = (None, false);
            }
        } else if inner {
            inner = !is_tag(after, true, "script");
        } else if is_tag(after, true, "script") {
            return Some(at);
        } else if escaped.is_some() {
            inner = is_tag(after, false, "script");
        } else if after.starts_with(b"!--") {
            escaped = Some(at + 2);
        }
    }
    None
}

/// Whether `rest`, after a `<`, is a tag of this name.
fn is_tag(rest: &[u8], is_end: bool, name: &str) -> bool {
    let rest = match rest.split_first() {
        Some((b'/', rest)) if is_end => rest,
        _ if is_end => return false,
        _ => rest,
    };
    let length = name.len();
    rest.len() > length
        && rest[..length].eq_ignore_ascii_case(name.as_bytes())
        && (is_space(rest[length]) || matches!(rest[length], b'/' | b'>'))
}

/// No reference has a longer name.
const LONGEST: usize = 32;

/// The text with its references replaced. In an attribute value `&copy=1` stays as it is.
fn replaced(text: &str, in_attribute: bool) -> StrTendril {
    let mut out = StrTendril::new();
    out.reserve(u32::try_from(text.len()).unwrap_or(0));
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        out.push_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let found = match rest.strip_prefix('#') {
            Some(digits) => numeric(digits).map(|(c, length)| ((c, None), length + 1)),
            None => named(rest, in_attribute),
        };
        let Some(((first, second), length)) = found else {
            out.push_char('&');
            continue;
        };
        out.push_char(first);
        if let Some(second) = second {
            out.push_char(second);
        }
        rest = &rest[length..];
    }
    out.push_slice(rest);
    out
}

/// A reference stands for one or two characters; with it, its length in bytes.
type Reference = ((char, Option<char>), usize);

/// The longest name that `rest` begins with.
fn named(rest: &str, in_attribute: bool) -> Option<Reference> {
    let run = rest
        .bytes()
        .take(LONGEST)
        .take_while(u8::is_ascii_alphanumeric)
        .count();
    if rest.as_bytes().get(run) == Some(&b';')
        && let Some(found) = meaning(&rest[..=run])
    {
        return Some((found, run + 1));
    }
    // Some old names need no semicolon.
    let (found, length) = (1..=run)
        .rev()
        .find_map(|length| Some((meaning(&rest[..length])?, length)))?;
    let goes_on = rest
        .as_bytes()
        .get(length)
        .is_some_and(|next| *next == b'=' || next.is_ascii_alphanumeric());
    (!(in_attribute && goes_on)).then_some((found, length))
}

/// What a name stands for; the table holds beginnings of names too, which mean nothing.
fn meaning(name: &str) -> Option<(char, Option<char>)> {
    let (first, second) = *NAMED_ENTITIES.get(name)?;
    let of = |code: u32| char::from_u32(code).filter(|c| *c != '\0');
    Some((of(first)?, of(second)))
}

/// The character of `8364;` or `x20ac;`, with or without semicolon.
fn numeric(rest: &str) -> Option<(char, usize)> {
    let (base, start) = match rest.as_bytes().first() {
        Some(b'x' | b'X') => (16, 1),
        _ => (10, 0),
    };
    let digits = rest[start..]
        .bytes()
        .take_while(|byte| char::from(*byte).is_digit(base))
        .count();
    if digits == 0 {
        return None;
    }
    let end = start + digits;
    let code = rest[start..end].chars().fold(0_u32, |code, digit| {
        code.saturating_mul(base)
            .saturating_add(digit.to_digit(base).unwrap_or(0))
    });
    let semicolon = usize::from(rest.as_bytes().get(end) == Some(&b';'));
    Some((character(code), end + semicolon))
}

fn character(code: u32) -> char {
    let windows = code
        .checked_sub(0x80)
        .and_then(|at| C1_REPLACEMENTS.get(at as usize));
    match (code, windows) {
        (0, _) => char::REPLACEMENT_CHARACTER,
        (_, Some(Some(c))) => *c,
        _ => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// Names in lower case. Long ones are remembered: to intern one takes a hash and sometimes a lock.
struct NameCache([Cell<Option<LocalName>>; 64]);

impl Default for NameCache {
    fn default() -> Self {
        Self([const { Cell::new(None) }; 64])
    }
}

/// Names of so many bytes are interned without looking anywhere.
const SHORT: usize = 7;

impl NameCache {
    fn of(&mut self, name: &str) -> LocalName {
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return LocalName::from(name.to_ascii_lowercase());
        }
        let bytes = name.as_bytes();
        if bytes.len() <= SHORT {
            return LocalName::from(name);
        }
        let place =
            bytes.len() * 7 + usize::from(bytes[5]) * 3 + usize::from(bytes[bytes.len() - 1]);
        let known = self.0[place % 64].get_mut();
        match known {
            Some(known) if **known == *name => known.clone(),
            _ => known.insert(LocalName::from(name)).clone(),
        }
    }
}

/// Elements that hold nothing: to end one is a mistake that makes another one.
fn is_void(name: &LocalName) -> bool {
    const VOID: &[&str] = &[
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "image", "img",
        "input", "keygen", "link", "meta", "param", "source", "track", "wbr",
    ];
    VOID.contains(&&**name)
}
