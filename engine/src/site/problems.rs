//! What is wrong with a site or settings file, told as a compiler tells it: place, field, what was
//! expected, the nearest known name, and the line with a caret.

use std::{fmt, ops::Range};

use serde::Serialize;

/// More problems than this are counted, not listed.
const MAX_LISTED: usize = 100;
/// Characters of a source line that are shown around the caret.
const SHOWN: usize = 140;
/// A line with one of these words is not shown: it may hold a secret.
const SECRET_WORDS: [&str; 5] = ["proxy", "basic_auth", "password", "cookie", "authorization"];
/// Values of these fields are secrets.
const SECRET_FIELDS: [&str; 4] = ["proxy", "basic_auth", "cookies", "headers"];

/// One problem of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteError {
    /// The file as the caller named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Dotted name, e.g. `stages.list.links[0].to`; empty for the file as a whole.
    pub field: String,
    /// What was found and what was expected.
    pub message: String,
    /// The nearest known name.
    pub suggestion: Option<String>,
    /// The line as shown, and where in it the caret begins; absent where it may hold a secret.
    #[serde(skip)]
    excerpt: Option<Excerpt>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    indent: usize,
    width: usize,
}

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: ",
            printable(&self.file),
            self.line,
            self.column
        )?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if let Some(name) = &self.suggestion {
            write!(f, "; did you mean `{}`?", printable(name))?;
        }
        if let Some(excerpt) = &self.excerpt {
            let number = self.line.to_string();
            let gutter = " ".repeat(number.len());
            let indent = " ".repeat(excerpt.indent);
            let carets = "^".repeat(excerpt.width);
            write!(
                f,
                "\n {gutter} |\n {number} | {}\n {gutter} | {indent}{carets}",
                excerpt.text
            )?;
        }
        Ok(())
    }
}

/// All problems of one file, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteErrors {
    /// At least one.
    pub errors: Vec<SiteError>,
    /// Problems beyond those listed.
    pub unlisted: usize,
}

impl fmt::Display for SiteErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(f, "{error}\n")?;
        }
        let file = self.errors.first().map_or("", |error| error.file.as_str());
        match self.errors.len() + self.unlisted {
            1 => write!(f, "1 error in {}; nothing was run", printable(file)),
            n => write!(f, "{n} errors in {}; nothing was run", printable(file)),
        }
    }
}

impl std::error::Error for SiteErrors {}

/// Collects the problems of one file while it is read.
#[derive(Debug)]
pub(crate) struct Problems<'a> {
    file: &'a str,
    text: &'a str,
    errors: Vec<SiteError>,
    unlisted: usize,
    warnings: Vec<SiteError>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            errors: Vec::new(),
            unlisted: 0,
            warnings: Vec::new(),
        }
    }

    /// Notes an error at these bytes of the file.
    pub(crate) fn error(&mut self, span: &Range<usize>, field: &str, message: impl Into<String>) {
        self.note(span, field, message.into(), None);
    }

    /// Notes an error about a name, with the nearest of the known ones.
    pub(crate) fn unknown<'k>(
        &mut self,
        span: &Range<usize>,
        field: &str,
        message: impl Into<String>,
        given: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        self.note(span, field, message.into(), nearest(given, known));
    }

    /// Gives the error noted last a suggestion.
    pub(crate) fn suggest(&mut self, name: String) {
        if name.is_empty() {
            return;
        }
        if let Some(error) = self.errors.last_mut().filter(|_| self.unlisted == 0) {
            error.suggestion = Some(name);
        }
    }

    /// Notes what does not stop the file from being used.
    pub(crate) fn warn(&mut self, span: &Range<usize>, field: &str, message: impl Into<String>) {
        if self.warnings.len() < MAX_LISTED {
            let warning = self.located(span, field, message.into(), None);
            self.warnings.push(warning);
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// The file's text, to point inside a value.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The warnings, or all errors in the order of the file.
    pub(crate) fn finish(mut self) -> Result<Vec<SiteError>, SiteErrors> {
        if self.errors.is_empty() {
            return Ok(self.warnings);
        }
        self.errors.sort_by_key(|error| (error.line, error.column));
        self.errors.dedup();
        Err(SiteErrors {
            errors: self.errors,
            unlisted: self.unlisted,
        })
    }

    fn note(&mut self, span: &Range<usize>, field: &str, message: String, near: Option<String>) {
        if self.errors.len() >= MAX_LISTED {
            self.unlisted += 1;
            return;
        }
        let error = self.located(span, field, message, near);
        self.errors.push(error);
    }

    fn located(
        &self,
        span: &Range<usize>,
        field: &str,
        message: String,
        suggestion: Option<String>,
    ) -> SiteError {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end).max(start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..]
            .find('\n')
            .map_or(self.text.len(), |at| start + at);
        let column = self.text[line_start..start].chars().count() + 1;
        let width = self.text[start..end.min(line_end).max(start)]
            .chars()
            .count()
            .max(1);
        let line = self.text[line_start..line_end].trim_end_matches('\r');
        SiteError {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column,
            field: field.to_owned(),
            message,
            suggestion,
            excerpt: (!holds_secret(line, field)).then(|| excerpt(line, column - 1, width)),
        }
    }
}

fn holds_secret(line: &str, field: &str) -> bool {
    let line = line.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| line.contains(word))
        || field.split('.').any(|part| SECRET_FIELDS.contains(&part))
}

/// Cuts a long line around the caret and blanks what a terminal would obey.
fn excerpt(line: &str, indent: usize, width: usize) -> Excerpt {
    let skipped = indent.saturating_sub(SHOWN / 2);
    let text: String = printable(line).chars().skip(skipped).take(SHOWN).collect();
    let indent = indent - skipped;
    let room = text.chars().count().saturating_sub(indent).max(1);
    Excerpt {
        text,
        indent,
        width: width.min(room),
    }
}

/// The text with control and direction characters replaced, one for one.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                '\u{fffd}'
            }
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A value as shown in a message: quoted, escaped, cut.
pub(crate) fn shown(value: &str) -> String {
    let mut chars = value.chars();
    let head: String = chars.by_ref().take(60).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("\"{}{more}\"", printable(&head))
}

/// The known name nearest to the one given, if any is near.
pub(crate) fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    if given.is_empty() || given.len() > 64 {
        return None;
    }
    let given = given.to_lowercase();
    let allowed = (given.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&given, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| {
            *distance <= allowed || (given.len() >= 3 && name.starts_with(&given))
        })
        .min()
        .map(|(_, name)| name.to_owned())
}

/// `"a"`, `"b"` or `"c"`, for messages.
pub(crate) fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
