//! What is wrong with a site or settings file, told as a compiler tells it: place, field, what was
//! expected, the nearest known name, and the line with a caret.

use std::{
    cell::{Cell, RefCell},
    fmt,
    ops::Range,
};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

/// More problems than this are counted, not listed.
const MAX_LISTED: usize = 100;
/// Columns of a source line that are shown around the carets.
const SHOWN: usize = 140;
/// Bytes of the line before, above and after the carets that are looked at for that.
const NEAR: usize = 4 * SHOWN;
/// A line with one of these words is not shown: it may hold a secret.
const SECRET_WORDS: [&str; 5] = ["proxy", "basic_auth", "password", "cookie", "authorization"];
/// Values of these fields are secrets.
const SECRET_FIELDS: [&str; 4] = ["proxy", "basic_auth", "cookies", "headers"];

/// One problem of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteError {
    /// The file as the caller named it.
    pub file: String,
    /// Line of the file, counted from 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Dotted name, e.g. `stages.list.links[0].to`; empty for the file as a whole.
    pub field: String,
    /// What was found and what was expected.
    pub message: String,
    /// The nearest known name.
    pub suggestion: Option<String>,
    /// The line with carets under its wrong part; absent where it may hold a secret.
    #[serde(skip)]
    excerpt: Option<String>,
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
            write!(f, "\n{excerpt}")?;
        }
        Ok(())
    }
}

/// All problems of one file, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteErrors {
    /// At least one, by line and column; at most a hundred.
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
        let n = self.errors.len() + self.unlisted;
        let errors = if n == 1 { "error" } else { "errors" };
        let file = printable(file);
        write!(f, "{n} {errors} in {file}; nothing was run")
    }
}

impl std::error::Error for SiteErrors {}

/// Collects the problems of one file while it is read; all who read it share this.
#[derive(Debug, Default)]
pub(crate) struct Problems<'a> {
    file: &'a str,
    text: &'a str,
    errors: RefCell<Vec<SiteError>>,
    unlisted: Cell<usize>,
    warnings: RefCell<Vec<SiteError>>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            ..Self::default()
        }
    }

    /// Notes an error at these bytes of the file, with the name that was perhaps meant.
    pub(crate) fn error(
        &self,
        span: &Range<usize>,
        field: &str,
        message: impl Into<String>,
        near: Option<String>,
    ) {
        if self.errors.borrow().len() >= MAX_LISTED {
            self.unlisted.set(self.unlisted.get() + 1);
            return;
        }
        let error = self.located(span, field, message.into(), near);
        self.errors.borrow_mut().push(error);
    }

    /// Notes what does not stop the file from being used.
    pub(crate) fn warn(&self, span: &Range<usize>, field: &str, message: &str) {
        let mut warnings = self.warnings.borrow_mut();
        if warnings.len() < MAX_LISTED {
            warnings.push(self.located(span, field, message.to_owned(), None));
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// The file's text, to point inside a value.
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    /// The warnings, or all errors in the order of the file.
    pub(crate) fn finish(self) -> Result<Vec<SiteError>, SiteErrors> {
        let mut errors = self.errors.into_inner();
        if errors.is_empty() {
            return Ok(self.warnings.into_inner());
        }
        errors.sort_by_key(|error| (error.line, error.column));
        errors.dedup();
        let unlisted = self.unlisted.get();
        Err(SiteErrors { errors, unlisted })
    }

    fn located(
        &self,
        span: &Range<usize>,
        field: &str,
        message: String,
        suggestion: Option<String>,
    ) -> SiteError {
        let start = self.text.floor_char_boundary(span.start);
        let (before, after) = self.text.split_at(start);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = start + after.lines().next().map_or(0, str::len);
        let end = self
            .text
            .floor_char_boundary(span.end)
            .clamp(start, line_end);
        let number = before.matches('\n').count() + 1;
        let line = &self.text[line_start..line_end];
        let is_shown = !holds_secret(line, field);
        SiteError {
            file: self.file.to_owned(),
            line: number,
            column: before[line_start..].chars().count() + 1,
            field: field.to_owned(),
            message,
            suggestion,
            excerpt: is_shown.then(|| excerpt(line, start - line_start..end - line_start, number)),
        }
    }
}

fn holds_secret(line: &str, field: &str) -> bool {
    let line = line.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| line.contains(word))
        || field.split('.').any(|part| SECRET_FIELDS.contains(&part))
}

/// The part of a line around its mark, with carets; what a terminal would obey is blanked.
fn excerpt(line: &str, mark: Range<usize>, number: usize) -> String {
    let from = line.floor_char_boundary(mark.start.saturating_sub(NEAR));
    let end = line.floor_char_boundary(mark.end.min(mark.start + NEAR));
    let to = line.ceil_char_boundary(end + NEAR);
    let before = printable(&line[from..mark.start]);
    let marked = printable(&line[mark.start..end]);
    let after = printable(&line[end..to]);
    let carets = AnnotationKind::Primary.span(before.len()..before.len() + marked.len());
    let snippet = Snippet::source(before + &marked + &after).line_start(number);
    let group = Group::with_level(Level::ERROR).element(snippet.annotation(carets));
    Renderer::plain().term_width(SHOWN).render(&[group])
}

/// The text with control and direction characters replaced, one for one.
pub(crate) fn printable(text: &str) -> String {
    let directions = [
        '\u{200e}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{2066}'..='\u{2069}',
    ];
    let is_obeyed = |c: char| c.is_control() || directions.iter().any(|range| range.contains(&c));
    let plain = |c: char| match c {
        '\t' => ' ',
        c if is_obeyed(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(plain).collect()
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
    let distance = |name: &str| strsim::damerau_levenshtein(&given, &name.to_lowercase());
    let names = known.into_iter().map(|name| (distance(name), name));
    let near = names.filter(|(distance, name)| {
        *distance <= allowed || (given.len() >= 3 && name.starts_with(&given))
    });
    near.min().map(|(_, name)| name.to_owned())
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
