//! One request and its answer, within its time-outs and limits.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use reqwest::{
    Response,
    header::{HeaderMap, HeaderName, LOCATION, SET_COOKIE},
};
use tokio::time::timeout_at;

use super::{
    clients::{MAX_HEAD, Prepared},
    connect,
    failure::{self, Reached},
};
use crate::{
    extract::is_markup,
    live::decode::{BodyDecoder, Limits, Stop},
    message::{
        orders::{FetchOrder, Purpose},
        reports::{Answer, FetchFailure, Outcome},
        store_verbs::Evidence,
    },
    model::{
        class::ErrorClass,
        head::{Head, Validators},
    },
    politeness::classify::challenge,
    site::scope::is_trusted,
};

/// robots.txt is read so far (RFC 9309 asks for at least this much).
const ROBOTS_BYTES: u64 = 512 << 10;

/// The pace of a body is measured over this.
const PACE_SPAN: Duration = Duration::from_secs(10);

/// Fewer bytes in a span are too slow.
const LEAST_IN_SPAN: u64 = 10 << 10;

/// Fetches what was prepared; a request that could not be prepared fails as it says.
pub(super) async fn run(prepared: Result<Prepared, FetchFailure>, order: &FetchOrder) -> Outcome {
    let fetched = match prepared {
        Ok(prepared) => Exchange::new(&prepared, order).fetch().await,
        Err(failure) => Err(failure),
    };
    match fetched {
        Ok(answer) => Outcome::Answered(Box::new(answer)),
        Err(failure) => Outcome::FetchFailed(Box::new(failure)),
    }
}

/// One request, from its sending to the end of its answer.
struct Exchange<'x> {
    prepared: &'x Prepared,
    order: &'x FetchOrder,
    began: Instant,
    /// The host as messages name it.
    host: String,
}

impl<'x> Exchange<'x> {
    fn new(prepared: &'x Prepared, order: &'x FetchOrder) -> Self {
        Self {
            prepared,
            order,
            began: Instant::now(),
            host: host_of(prepared),
        }
    }

    async fn fetch(&self) -> Result<Answer, FetchFailure> {
        let (prepared, host) = (self.prepared, &self.host);
        let response = self.send().await?;
        let first_byte = self.began.elapsed();
        prepared.streams.answered(host, response.version());
        prepared.jar.take(response.headers(), &prepared.asked);
        let head = head_of(&response);
        let headers = response.headers().iter();
        let size: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum();
        prepared.received.fetch_add(size as u64, Ordering::Relaxed);
        if size > MAX_HEAD {
            return Err(failure::plain(
                ErrorClass::TooLarge,
                format!(
                    "the answer's head has {size} bytes, at most {MAX_HEAD} are taken, from {host}"
                ),
            ));
        }
        match self.receive(response, &head).await {
            Ok((body, wire_bytes)) => Ok(Answer {
                wall: challenge(&head, &body),
                content_type: head.header("content-type").map(str::to_owned),
                validators: Validators::of(&head),
                head,
                body: Arc::new(body),
                wire_bytes,
                first_byte,
            }),
            Err(mut failure) => {
                failure.head = Some(head);
                Err(failure)
            }
        }
    }

    /// Sends the request, and once more where a pooled connection turned out to be closed.
    async fn send(&self) -> Result<Response, FetchFailure> {
        let (prepared, order, host) = (self.prepared, self.order, &self.host);
        let profile = &order.profile;
        let patience = order.first_byte.min(profile.timeout);
        let attempt = async {
            let (sent, dialled) = connect::watched(request(prepared, order).send()).await;
            match sent {
                Err(error) if !dialled && failure::is_lost_connection(&error) => {
                    request(prepared, order).send().await
                }
                sent => sent,
            }
        };
        if let Ok(sent) = timeout_at((self.began + patience).into(), attempt).await {
            return sent.map_err(|error| failure::of(&error, Reached::Nothing, host));
        }
        prepared.streams.hang(host);
        Err(failure::plain(
            ErrorClass::TimeoutFirstByte,
            format!(
                "no answer within {} from {host}. It is tried again by the retry policy and given more \
                 time, up to first_byte_timeout ({}).",
                shown(patience),
                shown(profile.first_byte_timeout)
            ),
        ))
    }

