//! What a route yields, and how it becomes an HTTP response: whole, or one that ends in the middle.

use std::{
    io::{self, Write as _},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};

/// What a route yields.
pub(super) struct PageReply {
    pub(super) status: StatusCode,
    kind: &'static str,
    body: String,
    pub(super) header: Option<(header::HeaderName, String)>,
}

impl PageReply {
    /// The answer as HTTP: 304 where the client has it, compressed where both want it.
    pub(super) fn respond(
        self,
        asked: &HeaderMap,
        gzip: bool,
        is_cut: bool,
    ) -> Response<ReplyBody> {
        let mut response = Response::builder()
            .status(self.status)
            .header(header::CONTENT_TYPE, self.kind)
            .header(header::SERVER, "crawlfield-demo");
        if let Some((name, value)) = self.header {
            if name == header::ETAG
                && asked
                    .get(header::IF_NONE_MATCH)
                    .is_some_and(|tag| *tag == *value)
            {
                return built(
                    response
                        .status(StatusCode::NOT_MODIFIED)
                        .header(name, value),
                    Bytes::new(),
                    false,
                );
            }
            response = response.header(name, value);
        }
        let mut body = Bytes::from(self.body);
        let takes_gzip = asked
            .get(header::ACCEPT_ENCODING)
            .and_then(|codings| codings.to_str().ok())
            .is_some_and(|codings| codings.contains("gzip"));
        if gzip
            && takes_gzip
            && let Ok(packed) = packed(&body)
        {
            body = packed;
            response = response
                .header(header::CONTENT_ENCODING, "gzip")
                .header(header::VARY, "Accept-Encoding");
        }
        built(response, body, is_cut)
    }

    fn of(kind: &'static str, body: String) -> Self {
        Self {
            status: StatusCode::OK,
            kind,
            body,
            header: None,
        }
    }

    pub(super) fn html(body: String) -> Self {
        Self::of("text/html; charset=UTF-8", body)
    }

    pub(super) fn xml(body: String) -> Self {
        Self::of("application/xml; charset=UTF-8", body)
    }

    pub(super) fn text(body: String) -> Self {
        Self::of("text/plain; charset=UTF-8", body)
    }

    pub(super) fn missing() -> Self {
        let body = "<!DOCTYPE html><title>Not found</title><h1>There is no such page.</h1>\n";
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::html(body.to_owned())
        }
    }
}

pub(super) fn moved(to: String) -> PageReply {
    PageReply {
        status: StatusCode::MOVED_PERMANENTLY,
        header: Some((header::LOCATION, to)),
        ..PageReply::text(String::new())
    }
}

pub(super) fn plain(status: StatusCode, body: &'static str) -> Response<ReplyBody> {
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    built(response, Bytes::from_static(body.as_bytes()), false)
}

pub(super) fn out_of_sorts(status: u16) -> Response<ReplyBody> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    plain(status, "The demo is out of sorts; try again.\n")
}

/// 429 with Retry-After, in seconds or, each third time, as a date.
pub(super) fn too_many(wait: Duration, nth: u32) -> Response<ReplyBody> {
    let seconds = wait.as_secs_f64().ceil().max(1.0);
    let value = match nth % 3 {
        2 => httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs_f64(seconds + 1.0)),
        _ => format!("{seconds:.0}"),
    };
    let response = Response::builder()
        .status(StatusCode::TOO_MANY_REQUESTS)
        .header(header::RETRY_AFTER, value);
    built(response, Bytes::from_static(b"Too many requests.\n"), false)
}

fn built(response: http::response::Builder, body: Bytes, is_cut: bool) -> Response<ReplyBody> {
    let page = if is_cut {
        ReplyBody::cut(&body)
    } else {
        ReplyBody::whole(body)
    };
    response
        .body(page)
        .expect("every header above is made of visible ASCII")
}

fn packed(body: &[u8]) -> io::Result<Bytes> {
    let mut encoder =
        flate2::write::GzEncoder::new(Vec::with_capacity(8_192), flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish().map(Bytes::from)
}

/// A body of known length; `promised` is what `Content-Length` says.
#[derive(Debug)]
pub(super) struct ReplyBody {
    rest: Option<Bytes>,
    promised: u64,
    cut: Cut,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    No,
    /// Once what came before is flushed.
    Soon,
    Now,
}

impl ReplyBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self {
            promised: bytes.len() as u64,
            rest: Some(bytes),
            cut: Cut::No,
        }
    }

    /// Promises everything and ends after half of it.
    pub(super) fn cut(bytes: &Bytes) -> Self {
        Self {
            promised: bytes.len() as u64,
            rest: Some(bytes.slice(..bytes.len() / 2)),
            cut: Cut::Soon,
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.cut {
            Cut::No => Poll::Ready(None),
            Cut::Soon => {
                self.cut = Cut::Now;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Cut::Now => Poll::Ready(Some(Err(io::Error::other("the demo cuts this body")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.cut == Cut::No
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
