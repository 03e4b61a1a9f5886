//! What a route yields, and how it becomes an HTTP response.

use std::{
    io::Write as _,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::demo::server::body::Page;

/// What a route yields.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    kind: &'static str,
    body: String,
    pub(super) header: Option<(header::HeaderName, String)>,
}

impl Answer {
    /// The answer as HTTP: 304 where the client has it, compressed where both want it.
    pub(super) fn respond(self, asked: &HeaderMap, gzip: bool, is_cut: bool) -> Response<Page> {
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

pub(super) fn moved(to: String) -> Answer {
    Answer {
        status: StatusCode::MOVED_PERMANENTLY,
        header: Some((header::LOCATION, to)),
        ..Answer::text(String::new())
    }
}

pub(super) fn plain(status: StatusCode, body: &'static str) -> Response<Page> {
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    built(response, Bytes::from_static(body.as_bytes()), false)
}

pub(super) fn out_of_sorts(status: u16) -> Response<Page> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    plain(status, "The demo is out of sorts; try again.\n")
}

/// 429 with Retry-After, in seconds or, each third time, as a date.
pub(super) fn too_many(wait: Duration, nth: u32) -> Response<Page> {
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

fn built(response: http::response::Builder, body: Bytes, is_cut: bool) -> Response<Page> {
    let page = if is_cut {
        Page::cut(&body)
    } else {
        Page::whole(body)
    };
    response
        .body(page)
        .expect("every header above is made of visible ASCII")
}

fn packed(body: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder =
        flate2::write::GzEncoder::new(Vec::with_capacity(8_192), flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish().map(Bytes::from)
}
