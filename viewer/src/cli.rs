//! The viewer's command line: a window, pictures, or the terminal where neither is asked for and no
//! window can open.

pub mod flags;

use std::process::ExitCode;

use crawlfield_engine::cli::{
    Exit, Failure, complain,
    crawl::{OutputFlags, crawl},
    program,
    run::{Scratch, refuse_stopped},
};

use crate::{
    crawl::Crawl, probe::Need, replay::Replay, show::Show, source::Source, stills, window,
};
use flags::Flags;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    program(|flags: Flags| match flags.probe {
        Some(need) => Ok(need.answer_here()),
        None => run(&flags),
    })
}

fn run(flags: &Flags) -> Result<Exit, Failure> {
    flags.check()?;
    if flags.wants_pictures() {
        Need::Adapter
            .check()
            .map_err(|lack| Failure::internal(lack.message))?;
        stills::take(flags)?;
        return Ok(Exit::Done);
    }
    match Need::Display.check().and_then(|()| Need::Adapter.check()) {
        Ok(()) => in_window(flags),
        Err(lack) if flags.window => Err(Failure::internal(lack.message)),
        Err(lack) if flags.replay.is_some() => Err(Failure::internal(format!(
            "{}; a recording needs a window, or `--screenshot OUT.png --at SECONDS`, which needs \
             an adapter only",
            lack.message
        ))),
        Err(lack) => {
            let command = flags.terminal_command();
            complain(&format!(
                "{}; until then the same job runs in this terminal, as `{command}` does",
                lack.message
            ));
            in_terminal(flags)
        }
    }
}

fn in_window(flags: &Flags) -> Result<Exit, Failure> {
    if let Some(path) = &flags.replay {
        let replay = Replay::open(path).map_err(Failure::usage)?;
        if let Some(damage) = replay.damage() {
            complain(&damage);
        }
        let mut show = Show::new(Source::Replay(Box::new(replay)), flags.choices());
        if let Some(at) = flags.at {
            show.seek(show.now_us + stills::micros(at))
                .map_err(Failure::internal)?;
        }
        window::open(show, None, flags.quality(), flags.size);
        return Ok(Exit::Done);
    }
    let (job, settings) = flags.job()?;
    let (crawl, ()) = Crawl::begin(job, flags.store.as_deref(), &settings, |_| Ok(()))?;
    let show = Show::new(crawl.source(), flags.choices());
    window::open(show, Some(crawl.present()), flags.quality(), flags.size);
    Ok(crawl.end())
}

/// The same job with the progress view, to its end.
fn in_terminal(flags: &Flags) -> Result<Exit, Failure> {
    let (job, settings) = flags.job()?;
    let scratch = Scratch::new(flags.store.as_deref())?;
    refuse_stopped(&scratch.store, &job)?;
    let (exit, _) = crawl(
        &[job],
        &scratch.store,
        &settings,
        OutputFlags::default(),
        None,
    )?;
    Ok(exit)
}
