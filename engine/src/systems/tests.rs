//! What the tests of single systems build their worlds of: a world has the resources that a system
//! names, and no others, so that a system which takes more than it says fails.

mod schedule;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bevy_ecs::{
    change_detection::Mut,
    entity::Entity,
    system::{IntoSystem, RunSystemOnce},
    world::World,
};

use crate::{
    feed::frame::Change,
    message::{
        commands::StartSession,
        orders::RequestProfile,
        receipts::SessionOpened,
        reports::Answer,
        store_verbs::{EndAttempt, Mode, StoreVerb, StoredTask},
    },
    model::{
        head::Head,
        host_key::HostKey,
        ids::{BatchId, HostId, OrderId, PageKey, Seq, SessionId, StageId},
        page_url::PageUrl,
        phase::{Phase, StagePhase},
        remark::Remarks,
        session_state::SessionState,
        stage_state::StageState,
        tries::Tries,
    },
    settings::Settings,
    site::compiled::Site,
    systems::completion::new_host,
    world::{
        batch::{Batch, StageRun},
        clock::Clock,
        host::{Host, HostIndex, SeenHost},
        host_queue::{HostQueueId, HostQueues, LowQueues},
        journal::Journal,
        ledger::Ledger,
        permits::Permits,
        queue::Queue,
        residents::Residents,
        session::{Graph, Session, SessionIndex},
        settings::ActiveSettings,
        slots::{Flight, Owner, Slots},
        store_requests::{StoreRequest, StoreRequests},
        task::{Attempts, Identity, Task},
        task_state::{TaskState, Tasks, admitted},
        timers::{Due, Timers},
        window::Window,
    },
};

pub(super) const SESSION: SessionId = SessionId(1);
pub(super) const HOST: HostId = HostId(1);
pub(super) const BATCH: BatchId = BatchId(0);
/// Numbered list pages of two items, which lead to details.
pub(super) const LIST: StageId = StageId(0);
pub(super) const DETAIL: StageId = StageId(1);
/// The time at which every world stands.
pub(super) const NOW: Duration = Duration::from_secs(100);

const SITE: &str = r#"
[site]
name = "shop"
start = "https://a.test/p1"
enter = "list"
[stages.list]
pages = { pattern = "https://a.test/p{page}", until_empty = true }
items_per_page = 2
[[stages.list.links]]
select = "a@href"
to = "detail"
[stages.detail]
[[stages.detail.records]]
kind = "item"
[stages.detail.records.fields]
title = "h1"
"#;

pub(super) fn site() -> Arc<Site> {
    Arc::new(Site::load(SITE, "shop.toml").expect("the site is right"))
}

/// What a store says that opens the session anew.
pub(super) fn opened() -> SessionOpened {
    SessionOpened {
        session: SESSION,
        boot: 1,
        mode: Mode::New,
        seed: 7,
        started: false,
        counts: Vec::new(),
        hosts: Vec::new(),
        stage_attempts: Vec::new(),
        skipped: Vec::new(),
        dead: Vec::new(),
        records: 0,
        bytes: 0,
        cookies: Vec::new(),
        remarks: Remarks::default(),
    }
}

pub(super) fn start_session() -> StartSession {
    let site = site();
    let profile = RequestProfile::of(&site, &Settings::default(), BTreeMap::new());
    StartSession {
        site,
        profile: Arc::new(profile),
        mode: Mode::New,
        origin: serde_json::Value::Null,
        source: None,
        seed: 7,
        resume: None,
    }
}

/// Runs a system once, with what it leaves for later done.
pub(super) fn run<M>(world: &mut World, system: impl IntoSystem<(), (), M>) {
    world
        .run_system_once(system)
        .expect("the system finds all that it names");
}

pub(super) fn add_tasks(world: &mut World) {
    world.init_resource::<Ledger>();
    world.init_resource::<Journal>();
    add_clock(world);
}

pub(super) fn add_clock(world: &mut World) {
    let mut clock = Clock::default();
    clock.advance_to(NOW);
    world.insert_resource(clock);
}

