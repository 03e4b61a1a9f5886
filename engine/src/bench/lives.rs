//! The engine alone: whole task lives a second on one core, beside the bare moves of the same
//! component, with few and with many tasks waiting.

use std::{collections::VecDeque, path::Path, time::Duration};

use bevy_ecs::{
    entity::Entity,
    system::{Commands, SystemState},
    world::World,
};
use uuid::Uuid;

use super::{
    Options, cpu, median,
    null_end::{Frames, NullEnd},
    table::{Bound, Row, Table},
};
use crate::{
    feed::frame::Detail,
    model::{
        ids::{BatchId, HostId, OrderId, PageKey, Seq, SessionId, StageId},
        page_url::PageUrl,
        phase::Phase,
    },
    world::{
        clock::Clock,
        journal::Journal,
        ledger::Ledger,
        state::{Moves, TaskState, birth},
        task::{Attempts, Identity, Task},
    },
};

/// Tasks that live side by side, as in a busy tick.
const COHORT: usize = 128;

pub(super) fn measure(options: &Options, _folder: &Path) -> Result<Table, String> {
    let lives = if options.quick { 30_000 } else { 200_000 };
    let mut rows = Vec::new();
    for waiting in [10_000, options.million()] {
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
            .bound(Bound::AtLeast(0.5)),
        );
    }
    Ok(Table {
        name: "lives",
        title: "whole task lives on one core, null far end, frames encoded".to_owned(),
        rows,
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn rate(lives: u64, spent: Duration) -> f64 {
    lives as f64 / spent.as_secs_f64()
}

/// All that the engine does for a life, from queued to gone. What the far end's threads would do,
/// to make answers, is not in it.
fn whole(waiting: u32, lives: u64) -> Result<f64, String> {
    let mut end = NullEnd::filled(waiting, Frames::Encoded(Vec::new()))?;
    end.refills = true;
    end.holds = false;
    // The hosts' pace has to find its limits first, and the window its size: those who ended stay
    // for a while.
    run(&mut end, lives)?;
    let before = end.lives;
    let spent = run(&mut end, lives)?;
    Ok(rate(end.lives - before, spent))
}

/// The CPU time that the engine took for so many lives.
fn run(end: &mut NullEnd, lives: u64) -> Result<Duration, String> {
    let mut spent = Duration::ZERO;
    let (mut last, mut quiet) = (end.lives, 0);
    let goal = end.lives + lives;
    while end.lives < goal {
        let reports = end.answer();
        let began = cpu::of_this_thread();
        end.turn(reports);
        spent += cpu::of_this_thread().saturating_sub(began);
        quiet = if end.lives == last { quiet + 1 } else { 0 };
        last = end.lives;
        if quiet > 100_000 {
            return Err(format!("the engine stands still after {last} lives"));
        }
    }
    Ok(spent)
}

/// The moves of a life and nothing else: born, six moves with ledger and journal, gone.
fn bare(waiting: u32, lives: u64) -> f64 {
    let mut world = World::new();
    world.init_resource::<Ledger>();
    world.init_resource::<Journal>();
    world.init_resource::<Clock>();
    let cell = (BatchId(0), StageId(0));
    let mut born = 0;
    let mut queue: VecDeque<Entity> = VecDeque::new();
    for _ in 0..waiting {
        born += 1;
        queue.push_back(world.spawn(newborn(born)).id());
    }
    world
        .resource_mut::<Ledger>()
        .discover(SessionId(1), cell, Phase::Queued, u64::from(waiting));
    let mut state = SystemState::<(Commands, Moves)>::new(&mut world);
    let began = cpu::of_this_thread();
    let mut done = 0;
    while done < lives {
        let (mut commands, mut moves) = state
            .get_mut(&mut world)
            .expect("all resources were just put in");
        let cohort: Vec<Entity> = queue.drain(..COHORT.min(queue.len())).collect();
        for step in LIFE {
            for entity in &cohort {
                moves.make(*entity, step, Detail::None);
            }
        }
        for entity in &cohort {
            commands.entity(*entity).despawn();
            born += 1;
            moves
                .ledger()
                .discover(SessionId(1), cell, Phase::Queued, 1);
            queue.push_back(commands.spawn(newborn(born)).id());
        }
        drop(moves.journal().take());
        done += cohort.len() as u64;
        state.apply(&mut world);
    }
    rate(done, cpu::of_this_thread().saturating_sub(began))
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

fn newborn(n: u64) -> impl bevy_ecs::bundle::Bundle {
    let url = PageUrl::new(
        &format!("http://catalogue-1.null.test/products/of-some-kind/item-{n}/"),
        "{\"page\":1,\"position\":2}",
    );
    let identity = Identity {
        key: PageKey(Uuid::from_u128(u128::from(n))),
        seq: Seq(n),
        session: SessionId(1),
        host: HostId(1),
        batch: BatchId(0),
        depth: 1,
        slot: u32::try_from(n).unwrap_or(u32::MAX),
        stage: StageId(0),
        suspect: false,
    };
    birth(
        Task { identity, url },
        Attempts::default(),
        TaskState::Queued,
    )
}
