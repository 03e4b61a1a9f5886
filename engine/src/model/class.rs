//! The one table of failures: every way an attempt can end badly, and what each means.

use serde::{Deserialize, Serialize};

use super::named::named_enum;

named_enum! {
    /// What went wrong with an attempt (SPEC E1).
    pub enum ErrorClass {
        /// The name did not resolve.
        Dns = "dns",
        /// No connection could be made (refused, no route).
        Connect = "connect",
        /// The TLS handshake or certificate failed.
        Tls = "tls",
        /// No connection within the connect time-out.
        TimeoutConnect = "timeout_connect",
        /// No response head within the first-byte time-out.
        TimeoutFirstByte = "timeout_first_byte",
        /// The whole answer took too long, or came too slowly.
        TimeoutWhole = "timeout_whole",
        /// The connection was reset or closed before an answer.
        Reset = "reset",
        /// The body ended before it was complete.
        Truncated = "truncated",
        /// What came back is not HTTP.
        Protocol = "protocol",
        /// 400, 405, 406 and other 4xx that a retry cannot mend.
        HttpClient = "http_client",
        /// The server says 404 or 410.
        NotFound = "not_found",
        /// 401, 403, 407, 451, or a challenge page.
        Blocked = "blocked",
        /// 408, 425, 500, 502, 504, 52x, and 503 without Retry-After.
        HttpServer = "http_server",
        /// 501, 505 and other 5xx that a retry cannot mend.
        HttpUnsupported = "http_unsupported",
        /// 429, or 503 with Retry-After.
        RateLimit = "rate_limit",
        /// A redirect that cannot be followed: loop, too many, no or bad Location.
        Redirect = "redirect",
        /// Fewer links than `items_per_page` on a page that is not the verified last one.
        ShortPage = "short_page",
        /// The body could not be read as what the stage expects, or parsing ran out of its bounds.
        Parse = "parse",
        /// A required field is missing or a value does not fit its type.
        InvalidRecord = "invalid_record",
        /// The body, its decompressed form, its ratio to what was received, or its head is over the limit.
        TooLarge = "too_large",
        /// The host's robots.txt cannot be read, so nothing of it may be fetched.
        Robots = "robots_unreadable",
        /// Not a type of content the stage can read (binary, image).
        WrongType = "wrong_type",
        /// The content coding is unknown or damaged.
        Decode = "decode",
        /// The address is private, loopback, link-local or metadata, and not allowed.
        UnsafeAddress = "unsafe_address",
        /// The store failed. In SPEC E1's table; here no attempt ends so: the engine waits for its
        /// store.
        Store = "store",
        /// A worker panicked, or did not report by the order's deadline.
        Worker = "worker",
        /// The process died while parsing this page alone.
        Crash = "crash",
        /// Retry-After asks for more than 24 hours.
        HostParked = "host_parked",
        /// Our own network is down.
        Offline = "offline",
        /// The attempt was aborted by a command.
        Aborted = "aborted",
        /// It failed, and nothing says how.
        Unknown = "unknown",
    }
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

    /// Whether a failure of this class counts against the host's health (the breaker's sample).
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

named_enum! {
    /// Why a task was not fetched or not kept (SPEC C3).
    pub enum SkipReason {
        /// Its host's robots.txt forbids it.
        Robots = "robots",
        /// Its host is not in the site file's scope.
        OutOfScope = "out_of_scope",
        /// It redirects to a page that is already known in its stage.
        Duplicate = "duplicate",
        /// Known complete from an earlier session (mode *new*), or the server says 304.
        NotModified = "not_modified",
        /// Deeper than the limit.
        TooDeep = "too_deep",
        /// Its URL looks like a spider trap.
        Trap = "trap",
        /// Its URL is longer than the limit.
        TooLong = "too_long",
        /// Its list ends before it, whatever the count says.
        PastTheEnd = "past_the_end",
        /// The store gives a reason that this program does not know.
        Unknown = "unknown",
    }
}

named_enum! {
    /// Why a waiting task waits (SPEC C5).
    pub enum WaitReason {
        /// The host's rate or pace allows the next request later.
        Pace = "pace",
        /// The host's robots.txt asks for a crawl delay.
        CrawlDelay = "crawl_delay",
        /// The host asked for a pause with Retry-After.
        RetryAfter = "retry_after",
        /// A retry waits for its backoff.
        Backoff = "backoff",
        /// The host's or session's retry budget is used up.
        RetryBudget = "retry_budget",
        /// The host's breaker is open.
        Breaker = "breaker",
        /// The host's robots.txt is not read yet.
        RobotsUnread = "robots_unread",
        /// The host's in-flight limit is reached.
        HostLimit = "host_limit",
        /// All http permits are in use.
        HttpPermits = "http_permits",
        /// All cpu permits are in use.
        CpuPermits = "cpu_permits",
        /// All store permits are in use.
        StorePermits = "store_permits",
        /// A downstream queue is full.
        BackPressure = "back_pressure",
        /// The memory budget is used up.
        Memory = "memory",
        /// Our own network is down.
        Offline = "offline",
        /// The store is in trouble.
        StoreTrouble = "store_trouble",
        /// The batch has not begun, or a barrier holds its stage.
        BatchNotBegun = "batch_not_begun",
        /// A person paused it, its session, or the engine.
        Paused = "paused",
        /// It stands in the store, outside the window.
        OutsideWindow = "outside_window",
    }
}
