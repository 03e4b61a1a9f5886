//! Errors of reqwest, hyper, rustls and the system become our classes and messages.

use std::{error::Error, io};

use crate::{live::guard::Refused, message::reports::FetchFailure, model::class::ErrorClass};

/// How far the exchange had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// No response head came.
    Nothing,
    /// The body was being received.
    Head,
}

/// A failure of this class, without a head.
pub(super) fn plain(class: ErrorClass, message: String) -> FetchFailure {
    FetchFailure {
        class,
        message,
        head: None,
        wire_bytes: 0,
    }
}

/// The guard refused the host.
pub(super) fn refused(refused: &Refused) -> FetchFailure {
    plain(ErrorClass::UnsafeAddress, refused.to_string())
}

/// The URL cannot be fetched at all.
pub(super) fn bad_url(cause: &str) -> FetchFailure {
    plain(
        ErrorClass::HttpClient,
        format!("the URL cannot be fetched: {cause}"),
    )
}

/// The session's profile makes no client.
pub(super) fn bad_profile(cause: &str) -> FetchFailure {
    plain(
        ErrorClass::HttpClient,
        format!("no request can be made with the session's settings: {cause}"),
    )
}

/// What went wrong between us and `host`.
pub(super) fn of(error: &reqwest::Error, reached: Reached, host: &str) -> FetchFailure {
    if let Some(refusal) = find::<Refused>(error) {
        return refused(refusal);
    }
    let class = class_of(error, reached);
    let cause = deepest(error);
    plain(
        class,
        format!("{} {host}: {cause}. {}", what(class), next(class)),
    )
}

fn class_of(error: &reqwest::Error, reached: Reached) -> ErrorClass {
    let is_connect = error.is_connect();
    if reached == Reached::Nothing && find::<rustls::Error>(error).is_some() {
        return ErrorClass::Tls;
    }
    if error.is_dns() {
        return ErrorClass::Dns;
    }
    if is_connect && error.is_timeout() {
        return ErrorClass::TimeoutConnect;
    }
    let kind = innermost_io(error);
    let is_cut = matches!(
        kind,
        Some(
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
        )
    );
    if is_connect {
        return match kind {
            Some(io::ErrorKind::TimedOut) => ErrorClass::TimeoutConnect,
            _ if is_cut => ErrorClass::Reset,
            _ => ErrorClass::Connect,
        };
    }
    let hyper = find::<hyper::Error>(error);
    if hyper.is_some_and(hyper::Error::is_parse_too_large) {
        return ErrorClass::TooLarge;
    }
    if reached == Reached::Head {
        return ErrorClass::Truncated;
    }
    if find::<h2::Error>(error).is_some_and(h2::Error::is_library) {
        return ErrorClass::Protocol;
    }
    // What is not HTTP fails to parse; all else that hyper says is a lost connection or stream.
    if is_cut || hyper.is_some_and(|error| !error.is_parse() && !error.is_user()) {
        return ErrorClass::Reset;
    }
    if error.is_timeout() {
        return ErrorClass::TimeoutFirstByte;
    }
    if hyper.is_some_and(hyper::Error::is_parse) {
        return ErrorClass::Protocol;
    }
    ErrorClass::Unknown
}

/// Whether the connection died before the first byte, so that a pooled one may just have been
/// closed by the server between two requests. A reset stream of a live connection is an answer.
pub(super) fn is_lost_connection(error: &reqwest::Error) -> bool {
    let is_reset_stream = find::<h2::Error>(error).is_some_and(|error| {
        error.is_reset() && error.reason() != Some(h2::Reason::REFUSED_STREAM)
    });
    !error.is_connect()
        && !is_reset_stream
        && class_of(error, Reached::Nothing) == ErrorClass::Reset
}

fn what(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Dns => "no address was found for",
        ErrorClass::Connect => "no connection could be made to",
        ErrorClass::Tls => "no secure connection could be made to",
        ErrorClass::TimeoutConnect => "no connection in time to",
        ErrorClass::Reset => "the connection was closed before an answer by",
        ErrorClass::Truncated => "the answer ended before it was complete, from",
        ErrorClass::TooLarge => "the answer's head is too large, from",
        ErrorClass::TimeoutFirstByte => "no answer in time from",
        ErrorClass::Protocol => "the answer is not HTTP, from",
        _ => "the request failed for a cause that is not known, at",
    }
}

fn next(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Dns => "Check the host's name and this machine's DNS.",
        ErrorClass::Connect | ErrorClass::TimeoutConnect => {
            "Check that the host is up and can be reached from here, and the proxy if one is set."
        }
        ErrorClass::Tls => {
            "Open the URL in a browser to see what is wrong with its certificate; the check \
             cannot be turned off."
        }
        ErrorClass::TooLarge => "Such a page cannot be taken.",
        _ => "It is tried again by the retry policy.",
    }
}

/// The innermost error's text: outer layers repeat it, and name the URL with its secrets.
pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(inner) = below(last) {
        last = inner;
    }
    let text = last.to_string();
    if text.is_empty() {
        "no cause is given".to_owned()
    } else {
        text
    }
}

/// The next error inwards. `io::Error::source` skips the error that it wraps, so that is asked
/// for by itself.
fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(wrapped) = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        return Some(wrapped);
    }
    error.source()
}

/// The kind of the innermost system error: outer ones are wraps of kind `Other`.
fn innermost_io(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut kind = None;
    let mut next = Some(error);
    while let Some(error) = next {
        kind = error.downcast_ref().map(io::Error::kind).or(kind);
        next = below(error);
    }
    kind
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = below(error);
    }
    None
}