    /// The decoded body and how many bytes were received for it.
    async fn receive(
        &self,
        mut response: Response,
        head: &Head,
    ) -> Result<(Vec<u8>, u64), FetchFailure> {
        let (order, host) = (self.order, &self.host);
        let is_page = (200..300).contains(&head.status);
        let limits = limits_of(order, is_page);
        let most = order.profile.max_body;
        if is_page
            && !limits.cut
            && response
                .content_length()
                .is_some_and(|length| length > most)
        {
            return Err(stopped(&Stop::TooLarge(most), 0, host));
        }
        let encodings: Vec<&str> = head.all("content-encoding").collect();
        let mut body = match BodyDecoder::new(&encodings, limits) {
            Ok(body) if is_markup(head.header("content-type")) => body.or_gzip(),
            Ok(body) => body,
            Err(_) if !is_page => return Ok((Vec::new(), 0)),
            Err(stop) => return Err(stopped(&stop, 0, host)),
        };
        let ended = self.stream(&mut response, &mut body).await;
        let wire_bytes = body.wire_bytes();
        match ended {
            Ok(()) => match body.finish() {
                Ok(bytes) => Ok((bytes, wire_bytes)),
                Err(_) if !is_page => Ok((Vec::new(), wire_bytes)),
                Err(stop) => Err(stopped(&stop, wire_bytes, host)),
            },
            Err(End::Stopped(Stop::Cut)) => Ok((body.so_far(), wire_bytes)),
            Err(_) if !is_page => Ok((body.so_far(), wire_bytes)),
            Err(End::Stopped(stop)) => Err(stopped(&stop, wire_bytes, host)),
            Err(End::Failed(mut failure)) => {
                failure.wire_bytes = wire_bytes;
                Err(failure)
            }
        }
    }

    async fn stream(&self, response: &mut Response, body: &mut BodyDecoder) -> Result<(), End> {
        let (timeout, host) = (self.order.profile.timeout, &self.host);
        let deadline = self.began + timeout;
        let mut pace = MinimumPace::new(Instant::now());
        loop {
            let wake = deadline.min(pace.span_ends());
            let chunk = match timeout_at(wake.into(), response.chunk()).await {
                Ok(Ok(Some(chunk))) => Some(chunk),
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => {
                    return Err(End::Failed(failure::of(&error, Reached::Head, host)));
                }
                Err(_) => None,
            };
            let now = Instant::now();
            if now >= deadline {
                return Err(End::Failed(too_long(timeout, host)));
            }
            if !pace.is_kept(now) {
                return Err(End::Failed(too_slow(host)));
            }
            if let Some(chunk) = chunk {
                let size = chunk.len() as u64;
                self.prepared.received.fetch_add(size, Ordering::Relaxed);
                pace.received(size);
                body.push(&chunk).map_err(End::Stopped)?;
            }
        }
    }
}

/// What a URL is called in messages: never its credentials or query.
fn host_of(prepared: &Prepared) -> String {
    let asked = prepared
        .headers
        .get(reqwest::header::HOST)
        .and_then(|value| value.to_str().ok());
    let url = &prepared.url;
    match (asked, url.host_str(), url.port()) {
        (Some(asked), ..) => asked.to_owned(),
        (None, Some(name), Some(port)) => format!("{name}:{port}"),
        (None, name, _) => name.unwrap_or_default().to_owned(),
    }
}

fn request(prepared: &Prepared, order: &FetchOrder) -> reqwest::RequestBuilder {
    let request = prepared
        .client
        .get(prepared.url.clone())
        .headers(prepared.headers.clone());
    match &order.profile.basic_auth {
        Some(auth) if is_trusted(&prepared.asked, &order.profile.auth_hosts) => {
            request.basic_auth(&auth.user, Some(&auth.password))
        }
        _ => request,
    }
}

fn head_of(response: &Response) -> Head {
    let headers: &HeaderMap = response.headers();
    Head {
        status: response.status().as_u16(),
        headers: headers
            .iter()
            .map(|(name, value)| (name, text_of(name, value.as_bytes())))
            .collect(),
    }
}

/// A header's text. What is not UTF-8 in a Location stands for itself, as in browsers; of a cookie
/// there is the name alone, for the head is kept as evidence and shown.
fn text_of(name: &HeaderName, bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Err(_) if name == LOCATION => {
            let shown = |byte: &u8| match byte {
                0..=127 => char::from(*byte).to_string(),
                _ => format!("%{byte:02X}"),
            };
            bytes.iter().map(shown).collect()
        }
        _ if name == SET_COOKIE => {
            let cookie = bytes.split(|byte| matches!(byte, b'=' | b';')).next();
            format!("{}=…", String::from_utf8_lossy(cookie.unwrap_or_default()))
        }
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
        Ok(text) => text.to_owned(),
    }
}

