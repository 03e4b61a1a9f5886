//! The one table of failures: every way an attempt can end badly, and what each means.

use serde::{Deserialize, Serialize};

/// What went wrong with an attempt (SPEC E1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The name did not resolve.
    Dns,
    /// No connection could be made (refused, no route).
    Connect,
    /// The TLS handshake or certificate failed.
    Tls,
    /// No connection within the connect time-out.
    TimeoutConnect,
    /// No response head within the first-byte time-out.
    TimeoutFirstByte,
    /// The whole answer took too long, or came too slowly.
    TimeoutWhole,
    /// The connection was reset or closed before an answer.
    Reset,
    /// The body ended before it was complete.
    Truncated,
    /// What came back is not HTTP.
    Protocol,
    /// 400, 405, 406 and other 4xx that a retry cannot mend.
    HttpClient,
    /// 404 and 410.
    NotFound,
    /// 401, 403, 407, 451, or a challenge page.
    Blocked,
    /// 408, 425, 500, 502, 504, 52x, and 503 without Retry-After.
    HttpServer,
    /// 501, 505 and other 5xx that a retry cannot mend.
    HttpUnsupported,
    /// 429, or 503 with Retry-After.
    RateLimit,
    /// A redirect that cannot be followed: loop, too many, no or bad Location.
    Redirect,
    /// Fewer links than `items_per_page` on a page that is not the verified last one.
    ShortPage,
    /// The body could not be read as what the stage expects, or parsing ran out of its bounds.
    Parse,
    /// A required field is missing or a value does not fit its type.
    InvalidRecord,
    /// The body, its decompressed form, its ratio to what was received, or its head is over the limit.
    TooLarge,
    /// The host's robots.txt cannot be read, so nothing of it may be fetched.
    Robots,
    /// Not a type of content the stage can read (binary, image).
    WrongType,
    /// The content coding is unknown or damaged.
    Decode,
    /// The address is private, loopback, link-local or metadata, and not allowed.
    UnsafeAddress,
    /// The store failed. In SPEC E1's table; here no attempt ends so: the engine waits for its store.
    Store,
    /// A worker panicked, or did not report by the order's deadline.
    Worker,
    /// The process died while parsing this page alone.
    Crash,
    /// Retry-After asks for more than 24 hours.
    HostParked,
    /// Our own network is down.
    Offline,
    /// The attempt was aborted by a command.
    Aborted,
    /// It failed, and nothing says how.
    Unknown,
}

/// What a class means for the task and its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// May pass: retried by the policy, charged an attempt, counts for the breaker.
    Transient,
    /// The host asked for less: no attempt charged, no breaker.
    Throttled,
    /// Will not pass: dead at once.
    Permanent,
    /// Not the page's fault: retried, nobody is charged.
    Ours,
}

impl ErrorClass {
    /// All classes, in the order of the table.
    pub const ALL: [Self; 31] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::TimeoutConnect,
        Self::TimeoutFirstByte,
        Self::TimeoutWhole,
        Self::Reset,
        Self::Truncated,
        Self::Protocol,
        Self::HttpClient,
        Self::NotFound,
        Self::Blocked,
        Self::HttpServer,
        Self::HttpUnsupported,
        Self::RateLimit,
        Self::Redirect,
        Self::ShortPage,
        Self::Parse,
        Self::InvalidRecord,
        Self::TooLarge,
        Self::Robots,
        Self::WrongType,
        Self::Decode,
        Self::UnsafeAddress,
        Self::Store,
        Self::Worker,
        Self::Crash,
        Self::HostParked,
        Self::Offline,
        Self::Aborted,
        Self::Unknown,
    ];

    /// The class as text in events, results and the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::TimeoutConnect => "timeout_connect",
            Self::TimeoutFirstByte => "timeout_first_byte",
            Self::TimeoutWhole => "timeout_whole",
            Self::Reset => "reset",
            Self::Truncated => "truncated",
            Self::Protocol => "protocol",
            Self::HttpClient => "http_client",
            Self::NotFound => "not_found",
            Self::Blocked => "blocked",
            Self::HttpServer => "http_server",
            Self::HttpUnsupported => "http_unsupported",
            Self::RateLimit => "rate_limit",
            Self::Redirect => "redirect",
            Self::ShortPage => "short_page",
            Self::Parse => "parse",
            Self::InvalidRecord => "invalid_record",
            Self::TooLarge => "too_large",
            Self::Robots => "robots_unreadable",
            Self::WrongType => "wrong_type",
            Self::Decode => "decode",
            Self::UnsafeAddress => "unsafe_address",
            Self::Store => "store",
            Self::Worker => "worker",
            Self::Crash => "crash",
            Self::HostParked => "host_parked",
            Self::Offline => "offline",
            Self::Aborted => "aborted",
            Self::Unknown => "unknown",
        }
    }

    /// The class of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// What this class means (SPEC E1).
    #[must_use]
    pub const fn consequence(self) -> Consequence {
        match self {
            Self::Dns
            | Self::Connect
            | Self::TimeoutConnect
            | Self::TimeoutFirstByte
            | Self::TimeoutWhole
            | Self::Reset
            | Self::Truncated
            | Self::Protocol
            | Self::HttpServer
            | Self::ShortPage
            | Self::InvalidRecord
            | Self::Parse
            | Self::Decode
            | Self::Robots
            | Self::Worker
            | Self::Unknown => Consequence::Transient,
            Self::RateLimit => Consequence::Throttled,
            Self::Tls
            | Self::HttpClient
            | Self::NotFound
            | Self::Blocked
            | Self::HttpUnsupported
            | Self::Redirect
            | Self::TooLarge
            | Self::WrongType
            | Self::UnsafeAddress
            | Self::Crash
            | Self::HostParked => Consequence::Permanent,
            Self::Store | Self::Offline | Self::Aborted => Consequence::Ours,
        }
    }

    /// Whether the page itself could not be read: once its attempts are used up, running it again
    /// with its stage would not help.
    #[must_use]
    pub const fn is_content(self) -> bool {
        matches!(self, Self::Parse | Self::InvalidRecord | Self::Decode)
    }

    /// Whether a failure of this class speaks against the host's health (the breaker's sample).
    #[must_use]
    pub const fn is_host_failure(self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::Connect
                | Self::Tls
                | Self::TimeoutConnect
                | Self::TimeoutFirstByte
                | Self::TimeoutWhole
                | Self::Reset
                | Self::Truncated
                | Self::Protocol
                | Self::HttpServer
                | Self::Blocked
        )
    }

    /// Whether the cause may lie on our side of the wire (the offline breaker's sample).
    #[must_use]
    pub const fn is_local_origin(self) -> bool {
        matches!(self, Self::Dns | Self::Connect | Self::TimeoutConnect)
    }
}

