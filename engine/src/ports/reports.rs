//! Reports: what came of an order. Exactly one for each.

use std::{sync::Arc, time::Duration};

use crate::{
    extract::output::{ExtractError, Extracted},
    model::{class::ErrorClass, ids::OrderId},
    ports::stored::{StoreError, StoreReceipt, StoreVerb},
};

/// What came of one order.
#[derive(Debug, Clone)]
pub struct Report {
    /// Of which order.
    pub id: OrderId,
    /// From the start of the work to its end.
    pub took: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an order.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// An answer with any status, redirects included.
    Answered(Box<Answer>),
    /// No whole answer.
    FetchFailed(Box<FetchFailure>),
    /// The page was read.
    Parsed(Box<Extracted>),
    /// The page could not be read.
    ParseFailed(ExtractError),
    /// Committed (or read) by the store.
    Stored(Box<StoreReceipt>),
    /// The store could not; the verb comes back, so that it can be sent again.
    StoreFailed(StoreError, Option<Box<StoreVerb>>),
    /// The worker panicked; the text says where.
    Panicked(String),
    /// Aborted by a command.
    Aborted,
}

/// A response: head and whole decoded body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status and headers.
    pub head: Head,
    /// Decoded body; cut at the limit for robots.txt.
    pub body: Arc<Vec<u8>>,
    /// Bytes of the body as received.
    pub wire_bytes: u64,
    /// From sending to the head.
    pub first_byte: Duration,
    /// Whose challenge or block page it is, where it is none of the site's.
    pub wall: Option<&'static str>,
}

/// Status and headers of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Status code.
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

/// No whole answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchFailure {
    /// Transport, TLS, time-out, truncated, too large, decode, unsafe address.
    pub class: ErrorClass,
    /// For people: what, where, what next. Holds no secrets.
    pub message: String,
    /// The head, where one came.
    pub head: Option<Head>,
    /// Bytes received.
    pub wire_bytes: u64,
}
