//! What an engine uses while it has nothing to do: paused, and while its host has to be waited for.

use std::{path::Path, thread, time::Duration};

use super::{
    Options, cpu, crawl, remove_database,
    served::Served,
    table::{Bound, Row, Table},
};
use crate::{
    message::commands::{Command, Target},
    run::{self, Until},
    settings::{Settings, presets},
};

pub(super) fn measure(options: &Options, folder: &Path) -> Result<Table, String> {
    let served = Served::elsewhere(600)?;
    let span = Duration::from_secs(if options.quick { 3 } else { 10 });
    let store = folder.join("idle.db");
    let waiting = share(&served, &store, span, false)?;
    let paused = share(&served, &store, span, true)?;
    Ok(Table {
        name: "idle",
        title: format!("an engine with nothing to do for {} s", span.as_secs()),
        rows: vec![
            Row::figure("all hosts waiting, % of a core", waiting).bound(Bound::AtMost(1.0)),
            Row::figure("paused, % of a core", paused).bound(Bound::AtMost(1.0)),
        ],
    })
}

/// CPU of the whole process over `span`, in percent of a core.
fn share(served: &Served, store: &Path, span: Duration, pause: bool) -> Result<f64, String> {
    remove_database(store);
    let mut settings = Settings::default();
    presets::apply(&mut settings, run::cores());
    let opened = run::open_store(store).map_err(|error| error.to_string())?;
    let running = run::start(settings.clone(), opened, Until::Shutdown)
        .map_err(|error| format!("the engine cannot start: {error}"))?;
    let mut site = crawl::site(served)?;
    // One request a minute: after the first ones everything waits for the host.
    site.politeness.max_rate = Some(1.0 / 60.0);
    served.begin(&running, site, &settings)?;
    if pause {
        running.ask(Command::Pause(Target::Engine))?;
    }
    // What was begun has ended by then.
    thread::sleep(Duration::from_secs(1));
    let before = cpu::of_process();
    thread::sleep(span);
    let used = cpu::of_process().saturating_sub(before);
    running.ask(Command::Shutdown)?;
    let _ = running.join();
    remove_database(store);
    Ok(100.0 * used.as_secs_f64() / span.as_secs_f64())
}
