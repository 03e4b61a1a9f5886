//! A loopback web server whose pages are a function of the request, or the files of a folder;
//! a seeded share of its answers can fail. It stops when dropped.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead, BufReader, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Component, Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crawlfield_engine::politeness::chance;

/// No read and no write waits longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Path and query, as sent.
    pub target: String,
    /// Header lines with names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many requests for this target came so far, this one included.
    pub count: u32,
}

impl Request {
    /// The path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split(['?', '#']).next().unwrap_or("/")
    }

    /// A header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Speaks for itself on the connection, which is closed afterwards.
pub type Wild = Box<dyn FnOnce(&mut TcpStream) -> io::Result<()> + Send>;

/// What is answered.
pub enum Reply {
    /// Status, header lines and body; the length is added.
    Answer(u16, Vec<(String, String)>, Vec<u8>),
    /// Anything at all.
    Wild(Wild),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status, ..) => write!(f, "Answer({status})"),
            Self::Wild(_) => f.write_str("Wild"),
        }
    }
}

impl Reply {
    /// A page of HTML.
    #[must_use]
    pub fn html(text: impl Into<String>) -> Self {
        Self::Answer(200, Vec::new(), text.into().into_bytes())
            .with("Content-Type", "text/html; charset=utf-8")
    }

    /// A status with a short text.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Answer(
            status,
            Vec::new(),
            format!("<html><body><p>{status}</p></body></html>").into_bytes(),
        )
        .with("Content-Type", "text/html; charset=utf-8")
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::status(status).with("Location", to)
    }

    /// Bytes of this type.
    #[must_use]
    pub fn bytes(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer(200, Vec::new(), body.into()).with("Content-Type", content_type)
    }

    /// With one header line more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer(_, headers, _) = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Something that no answer is.
    #[must_use]
    pub fn wild(speak: impl FnOnce(&mut TcpStream) -> io::Result<()> + Send + 'static) -> Self {
        Self::Wild(Box::new(speak))
    }

    /// Reads on and never answers, until the peer closes.
    #[must_use]
    pub fn silence() -> Self {
        Self::wild(|peer| io::copy(peer, &mut io::sink()).map(|_| ()))
    }

    /// Closes the connection without a word.
    #[must_use]
    pub fn hang_up() -> Self {
        Self::wild(|_| Ok(()))
    }
}

type Pages = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

struct Shared {
    pages: Pages,
    seen: Mutex<Vec<String>>,
    counts: Mutex<BTreeMap<String, u32>>,
    stopped: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server; dropping it stops listening.
pub struct Web {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Web {
    /// Serves these pages on a free port of loopback.
    ///
    /// # Panics
    /// Loopback cannot be listened on.
    #[must_use]
    pub fn start(pages: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has one");
        let shared = Arc::new(Shared {
            pages: Box::new(pages),
            seen: Mutex::default(),
            counts: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for peer in listener.incoming() {
                if serving.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(peer) = peer else { continue };
                let shared = Arc::clone(&serving);
                // A broken connection is the client's affair.
                thread::spawn(move || serve(&peer, &shared).ok());
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The value of `--connect-to` that brings a host here.
    #[must_use]
    pub fn connect_to(&self, host: &str) -> String {
        format!("{host}={}", self.address)
    }

    /// Targets asked for so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        lock(&self.shared.seen).clone()
    }

    /// How many requests came so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        lock(&self.shared.seen).len()
    }

    /// How many requests for this target came so far.
    #[must_use]
    pub fn asked(&self, target: &str) -> u32 {
        lock(&self.shared.counts).get(target).copied().unwrap_or(0)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // The connection only wakes the listener; if it cannot be made, nobody listens any more.
        TcpStream::connect(self.address).ok();
    }
}

fn serve(peer: &TcpStream, shared: &Shared) -> io::Result<()> {
    peer.set_read_timeout(Some(PATIENCE))?;
    peer.set_write_timeout(Some(PATIENCE))?;
    peer.set_nodelay(true)?;
    let mut reader = BufReader::new(peer.try_clone()?);
    let mut writer = peer.try_clone()?;
    while let Some((target, headers)) = head(&mut reader)? {
        let count = {
            let mut counts = lock(&shared.counts);
            let count = counts.entry(target.clone()).or_default();
            *count += 1;
            *count
        };
        lock(&shared.seen).push(target.clone());
        let request = Request {
            target,
            headers,
            count,
        };
        match (shared.pages)(&request) {
            Reply::Answer(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.extend([&name, ": ", &value, "\r\n"]);
                }
                head.push_str("\r\n");
                writer.write_all(&[head.as_bytes(), &body].concat())?;
            }
            Reply::Wild(speak) => {
                speak(&mut writer)?;
                return peer.shutdown(Shutdown::Both);
            }
        }
    }
    Ok(())
}

type Head = (String, BTreeMap<String, String>);

fn head(reader: &mut impl BufRead) -> io::Result<Option<Head>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let target = line.split_whitespace().nth(1).unwrap_or("/").to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            return Ok(Some((target, headers)));
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
}

/// The answer of a static server over `root`: a folder is its `index.html`, a missing slash is
/// redirected, queries do not matter.
#[must_use]
pub fn file(root: &Path, request: &Request) -> Reply {
    let path = unescape(request.path());
    let relative = PathBuf::from(path.trim_start_matches('/'));
    if relative
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        return Reply::status(400);
    }
    let mut place = root.join(&relative);
    if place.is_dir() {
        if !path.ends_with('/') {
            return Reply::redirect(301, &format!("{}/", request.path()));
        }
        place.push("index.html");
    }
    let kind = match place.extension().and_then(|end| end.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("xml") => "application/xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    match std::fs::read(&place) {
        Ok(body) => Reply::bytes(kind, body),
        Err(_) => Reply::status(404),
    }
}

fn unescape(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if code.is_some() { &tail[2..] } else { tail };
        bytes.push(code.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Lets `share` (in percent) of the answers fail in one of seven ways, from a seed; which ones
/// depends on the target and on how often it was asked for, not on the order of requests.
#[must_use]
pub fn failing(seed: u64, share: u64, request: &Request, good: Reply) -> Reply {
    let dice = mix(seed, &request.target, request.count);
    if dice % 100 >= share {
        return good;
    }
    let Reply::Answer(_, _, body) = &good else {
        return good;
    };
    let body = body.clone();
    match (dice >> 32) % 7 {
        0 => Reply::status(503),
        1 => Reply::status(500),
        2 => Reply::status(503).with("Retry-After", "0"),
        3 => Reply::status(429),
        4 => Reply::hang_up(),
        5 => Reply::wild(move |peer| {
            let half = &body[..body.len() / 2];
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            peer.write_all(head.as_bytes())?;
            peer.write_all(half)
        }),
        _ => Reply::wild(move |peer| {
            let half = &body[..body.len() / 2];
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
                half.len().max(1)
            );
            peer.write_all(head.as_bytes())?;
            peer.write_all(half)
        }),
    }
}

/// FNV-1a over the parts, then the finalizer of splitmix64.
fn mix(seed: u64, target: &str, count: u32) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let (seed, count) = (seed.to_le_bytes(), count.to_le_bytes());
    for byte in seed.iter().chain(target.as_bytes()).chain(&count) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    chance::mix(hash)
}
