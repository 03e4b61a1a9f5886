//! The engine alone: whole task lives a second on one core, beside the bare moves of the same
//! component, with few and with many tasks waiting.

use std::{collections::VecDeque, time::Duration};

use bevy_ecs::{bundle::Bundle, entity::Entity, system::SystemState, world::World};
use crawlfield_engine::{
    feed::frame::Detail,
    model::{
        ids::{BatchId, HostId, OrderId, PageKey, Seq, SessionId, StageId},
        phase::Phase,
    },
    world::{
        clock::Clock,
        journal::Journal,
        ledger::Ledger,
        task::{Attempts, Identity, Task},
        task_state::{self, TaskState, Tasks},
    },
};
use uuid::Uuid;

use crate::{
    Options, Result,
    null_backend::{Frames, NullBackend, page_url},
    table::{Part, Row},
    timing::{cpu_of_this_thread, median},
};

/// Tasks that live side by side, as in a busy tick.
const COHORT: usize = 128;

pub(crate) fn measure(options: &Options) -> Result<Part> {
    let lives = options.pick(200_000, 30_000, 10_000);
    let mut rows = Vec::new();
    for waiting in options.pick([10_000, 1_000_000], [10_000, 100_000], [500, 1_000]) {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..options.rounds().min(3) {
            rates[0].push(whole(waiting, lives)?);
            rates[1].push(bare(waiting, lives));
        }
        let [whole, bare] = rates.map(median);
        rows.push(
            Row::figure(
                format!("lives a second with {waiting} waiting, beside bare moves"),
                whole,
            )
            .beside(bare)
            .at_least(0.5),
        );
    }
    Ok(Part {
        title: "whole task lives on one core, null backend, frames encoded".to_owned(),
        rows,
    })
}

fn rate(lives: u64, spent: Duration) -> f64 {
    lives as f64 / spent.as_secs_f64()
}

/// All that the engine does for a life, from queued to gone. What a backend's threads would do, to
/// make answers, is not in it.
fn whole(waiting: u32, lives: u64) -> Result<f64> {
    let mut backend = NullBackend::with_waiting(waiting, Frames::Encoded(Vec::new()))?;
    backend.refills = true;
    backend.holds = false;
    // The hosts' pace has to find its limits first, and the window its size: those who ended stay
    // for a while.
    run(&mut backend, lives)?;
    let before = backend.lives;
    let spent = run(&mut backend, lives)?;
    Ok(rate(backend.lives - before, spent))
}

/// The CPU time that the engine took for so many lives.
fn run(backend: &mut NullBackend, lives: u64) -> Result<Duration> {
    let mut spent = Duration::ZERO;
    let (mut last, mut quiet) = (backend.lives, 0);
    let goal = backend.lives + lives;
    while backend.lives < goal {
        let reports = backend.answer();
        let began = cpu_of_this_thread();
        backend.turn(reports);
        spent += cpu_of_this_thread().saturating_sub(began);
        quiet = if backend.lives == last { quiet + 1 } else { 0 };
        last = backend.lives;
        if quiet > 100_000 {
            return Err(format!("the engine stands still after {last} lives").into());
        }
    }
    Ok(spent)
}

/// The moves of a life and nothing else: admitted, six moves with ledger and journal, gone.
fn bare(waiting: u32, lives: u64) -> f64 {
    let mut world = World::new();
    world.init_resource::<Ledger>();
    world.init_resource::<Journal>();
    world.init_resource::<Clock>();
    let cell = (BatchId(0), StageId(0));
    let mut admitted = u64::from(waiting);
    let new = (1..=admitted).map(|n| world.spawn(task(n)).id());
    let mut queue: VecDeque<Entity> = new.collect();
    world
        .resource_mut::<Ledger>()
        .discover(SessionId(1), cell, Phase::Queued, admitted);
    let mut state = SystemState::<Tasks>::new(&mut world);
    let began = cpu_of_this_thread();
    let mut done = 0;
    while done < lives {
        let mut tasks = state
            .get_mut(&mut world)
            .expect("all resources were just put in");
        let cohort: Vec<Entity> = queue.drain(..COHORT.min(queue.len())).collect();
        for step in LIFE {
            for entity in &cohort {
                tasks.enter(*entity, step, Detail::None);
            }
        }
        for entity in &cohort {
            tasks.commands.entity(*entity).despawn();
            admitted += 1;
            (tasks.ledger).discover(SessionId(1), cell, Phase::Queued, 1);
            queue.push_back(tasks.commands.spawn(task(admitted)).id());
        }
        drop(tasks.journal.take());
        done += cohort.len() as u64;
        state.apply(&mut world);
    }
    rate(done, cpu_of_this_thread().saturating_sub(began))
}

const ORDER: OrderId = OrderId {
    boot: 1,
    slot: 1,
    generation: 1,
};

const LIFE: [TaskState; 6] = [
    TaskState::Fetching(ORDER),
    TaskState::Fetched(ORDER),
    TaskState::Parsing(ORDER),
    TaskState::Parsed(ORDER),
    TaskState::Saving(ORDER),
    TaskState::Done,
];

fn task(n: u64) -> impl Bundle {
    let identity = Identity {
        key: PageKey(Uuid::from_u128(u128::from(n))),
        seq: Seq(n),
        session: SessionId(1),
        host: HostId(1),
        batch: BatchId(0),
        depth: 1,
        slot: n as u32,
        stage: StageId(0),
        suspect: false,
    };
    let url = page_url(1, n);
    task_state::admitted(
        Task { identity, url },
        Attempts::default(),
        TaskState::Queued,
    )
}
