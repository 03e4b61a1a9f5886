//! The fetcher as the engine uses it, and a profile with short time-outs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crawlfield_engine::{
    live::fetch::{self, IoOrder, IoThreads},
    message::{
        orders::{FetchOrder, Purpose, RequestProfile},
        reports::{Answer, FetchFailure, Outcome, Report},
    },
    model::{
        class::ErrorClass,
        ids::{OrderId, SessionId},
    },
};
use crossbeam_channel::{Receiver, Sender, unbounded};

/// No report takes longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running fetcher.
pub(crate) struct Fetcher {
    pub(crate) orders: Sender<Vec<IoOrder>>,
    pub(crate) reports: Receiver<Report>,
    pub(crate) threads: IoThreads,
    sent: u32,
}

/// Loopback is allowed; everything takes seconds at most.
pub(crate) fn profile() -> RequestProfile {
    RequestProfile {
        session: SessionId(1),
        user_agent: "Crawlfield/test".to_owned(),
        headers: BTreeMap::new(),
        cookies: BTreeMap::new(),
        kept_cookies: Arc::default(),
        basic_auth: None,
        auth_hosts: Vec::new(),
        extra_roots: Vec::new(),
        proxy: None,
        allow_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        connect_to: BTreeMap::new(),
        connect_timeout: Duration::from_secs(5),
        first_byte_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(8),
        max_body: 1 << 20,
        max_ratio: 200,
    }
}

impl Fetcher {
    pub(crate) fn start() -> Self {
        let (orders, inbox) = unbounded();
        let (outbox, reports) = unbounded();
        Self {
            orders,
            reports,
            threads: fetch::spawn(inbox, outbox, 1).unwrap(),
            sent: 0,
        }
    }

    pub(crate) fn send(
        &mut self,
        url: &str,
        purpose: Purpose,
        profile: &Arc<RequestProfile>,
    ) -> OrderId {
        let id = OrderId {
            boot: 1,
            slot: self.sent,
            generation: 1,
        };
        self.sent += 1;
        self.orders
            .send(vec![IoOrder::Fetch(FetchOrder {
                id,
                purpose,
                url: url.into(),
                profile: Arc::clone(profile),
                first_byte: profile.first_byte_timeout,
                validators: None,
            })])
            .unwrap();
        id
    }

    /// The next report.
    pub(crate) fn report(&self) -> Report {
        self.reports.recv_timeout(PATIENCE).unwrap()
    }

    pub(crate) fn fetch(&mut self, url: &str, profile: &Arc<RequestProfile>) -> Outcome {
        let id = self.send(url, Purpose::Page, profile);
        let report = self.report();
        assert_eq!(report.id, id);
        report.outcome
    }

    pub(crate) fn answer(&mut self, url: &str, profile: &Arc<RequestProfile>) -> Answer {
        match self.fetch(url, profile) {
            Outcome::Answered(answer) => *answer,
            other => panic!("{url}: {other:?}"),
        }
    }

    pub(crate) fn failure(&mut self, url: &str, profile: &Arc<RequestProfile>) -> FetchFailure {
        match self.fetch(url, profile) {
            Outcome::FetchFailed(failure) => *failure,
            other => panic!("{url}: {other:?}"),
        }
    }
}

/// Fetches once from a fresh fetcher with this profile.
pub(crate) fn class_of(url: &str, profile: RequestProfile) -> Result<Answer, ErrorClass> {
    match Fetcher::start().fetch(url, &Arc::new(profile)) {
        Outcome::Answered(answer) => Ok(*answer),
        Outcome::FetchFailed(failure) => Err(failure.class),
        other => panic!("{url}: {other:?}"),
    }
}