fn limits_of(order: &FetchOrder, is_page: bool) -> Limits {
    let whole = Limits {
        decoded: order.profile.max_body,
        ratio: order.profile.max_ratio,
        cut: false,
    };
    let cut_at = match (order.purpose, is_page) {
        (Purpose::Robots, true) => ROBOTS_BYTES,
        // The body of an answer that is no page is only evidence.
        (_, false) => Evidence::MOST as u64,
        (_, true) => return whole,
    };
    Limits {
        decoded: cut_at,
        cut: true,
        ..whole
    }
}

/// Why streaming ended before the body did.
enum End {
    Stopped(Stop),
    Failed(FetchFailure),
}

fn too_long(timeout: Duration, host: &str) -> FetchFailure {
    failure::plain(
        ErrorClass::TimeoutWhole,
        format!(
            "the answer was not complete within {} from {host}. It is tried again by the retry \
             policy; timeout allows more.",
            shown(timeout)
        ),
    )
}

fn too_slow(host: &str) -> FetchFailure {
    failure::plain(
        ErrorClass::TimeoutWhole,
        format!(
            "the answer came slower than 1 KiB a second over 10 s from {host}. It is tried again \
             by the retry policy."
        ),
    )
}

fn stopped(stop: &Stop, wire_bytes: u64, host: &str) -> FetchFailure {
    let (class, message) = match stop {
        Stop::Cut => (
            ErrorClass::TooLarge,
            format!("the answer was cut, from {host}"),
        ),
        Stop::TooLarge(limit) => (
            ErrorClass::TooLarge,
            format!(
                "the answer is larger than {limit} bytes (decoded), from {host}. If such pages \
                 are wanted, raise max_body."
            ),
        ),
        Stop::Ratio(ratio) => (
            ErrorClass::TooLarge,
            format!(
                "the answer grows to more than {ratio} times its compressed size, as a \
                 decompression bomb does, from {host}. If such pages are wanted, raise \
                 fetch.max_ratio."
            ),
        ),
        Stop::Unknown(cause) => (ErrorClass::Decode, format!("{cause}, from {host}")),
        Stop::Damaged(cause) => (
            ErrorClass::Decode,
            format!(
                "the answer's content coding is damaged ({cause}), from {host}. It is tried \
                 again by the retry policy."
            ),
        ),
    };
    FetchFailure {
        wire_bytes,
        ..failure::plain(class, message)
    }
}

fn shown(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

/// A body must keep a minimum pace: 1 KiB a second over any 10 seconds.
#[derive(Debug, Clone, Copy)]
struct MinimumPace {
    since: Instant,
    bytes: u64,
}

impl MinimumPace {
    const fn new(now: Instant) -> Self {
        Self {
            since: now,
            bytes: 0,
        }
    }

    /// When the present span ends; by then [`MinimumPace::is_kept`] must have been asked.
    fn span_ends(&self) -> Instant {
        self.since + PACE_SPAN
    }

    const fn received(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// At the end of a span: whether enough came; then a new span begins.
    fn is_kept(&mut self, now: Instant) -> bool {
        if now < self.span_ends() {
            return true;
        }
        let kept = self.bytes >= LEAST_IN_SPAN;
        *self = Self::new(now);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_too_slow_when_ten_seconds_bring_less_than_ten_kib() {
        let start = Instant::now();
        let check = |pieces: &[(u64, u64)], expected: bool| {
            let mut pace = MinimumPace::new(start);
            let kept = pieces.iter().all(|(at, bytes)| {
                let kept = pace.is_kept(start + Duration::from_secs(*at));
                pace.received(*bytes);
                kept
            });
            assert_eq!(kept, expected, "{pieces:?}");
        };
        check(&[(1, 1), (9, 1)], true);
        check(&[(1, 1), (10, 1)], false);
        check(&[(1, 10 << 10), (10, 1)], true);
        check(&[(1, 20 << 10), (10, 1), (20, 1)], false);
        check(&[(1, 10 << 10), (10, 10 << 10), (20, 0)], true);
    }
}