/// What `Frontier` needs, under the default settings.
pub(super) fn add_frontier(world: &mut World) {
    let mut window = Window::default();
    window.fit(&Settings::default());
    world.insert_resource(window);
    world.init_resource::<HostQueues>();
    world.init_resource::<Residents>();
    world.init_resource::<LowQueues>();
}

/// What `Sessions` needs, with one running session of [`SITE`] whose first batch runs.
pub(super) fn add_session(world: &mut World) -> Entity {
    let settings = Arc::new(Settings::default());
    let mut session = Session::new(&opened(), &start_session(), settings, NOW);
    session.enter(SessionState::Running);
    session.opened.insert(BATCH);
    session.running.insert(BATCH);
    let stages = session.site.stages.len();
    let entity = world.spawn(session).id();
    let mut runs = vec![StageRun::default(); stages];
    for run in &mut runs {
        run.enter(StageState::Running);
    }
    let batch = Batch {
        session: SESSION,
        id: BATCH,
        phase: StagePhase::Running,
        stages: runs,
    };
    let batch = world.spawn(batch).id();
    let mut index = SessionIndex::default();
    index.entities.insert(SESSION, entity);
    index.batches.insert((SESSION, BATCH), batch);
    world.insert_resource(index);
    entity
}

pub(super) fn session(world: &mut World) -> &Session {
    world
        .query::<&Session>()
        .single(world)
        .expect("there is one session")
}

/// What `Hosts` needs, with the host of [`SITE`]; needs the session.
pub(super) fn add_host(world: &mut World) -> Entity {
    let key = HostKey::of(&url::Url::parse("https://a.test/").expect("it is a URL"));
    let key = key.expect("it has a host");
    let seen = SeenHost {
        id: HOST,
        key: key.clone(),
        session: SESSION,
        learned: None,
    };
    let host = new_host(&seen, session(world), NOW);
    let entity = world.spawn(host).id();
    let mut index = HostIndex::default();
    index.entities.insert(HOST, entity);
    index.ids.insert(key, HOST);
    world.insert_resource(index);
    entity
}

pub(super) fn host(world: &mut World) -> &Host {
    world
        .query::<&Host>()
        .single(world)
        .expect("there is one host")
}

/// A page of the session, resident in this state and counted; needs `Tasks`. It stands in the
/// window where there is one.
pub(super) fn add_task(world: &mut World, n: u64, stage: StageId, at: TaskState) -> Entity {
    let entity = world.spawn_empty().id();
    place(world, entity, n, stage, at);
    entity
}

fn place(world: &mut World, entity: Entity, n: u64, stage: StageId, at: TaskState) {
    let name = if stage == LIST { "p" } else { "d" };
    let url = format!("https://a.test/{name}{n}");
    let window = world.get_resource_mut::<Window>();
    let slot = window.map_or(0, |mut window| window.enter());
    let identity = Identity {
        key: PageKey::new("shop", if stage == LIST { "list" } else { "detail" }, &url),
        seq: Seq(n),
        session: SESSION,
        host: HOST,
        batch: BATCH,
        depth: 0,
        slot,
        stage,
        suspect: false,
    };
    let task = Task {
        identity,
        url: PageUrl::from(url.as_str()),
    };
    let bundle = admitted(task, Attempts(Tries::default()), at);
    world.entity_mut(entity).insert(bundle);
    let mut ledger = world.resource_mut::<Ledger>();
    ledger.discover(SESSION, (BATCH, stage), at.phase(), 1);
    if let Some(mut residents) = world.get_resource_mut::<Residents>() {
        residents.insert(SESSION, identity.key, slot, entity);
        residents.settle();
    }
    if let Some(mut queues) = world.get_resource_mut::<HostQueues>() {
        let queue = queues.id(SESSION, HOST);
        queues.get_mut(queue).resident += 1;
    }
}

