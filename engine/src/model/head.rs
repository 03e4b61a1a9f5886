//! What a response's head says.

/// Status and headers of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// In order, at most 64 KiB.
    pub headers: Headers,
}

impl Head {
    /// The first header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every header of this lower-case name, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.headers.lines();
        lines.filter_map(move |line| line.strip_prefix(name)?.strip_prefix(IS))
    }
}

/// Header fields in one text, a line each: a page's are made by one thread and dropped by another,
/// and two dozen small pieces would cost it more than the rest of its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Box<str>);

/// Between name and value; no name has it.
const IS: char = ':';

impl Headers {
    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines().filter_map(|line| line.split_once(IS))
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator('\n')
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    /// Names in lower case. A field never holds a line break, folded ones are unfolded.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut text = String::new();
        for (name, value) in headers {
            text.push_str(name.as_ref());
            text.push(IS);
            text.extend(value.as_ref().split('\n'));
            text.push('\n');
        }
        Self(text.into())
    }
}

/// What a server gave to recognise a version of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

impl Validators {
    /// Those of this head.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        Self {
            etag: head.header("etag").map(str::to_owned),
            last_modified: head.header("last-modified").map(str::to_owned),
        }
    }
}
