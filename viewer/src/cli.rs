//! The viewer's command line: a window, pictures, or the terminal where neither is asked for and no
//! window can open.

mod flags;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use crawlfield_engine::{
    cli::{
        Exit, Failure, hear_threads,
        run::{Scratch, refuse_stopped},
        session::{Manner, crawl},
    },
    start::job::Job,
};
pub use flags::{Flags, Quality};

use crate::{
    crawl::{Crawl, internal},
    probe::Need,
    replay::Replay,
    show::Show,
    source::Source,
    stills, window,
};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    hear_threads();
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) => {
            // Help and version go to stdout with code 0, mistakes to stderr with code 2.
            error.print().ok();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    if let Some(need) = flags.probe {
        return need.answer_here();
    }
    match run(&flags) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            complain(&failure.message);
            failure.exit.into()
        }
    }
}

/// One message for a person, on stderr.
pub(crate) fn complain(message: &str) {
    writeln!(io::stderr(), "{}", message.trim_end()).ok();
}

fn run(flags: &Flags) -> Result<Exit, Failure> {
    flags.check()?;
    if flags.wants_pictures() {
        Need::Adapter
            .check()
            .map_err(|lack| internal(lack.message))?;
        stills::take(flags)?;
        return Ok(Exit::Done);
    }
    match Need::Display.check().and_then(|()| Need::Adapter.check()) {
        Ok(()) => in_window(flags),
        Err(lack) if flags.window => Err(internal(lack.message)),
        Err(lack) if flags.replay.is_some() => Err(internal(format!(
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
        let replay = Replay::open(path).map_err(usage)?;
        if let Some(damage) = replay.damage() {
            complain(&damage);
        }
        let mut show = Show::new(Source::Replay(Box::new(replay)), flags.choices());
        if let Some(at) = flags.at {
            show.seek(show.now_us + stills::micros(at))
                .map_err(internal)?;
        }
        window::open(show, None, flags.quality(), flags.size);
        return Ok(Exit::Done);
    }
    let (job, settings) = job(flags)?;
    let (crawl, ()) = Crawl::begin(job, flags.store.as_deref(), &settings, |_| Ok(()))?;
    let show = Show::new(crawl.source(), flags.choices());
    window::open(show, Some(crawl.present()), flags.quality(), flags.size);
    Ok(crawl.end())
}

/// The same job with the progress view, to its end.
fn in_terminal(flags: &Flags) -> Result<Exit, Failure> {
    let (job, settings) = job(flags)?;
    let scratch = Scratch::new(flags.store.as_deref())?;
    refuse_stopped(&scratch.store, &job)?;
    let (exit, _) = crawl(&[job], &scratch.store, &settings, Manner::default(), None)?;
    Ok(exit)
}

/// The job that the flags describe, and the settings of its engine.
fn job(flags: &Flags) -> Result<(Job, crawlfield_engine::settings::Settings), Failure> {
    let mut job = match &flags.site {
        Some(path) => {
            let text = crawlfield_engine::cli::check::read_file(path).map_err(usage)?;
            let connect_to = flags.connect_to.iter().cloned().collect();
            Job::site(&text, &path.display().to_string(), connect_to).map_err(usage)?
        }
        None => Job::demo(flags.demo_flags.config().map_err(usage)?).map_err(internal)?,
    };
    job.take_up(&flags.settings.layered(Some(&job.site))?);
    let settings = flags.settings.layered(None)?.settings;
    Ok((job, settings))
}

fn usage(message: String) -> Failure {
    Failure {
        exit: Exit::Usage,
        message,
    }
}

/// For the pictures: a demo is recorded first.
pub(crate) fn begin_demo(
    flags: &Flags,
    recording: &std::path::Path,
) -> Result<(Crawl, crawlfield_engine::feed::recording::Recorder), Failure> {
    let (job, settings) = job(flags)?;
    Crawl::begin(job, flags.store.as_deref(), &settings, |running| {
        crawlfield_engine::start::record(running, recording)
            .map_err(|error| internal(format!("the run cannot be recorded: {error}")))
    })
}
