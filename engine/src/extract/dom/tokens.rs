//! Splits a page into tokens as the HTML standard's tokenizer does, but over a text that is there
//! as a whole: runs are found, not assembled character by character, and most values stay slices
//! of the page. html5ever's tree builder makes the tree of them.

use encoding_rs::Encoding;
use html5ever::{
    Attribute, QualName, TokenizerResult,
    buffer_queue::BufferQueue,
    local_name, ns,
    tendril::StrTendril,
    tokenizer::{
        CharacterTokens, CommentToken, EOFToken, EndTag, StartTag, Tag, TagKind, TagToken, Token,
        TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts, states::RawKind,
    },
};
use memchr::{memchr, memchr_iter};

use super::{
    Manner,
    names::{Names, is_void},
    reference::replaced,
    script::{self, is_space},
};
use crate::extract::charset::of_meta;

/// Feeds the tokens of one page to a sink. The text holds neither NUL nor carriage return.
pub(super) struct Tokens<'t, S> {
    whole: &'t StrTendril,
    sink: &'t S,
    at: usize,
    most_attributes: usize,
    manner: Manner,
    declared: Option<&'static Encoding>,
    names: Names,
}

/// An element has more attributes than the bounds allow.
#[derive(Debug)]
pub(super) struct TooManyAttributes;

impl<'t, S: TokenSink> Tokens<'t, S> {
    pub(super) fn new(
        whole: &'t StrTendril,
        sink: &'t S,
        most_attributes: u32,
        manner: Manner,
    ) -> Self {
        Self {
            whole,
            sink,
            // The standard drops a byte order mark.
            at: if whole.starts_with('\u{feff}') { 3 } else { 0 },
            most_attributes: most_attributes as usize,
            manner,
            declared: None,
            names: Names::default(),
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
        let has_sections = || self.manner.is_xml || self.is_foreign();
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
        let reader = Tokenizer::new(Part(self.sink), TokenizerOpts::default());
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
        let is_whole = self.manner.is_xml && tag.self_closing && tag.kind == StartTag;
        let declares = (self.manner.unsure_of.is_some() && self.declared.is_none())
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
                    RawKind::Rcdata | RawKind::Rawtext => script::end_tag(rest, &name),
                    _ => script::end(rest),
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