/// Adds a queued task to its host's queue, which may be looked at now.
pub(super) fn enqueue(world: &mut World, entity: Entity) -> HostQueueId {
    let task = world.get::<Task>(entity).expect("it is a task").identity;
    let rank = session(world).rank(&task);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    queues.enqueue(queue, rank, entity, NOW);
    queue
}

/// Opens the slot of a task's order, with a flight that has just begun and is marked; needs `Slots`.
pub(super) fn fly(world: &mut World, entity: Entity) -> OrderId {
    let mut slots = world.resource_mut::<Slots>();
    let id = slots
        .open(Owner::Task(entity), NOW)
        .expect("a slot is free");
    let busy = slots.get_mut(id).expect("it was just opened");
    let mut flight = Flight::begun(NOW);
    flight.mark = flight.mark.kept();
    busy.flight = Some(Box::new(flight));
    id
}

/// A task in flight, in the state that holds its order; needs `Slots`.
pub(super) fn add_flying(
    world: &mut World,
    n: u64,
    stage: StageId,
    at: impl Fn(OrderId) -> TaskState,
) -> (OrderId, Entity) {
    let entity = world.spawn_empty().id();
    let id = fly(world, entity);
    place(world, entity, n, stage, at(id));
    (id, entity)
}

/// A task whose fetch is out, with the permit of its host; needs `Slots` and `Permits`.
pub(super) fn add_fetching(world: &mut World, n: u64, stage: StageId) -> (OrderId, Entity) {
    let (id, entity) = add_flying(world, n, stage, TaskState::Fetching);
    world.resource_mut::<Permits>().http.take(1);
    let mut slots = world.resource_mut::<Slots>();
    slots.get_mut(id).expect("it was just opened").http = Some(HOST);
    (id, entity)
}

pub(super) fn add_settings(world: &mut World) {
    world.insert_resource(ActiveSettings(Arc::new(Settings::default())));
}

/// One more host of the session; needs the first.
pub(super) fn add_other_host(world: &mut World, id: HostId, url: &str) -> Entity {
    let seen = SeenHost {
        id,
        key: host_key(url),
        session: SESSION,
        learned: None,
    };
    let host = new_host(&seen, session(world), NOW);
    let entity = world.spawn(host).id();
    let mut index = world.resource_mut::<HostIndex>();
    index.entities.insert(id, entity);
    index.ids.insert(seen.key, id);
    entity
}

pub(super) fn host_key(url: &str) -> HostKey {
    let url = url::Url::parse(url).expect("it is a URL");
    HostKey::of(&url).expect("it has a host")
}

/// The session is of a site like [`SITE`], with this instead of that.
pub(super) fn change_site(world: &mut World, of: &str, into: &str) {
    let site = Site::load(&SITE.replace(of, into), "shop.toml").expect("the site is right");
    change_session(world, |session| {
        session.graph = Graph::of(&site);
        session.site = Arc::new(site);
    });
}

pub(super) fn change_session(world: &mut World, change: impl FnOnce(&mut Session)) {
    let mut all = world.query::<&mut Session>();
    let mut session = all.single_mut(world).expect("there is one session");
    change(&mut session);
}

/// The session goes by its own settings, which are these.
pub(super) fn change_settings(world: &mut World, change: impl FnOnce(&mut Settings)) {
    change_session(world, |session| {
        change(Arc::make_mut(&mut session.settings));
    });
}

pub(super) fn change_host(world: &mut World, change: impl FnOnce(&mut Host)) {
    let entity = world.resource::<HostIndex>().entities[&HOST];
    let mut host = world.get_mut::<Host>(entity).expect("it is a host");
    change(&mut host);
}

pub(super) fn batch(world: &mut World) -> Mut<'_, Batch> {
    let mut all = world.query::<&mut Batch>();
    all.single_mut(world).expect("there is one batch")
}

/// Where a task is; needs `Tasks`.
pub(super) fn state(world: &mut World, entity: Entity) -> TaskState {
    world
        .run_system_once(move |tasks: Tasks| tasks.state(entity))
        .expect("the world has tasks")
}

