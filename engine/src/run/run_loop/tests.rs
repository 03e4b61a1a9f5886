//! An engine that breaks off says so, and its thread goes on to its end.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64},
};

use crossbeam_channel::bounded;

use super::{Channels, RunLoop};
use crate::{
    engine::Engine,
    extract::bounds::Bounds,
    feed::hub,
    live::{meter::Meter, parse},
    settings::Settings,
};

#[test]
fn a_mistake_of_ours_ends_the_engine_with_its_tick_and_what_to_do_next() {
    let settings = Settings::default();
    let (to_fetch, _requests) = bounded(1);
    let (to_parse, bodies) = bounded(1);
    let (to_store, _verbs) = bounded(1);
    let (reports, reported) = bounded(1);
    let (_commands, commanded) = bounded(1);
    let reader = parse::reader(Bounds::from(&settings.bounds));
    let parsers = parse::spawn(bodies, reports, 1, reader).expect("there are threads");
    let (feeder, _hub) = hub::start().expect("there are threads");
    let mut engine = Engine::new(settings);
    engine.break_next_step();
    let channels = Channels {
        fetch: to_fetch,
        parse: to_parse,
        store: to_store,
    };
    let meter = Meter::new(Arc::new(AtomicU64::new(0)), None);
    let finishing = Arc::new(AtomicBool::new(true));
    let mut run_loop = RunLoop::new(engine, channels, feeder, meter, parsers, finishing);
    run_loop.run(commanded, &reported);
    let mistake = run_loop.ended().mistake.expect("it is told");
    assert!(
        mistake.starts_with("our mistake: the engine panicked: "),
        "{mistake}"
    );
    assert!(mistake.contains("(tick 1, seeds [])"), "{mistake}");
    assert!(mistake.contains("`crawlfield resume` goes on"), "{mistake}");
}
