//! One suite for every store: what the verbs mean, whoever carries them out. Here the kit; the
//! stories are in `pages` and `sessions`, random ones in `random`.

/// Every store has to tell these alike.
macro_rules! stories {
    ($($name:ident),+ $(,)?) => {
        mod on_disk {
            $(#[test] fn $name() { super::$name(super::Talk::new(super::OnDisk::new())); })+
        }
        mod in_memory {
            $(#[test] fn $name() { super::$name(super::Talk::new(super::ModelStore::default())); })+
        }
    };
}

mod pages;
mod random;
mod sessions;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::{
    extract::output::{Link, Record, Value},
    message::{
        orders::StoreOrder,
        receipts::{Discovered, Ended, KnownHost, SessionOpened, StoreError, StoreReceipt},
        store_verbs::{
            AttemptRow, EndAttempt, Evidence, Mode, OpenSession, PageEnd, StoreVerb, StoredTask,
        },
    },
    model::{
        host_key::HostKey,
        ids::{BatchId, HostId, OrderId, PageKey, Seq, SessionId, StageId},
        phase::Phase,
        remark::Remarks,
        tries::Tries,
    },
    sim::store::ModelStore,
    site::{
        compiled::{
            Fallbacks, Field, FieldType, LinkRule, Pages, Politeness, RecordRule, Site, Source,
            Stage,
        },
        scope::Scope,
    },
    store::Store,
};

pub(crate) type Results = Vec<(OrderId, Result<StoreReceipt, StoreError>)>;

/// A store under test.
pub(crate) trait Subject {
    fn apply(&mut self, now_ms: u64, orders: Vec<StoreOrder>) -> Results;
    /// The engine dies and starts again.
    fn restart(&mut self);
}

impl Subject for ModelStore {
    fn apply(&mut self, now_ms: u64, orders: Vec<StoreOrder>) -> Results {
        Self::apply(self, Duration::from_millis(now_ms), orders)
    }

    fn restart(&mut self) {
        Self::restart(self);
    }
}

/// The real store in a scratch folder.
pub(crate) struct OnDisk {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Option<Store>,
    now: Arc<AtomicI64>,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
        let mut this = Self {
            folder: tempfile::tempdir().unwrap(),
            store: None,
            now: Arc::default(),
        };
        this.restart();
        this
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("crawl.db")
    }
}

impl Subject for OnDisk {
    fn apply(&mut self, now_ms: u64, orders: Vec<StoreOrder>) -> Results {
        self.now
            .store(i64::try_from(now_ms).unwrap(), Ordering::Relaxed);
        self.store.as_mut().unwrap().apply(orders)
    }

    fn restart(&mut self) {
        self.store = None;
        let now = Arc::clone(&self.now);
        let clock = Box::new(move || now.load(Ordering::Relaxed));
        self.store = Some(Store::open(&self.path(), clock).unwrap());
    }
}

/// A store with a session, spoken to one verb at a time.
pub(crate) struct Talk<S> {
    pub(crate) subject: S,
    pub(crate) site: Arc<Site>,
    pub(crate) session: SessionId,
    pub(crate) now_ms: u64,
}

pub(crate) const LIST: StageId = StageId(0);
pub(crate) const DETAIL: StageId = StageId(1);

impl<S: Subject> Talk<S> {
    pub(crate) fn new(subject: S) -> Self {
        let mut this = Self {
            subject,
            site: Arc::new(site("shop", fields())),
            session: SessionId(0),
            now_ms: 1_000,
        };
        this.open(Mode::New, None);
        this
    }

    pub(crate) fn ask(&mut self, verb: StoreVerb) -> Result<StoreReceipt, StoreError> {
        let id = OrderId {
            boot: 1,
            slot: 0,
            generation: 0,
        };
        self.now_ms += 1;
        let orders = vec![StoreOrder { id, verb }];
        let mut results = self.subject.apply(self.now_ms, orders);
        assert_eq!(results.len(), 1);
        results.remove(0).1
    }

    pub(crate) fn open(&mut self, mode: Mode, resume: Option<SessionId>) -> SessionOpened {
        match self.try_open(mode, resume) {
            Ok(StoreReceipt::Opened(opened)) => {
                self.session = opened.session;
                *opened
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn try_open(
        &mut self,
        mode: Mode,
        resume: Option<SessionId>,
    ) -> Result<StoreReceipt, StoreError> {
        let site = Arc::clone(&self.site);
        self.ask(StoreVerb::OpenSession(OpenSession {
            site,
            mode,
            origin: json!({ "kind": "site", "resumes": resume.map(|id| id.0) }),
            source: None,
            seed: u64::MAX,
            resume,
        }))
    }

    /// The engine dies, and the session is taken up again.
    pub(crate) fn crash(&mut self) -> SessionOpened {
        self.subject.restart();
        let opened = self.open(Mode::New, Some(self.session));
        let of = |kind: fn(&KnownHost) -> u64| opened.hosts.iter().map(kind).sum::<u64>();
        let of_phases = |is_it: fn(Phase) -> bool| {
            let counts = opened.counts.iter();
            let counts = counts.filter(|(_, _, phase, _)| is_it(*phase));
            counts.map(|(.., n)| n).sum::<u64>()
        };
        assert_eq!(of(|host| host.waiting), of_phases(Phase::is_waiting));
        assert_eq!(
            of(|host| host.gone.dead),
            of_phases(|phase| phase == Phase::Dead)
        );
        assert_eq!(
            of(|host| host.gone.failed),
            of_phases(|phase| phase == Phase::Failed)
        );
        assert_eq!(
            of(|host| host.gone.cancelled),
            of_phases(|phase| phase == Phase::Cancelled)
        );
        assert_eq!(
            of(|host| host.gone.finished),
            of_phases(|phase| matches!(phase, Phase::Done | Phase::Skipped))
        );
        opened
    }

    pub(crate) fn state(&mut self, state: &str) {
        let note = crate::message::store_verbs::Note::SessionState {
            session: self.session,
            state: state.to_owned(),
            result: None,
        };
        self.ask(StoreVerb::Note(note)).unwrap();
    }

    pub(crate) fn discover(&mut self, links: Vec<Link>) -> Discovered {
        let verb = StoreVerb::Discover {
            session: self.session,
            batch: BatchId(0),
            depth: 0,
            links,
            batch_size: 2,
        };
        match self.ask(verb) {
            Ok(StoreReceipt::Discovered(found)) => found,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn admit(
        &mut self,
        batch: u32,
        after: u64,
        limit: u32,
    ) -> (Vec<StoredTask>, u64, bool) {
        let verb = StoreVerb::Admit {
            session: self.session,
            host: HostId(1),
            batch: BatchId(batch),
            after: Seq(after),
            limit,
        };
        match self.ask(verb) {
            Ok(StoreReceipt::Admitted {
                tasks,
                cursor,
                exhausted,
            }) => (tasks, cursor.0, exhausted),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn mark(&mut self, task: &StoredTask, lone: bool) -> Result<(), StoreError> {
        let (session, keys) = (self.session, vec![task.key]);
        let verb = StoreVerb::Mark {
            session,
            keys,
            lone,
        };
        self.ask(verb).map(|_| ())
    }

    pub(crate) fn end(&mut self, task: &StoredTask, end: PageEnd) -> Result<Ended, StoreError> {
        let order = attempt(self.session, task, end);
        match self.ask(StoreVerb::End(Arc::new(order)))? {
            StoreReceipt::Ended(ended) => Ok(ended),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn count(opened: &SessionOpened, phase: Phase) -> u64 {
    let of_phase = opened.counts.iter().filter(|(_, _, at, _)| *at == phase);
    of_phase.map(|(_, _, _, n)| n).sum()
}

pub(crate) fn attempt(session: SessionId, task: &StoredTask, end: PageEnd) -> EndAttempt {
    let has_failed = matches!(end, PageEnd::Failed { .. } | PageEnd::Backoff { .. });
    EndAttempt {
        session,
        key: task.key,
        stage: task.stage,
        batch: task.batch,
        host: task.host,
        seq: task.seq,
        depth: task.depth + 1,
        tries: Tries {
            failed: task.tries.failed + u16::from(has_failed),
            dispatched: task.tries.dispatched + 1,
            throttled: 0,
        },
        batch_size: 2,
        attempt: Some(AttemptRow {
            dispatch: task.tries.dispatched + 1,
            bytes: 100,
            class: has_failed.then_some(crate::model::class::ErrorClass::HttpServer),
            ..AttemptRow::default()
        }),
        end,
        remarks: Remarks::default(),
    }
}

pub(crate) fn done(records: Vec<Record>, links: Vec<Link>) -> PageEnd {
    PageEnd::Done {
        records,
        links,
        alias: None,
        validators: None,
        content_hash: None,
    }
}

pub(crate) fn failed() -> PageEnd {
    PageEnd::Failed {
        evidence: Evidence::default(),
        records: Vec::new(),
        links: Vec::new(),
    }
}

pub(crate) fn product(identity: &str, values: Vec<Value>) -> Record {
    Record {
        rule: 0,
        identity: identity.to_owned(),
        values,
    }
}

/// A link to `http://shop.test/NAME`.
pub(crate) fn link(stage: StageId, name: &str) -> Link {
    let url = format!("http://shop.test/{name}");
    let stage_name = ["list", "detail"][usize::from(stage.0)];
    Link {
        stage,
        key: PageKey::new("shop", stage_name, &url),
        host: HostKey::of(&url::Url::parse(&url).unwrap()).unwrap(),
        carried: json!({ "position": 1 }).as_object().unwrap().clone().into(),
        url,
    }
}

pub(crate) fn field(name: &str, kind: FieldType) -> Field {
    Field {
        kind,
        ..Field::new(name, Source::Meta(String::new()))
    }
}

pub(crate) fn fields() -> Vec<Field> {
    vec![
        field("title", FieldType::Text),
        field("price", FieldType::Decimal),
    ]
}

/// Lists lead to lists and details; details have one product of these fields.
pub(crate) fn site(name: &str, fields: Vec<Field>) -> Site {
    let mut list = Stage::new("list");
    list.pages = Some(Pages::Next(Fallbacks(Vec::new())));
    list.links.push(LinkRule {
        each: None,
        select: Fallbacks(Vec::new()),
        to: DETAIL,
        carry: Vec::new(),
        label: None,
        matches: None,
    });
    let mut detail = Stage::new("detail");
    detail.records.push(RecordRule {
        kind: "product".to_owned(),
        key: Vec::new(),
        each: None,
        fields,
        history: true,
    });
    Site {
        name: name.to_owned(),
        source: "[site]".into(),
        start: Vec::new(),
        enter: LIST,
        scope: Scope::default(),
        politeness: Politeness::default(),
        stages: vec![list, detail],
    }
}