/// What a task was charged so far, changed by this; needs `Tasks`.
pub(super) fn charge(
    world: &mut World,
    entity: Entity,
    change: impl Fn(&mut Tries) + Send + Sync + 'static,
) -> Tries {
    world
        .run_system_once(move |mut tasks: Tasks| tasks.charge(entity, &change))
        .expect("the world has tasks")
}

pub(super) fn tries(world: &mut World, entity: Entity) -> Tries {
    charge(world, entity, |_| {})
}

/// Pages of the session that stand there.
pub(super) fn count(world: &World, phase: Phase) -> u64 {
    let book = world.resource::<Ledger>().book(SESSION);
    book.map_or(0, |book| book.total[phase as usize])
}

/// An earlier system leaves this in its queue.
pub(super) fn leave<T: Send + Sync + 'static>(world: &mut World, item: T) {
    world.get_resource_or_init::<Queue<T>>().push(item);
}

/// What is left for a later system, all of it.
pub(super) fn take_left<T: Send + Sync + 'static>(world: &mut World) -> Vec<T> {
    let mut queue = world.resource_mut::<Queue<T>>();
    std::iter::from_fn(|| queue.pop()).collect()
}

/// What the store is asked for, in order; taken.
pub(super) fn requests(world: &mut World) -> Vec<StoreRequest> {
    let mut requests = world.resource_mut::<StoreRequests>();
    requests.waiting.drain(..).collect()
}

/// The one attempt's end that the store is told.
pub(super) fn page_end(world: &mut World) -> EndAttempt {
    let all = requests(world).into_iter();
    let mut ends = all.filter_map(|request| match request.verb {
        StoreVerb::End(end) => Some((*end).clone()),
        _ => None,
    });
    let end = ends.next().expect("an attempt has ended");
    assert!(ends.next().is_none(), "one attempt has ended");
    end
}

/// What people are told in this tick; taken.
pub(super) fn notices(world: &mut World) -> Vec<String> {
    let all = journal(world).into_iter();
    all.filter_map(|change| match change {
        Change::Notice { text, .. } => Some(text.to_string()),
        _ => None,
    })
    .collect()
}

/// A timer that is set for then; taken with all before it.
pub(super) fn timer(world: &mut World) -> Option<(Duration, Due)> {
    let mut timers = world.resource_mut::<Timers>();
    let at = timers.next()?;
    Some((at, timers.pop_due(at)?))
}

/// A waiting page of [`HOST`] as the store has it.
pub(super) fn stored(n: u64, stage: StageId) -> StoredTask {
    let (name, of) = if stage == LIST {
        ("p", "list")
    } else {
        ("d", "detail")
    };
    let url = format!("https://a.test/{name}{n}");
    StoredTask {
        key: PageKey::new("shop", of, &url),
        seq: Seq(n),
        url: PageUrl::from(url.as_str()),
        stage,
        batch: BATCH,
        host: HOST,
        depth: 1,
        phase: Phase::Queued,
        due_in: Duration::ZERO,
        cause: None,
        tries: Tries::default(),
        suspect: false,
        validators: None,
    }
}

/// An answer with this body.
pub(super) fn answer(status: u16, body: &str) -> Answer {
    answer_with(status, &[], body)
}

pub(super) fn answer_with(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    Answer {
        head: Head {
            status,
            headers: headers.iter().copied().collect(),
        },
        body: Arc::new(body.as_bytes().to_vec()),
        wire_bytes: body.len() as u64,
        ..Answer::default()
    }
}

/// What the journal has of this tick.
pub(super) fn journal(world: &mut World) -> Vec<Change> {
    world.resource_mut::<Journal>().take()
}

/// Where a resident task is; needs `Tasks`.
pub(super) fn state_of(world: &mut World, entity: Entity) -> TaskState {
    let state = world.run_system_once(move |tasks: Tasks| tasks.state(entity));
    state.expect("there is what tasks need")
}

/// The page that a task is for.
pub(super) fn key_of(world: &World, entity: Entity) -> PageKey {
    let task = world.get::<Task>(entity).expect("it is a task");
    task.identity.key
}