/// Why a task was not fetched or not kept (SPEC C3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// robots.txt forbids it.
    Robots,
    /// Its host is not in the site file's scope.
    OutOfScope,
    /// It redirects to a page that is already known in its stage.
    Duplicate,
    /// Known complete from an earlier session (mode *new*), or the server says 304.
    NotModified,
    /// Deeper than the limit.
    TooDeep,
    /// Its URL looks like a spider trap.
    Trap,
    /// Its URL is longer than the limit.
    TooLong,
    /// Its list ends before it, whatever the count says.
    PastTheEnd,
    /// The store gives a reason that this program does not know.
    Unknown,
}

impl SkipReason {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::Robots,
        Self::OutOfScope,
        Self::Duplicate,
        Self::NotModified,
        Self::TooDeep,
        Self::Trap,
        Self::TooLong,
        Self::PastTheEnd,
        Self::Unknown,
    ];

    /// The reason as text in events, results and the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Robots => "robots",
            Self::OutOfScope => "out_of_scope",
            Self::Duplicate => "duplicate",
            Self::NotModified => "not_modified",
            Self::TooDeep => "too_deep",
            Self::Trap => "trap",
            Self::TooLong => "too_long",
            Self::PastTheEnd => "past_the_end",
            Self::Unknown => "unknown",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// Why a waiting task waits (SPEC C5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The host's rate or pace allows the next request later.
    Pace,
    /// The host's robots.txt asks for a crawl delay.
    CrawlDelay,
    /// The host asked for a pause with Retry-After.
    RetryAfter,
    /// A retry waits for its backoff.
    Backoff,
    /// The host's or session's retry budget is used up.
    RetryBudget,
    /// The host's breaker is open.
    Breaker,
    /// The host's robots.txt is not read yet.
    RobotsUnread,
    /// The host's in-flight limit is reached.
    HostLimit,
    /// All http permits are in use.
    HttpPermits,
    /// All cpu permits are in use.
    CpuPermits,
    /// All store permits are in use.
    StorePermits,
    /// A downstream queue is full.
    BackPressure,
    /// The memory budget is used up.
    Memory,
    /// Our own network is down.
    Offline,
    /// The store is in trouble.
    StoreTrouble,
    /// The batch has not begun, or a barrier holds its stage.
    BatchNotBegun,
    /// A person paused it, its session, or the engine.
    Paused,
    /// It stands in the store, outside the window.
    OutsideWindow,
}

impl WaitReason {
    /// All reasons.
    pub const ALL: [Self; 18] = [
        Self::Pace,
        Self::CrawlDelay,
        Self::RetryAfter,
        Self::Backoff,
        Self::RetryBudget,
        Self::Breaker,
        Self::RobotsUnread,
        Self::HostLimit,
        Self::HttpPermits,
        Self::CpuPermits,
        Self::StorePermits,
        Self::BackPressure,
        Self::Memory,
        Self::Offline,
        Self::StoreTrouble,
        Self::BatchNotBegun,
        Self::Paused,
        Self::OutsideWindow,
    ];

    /// The reason as text in snapshots.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pace => "pace",
            Self::CrawlDelay => "crawl_delay",
            Self::RetryAfter => "retry_after",
            Self::Backoff => "backoff",
            Self::RetryBudget => "retry_budget",
            Self::Breaker => "breaker",
            Self::RobotsUnread => "robots_unread",
            Self::HostLimit => "host_limit",
            Self::HttpPermits => "http_permits",
            Self::CpuPermits => "cpu_permits",
            Self::StorePermits => "store_permits",
            Self::BackPressure => "back_pressure",
            Self::Memory => "memory",
            Self::Offline => "offline",
            Self::StoreTrouble => "store_trouble",
            Self::BatchNotBegun => "batch_not_begun",
            Self::Paused => "paused",
            Self::OutsideWindow => "outside_window",
        }
    }
}
