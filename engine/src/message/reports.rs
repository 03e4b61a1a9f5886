//! Reports: what came of an order. Exactly one for each.

use std::{sync::Arc, time::Duration};

use crate::{
    extract::output::{ExtractError, Extracted},
    message::{
        receipts::{StoreError, StoreReceipt},
        store_verbs::{SetCookies, StoreVerb},
    },
    model::{
        class::ErrorClass,
        head::{Head, Validators},
        ids::OrderId,
    },
};

/// What came of one order.
#[derive(Debug, Clone)]
pub struct Report {
    pub id: OrderId,
    /// From the start of the work to its end.
    pub took: Duration,
    pub outcome: Outcome,
    /// A fetch: what servers set in its session's jar, and no report before this one brought. They
    /// count whatever became of the order.
    pub cookies: Option<Box<SetCookies>>,
}

impl Report {
    /// A report that brings no cookies.
    #[must_use]
    pub const fn new(id: OrderId, took: Duration, outcome: Outcome) -> Self {
        Self {
            id,
            took,
            outcome,
            cookies: None,
        }
    }
}

/// What came of an order.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// An answer with any status, redirects included.
    Answered(Box<Answer>),
    /// No whole answer came.
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
    /// No report came by the order's deadline: the engine gives it up itself.
    Lost,
}

/// A response: head and whole decoded body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub head: Head,
    /// Decoded body; cut at the limit for robots.txt.
    pub body: Arc<Vec<u8>>,
    /// Bytes of the body as received.
    pub wire_bytes: u64,
    /// From sending to the head.
    pub first_byte: Duration,
    /// Whose challenge or block page it is, where it is none of the site's.
    pub wall: Option<&'static str>,
    /// The header `Content-Type` as sent.
    pub content_type: Option<String>,
    /// What the head names this version of the page.
    pub validators: Validators,
}

/// No whole answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchFailure {
    /// Transport, TLS, time-out, truncated, too large, decode, unsafe address.
    pub class: ErrorClass,
    /// For people: what, where, what next. Holds no secrets.
    pub message: String,
    pub head: Option<Head>,
    /// As received, before decoding.
    pub wire_bytes: u64,
}
