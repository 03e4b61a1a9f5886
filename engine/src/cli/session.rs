//! What `run` and `resume` share: an engine around a store, its progress, Ctrl-C, its results.

use std::{
    fmt::Write as _,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use serde_json::Value as Json;

use super::{Exit, Failure, advice::advice, complain, say};
use crate::{
    feed::recording::Recorder,
    message::commands::Command,
    model::{phase::SessionPhase, remark::Remarks},
    progress::{self, View, safe},
    run::{self, Ended, Running, Until, job::Job},
    settings::Settings,
};

/// How results and progress are shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Result documents on stdout.
    pub json: bool,
    /// No progress on stderr.
    pub quiet: bool,
}

/// Runs jobs to their end in one engine.
///
/// # Errors
/// The store, the engine or a job cannot begin; the recording cannot be written.
pub fn crawl(
    jobs: &[Job],
    store: &Path,
    settings: &Settings,
    manner: Manner,
    recording: Option<&Path>,
) -> Result<(Exit, Ended), Failure> {
    let opened = run::open_store(store).map_err(|error| Failure::store(&error))?;
    let running = run::start(settings.clone(), opened, Until::Shutdown)
        .map_err(|error| Failure::internal(format!("the engine cannot start: {error}")))?;
    let view = (!manner.quiet).then(|| {
        let subscription = running.hub.subscribe(1_024);
        let view = View::for_stderr();
        thread::spawn(move || progress::run(&subscription, view))
    });
    let recorder = recording
        .map(|path| run::record(&running, path))
        .transpose()
        .map_err(|error| Failure::usage(format!("the recording cannot be written: {error}")))?;
    for job in jobs {
        if let Err(message) = job.begin(&running, settings) {
            running.ask(Command::Shutdown).ok();
            let _ = running.join();
            return Err(Failure::store(message));
        }
    }
    stop_on_interrupt(&running);
    let ended = running.finish();
    if let Some(view) = view {
        view.join().ok();
    }
    if let Some(Err(error)) = recorder.map(Recorder::join) {
        complain(&format!("the recording ended early: {error}"));
    }
    let exit = report(&ended, manner);
    for (_, _, result) in &ended.sessions {
        let result = result.clone().unwrap_or(Json::Null);
        let job = jobs.iter().find(|job| result["site"] == *job.site.name);
        for sentence in job.map_or_else(Vec::new, |job| advice(&job.site, store, &result)) {
            complain(&sentence);
        }
    }
    Ok((exit, ended))
}

/// The first Ctrl-C drains, the second stops at once; both are resumable.
fn stop_on_interrupt(running: &Running) {
    static PRESSED: AtomicU32 = AtomicU32::new(0);
    let commands = running.commands.clone();
    let stop = move || {
        let pressed = PRESSED.fetch_add(1, Ordering::Relaxed);
        complain(if pressed == 0 {
            "draining: what is in flight ends; Ctrl-C again stops at once"
        } else {
            "stopping at once; `crawlfield resume` goes on later"
        });
        let command = Command::Cancel {
            session: None,
            now: pressed > 0,
        };
        let envelope = crate::message::commands::Envelope {
            command,
            reply: None,
        };
        commands.try_send(envelope).ok();
    };
    if let Err(error) = ctrlc::set_handler(stop) {
        complain(&format!("Ctrl-C will not drain: {error}"));
    }
}

/// Says how each session ended; the worst one decides the exit code.
#[must_use]
pub fn report(ended: &Ended, manner: Manner) -> Exit {
    let mut exit = Exit::Done;
    for (id, phase, result) in &ended.sessions {
        let result = result.clone().unwrap_or(Json::Null);
        if manner.json {
            say(&format!("{result}\n"));
        } else {
            say(&summary(&result));
        }
        let own = match phase {
            SessionPhase::Stopped => Exit::Stopped,
            SessionPhase::Completed | SessionPhase::Failed if result["complete"] == false => {
                Exit::DeadLetters
            }
            SessionPhase::Completed => Exit::Done,
            SessionPhase::Failed => Exit::DeadLetters,
            _ => {
                complain(&format!("session {} did not end", id.0));
                Exit::Internal
            }
        };
        exit = exit.max(own);
    }
    if let Some(lost) = &ended.store_lost {
        complain(&format!("the store failed: {lost}"));
        exit = Exit::Store;
    }
    exit
}

/// One result for a person.
fn summary(result: &Json) -> String {
    let n = |name: &str| result[name].as_u64().unwrap_or(0);
    let source = result["source"]
        .as_str()
        .map_or_else(String::new, |source| format!(" [{source}]"));
    let outcome = match result["outcome"].as_str() {
        Some("completed") if result["complete"] == false => "finished, but not complete",
        outcome => outcome.unwrap_or("?"),
    };
    let mut text = format!(
        "{}{source}: {outcome} in {:.1} s: {} pages done, {} skipped, {} dead; {} records saved ({} new, {} changed), {:.1} MB\n",
        result["site"].as_str().unwrap_or("?"),
        result["durationSeconds"].as_f64().unwrap_or(0.0),
        n("done"),
        n("skipped"),
        n("dead"),
        result["records"]["saved"].as_u64().unwrap_or(0),
        result["records"]["new"].as_u64().unwrap_or(0),
        result["records"]["changed"].as_u64().unwrap_or(0),
        result["bytes"].as_f64().unwrap_or(0.0) / 1e6,
    );
    // Writing into a String cannot fail.
    if let Some(reasons) = counted(&result["skippedByReason"]) {
        let _ = writeln!(text, "skipped: {reasons}");
    }
    if let Some(classes) = counted(&result["deadByClass"]) {
        let _ = writeln!(
            text,
            "dead letters: {classes}; `crawlfield dead list` shows them"
        );
    }
    if let Some(budget) = result["budget"].as_str() {
        let waits = ["queued", "backoff", "failed"].map(|state| &result["byState"][state]);
        let waits: u64 = waits.into_iter().filter_map(Json::as_u64).sum();
        let _ = writeln!(
            text,
            "{budget} is used up, {waits} known pages wait; `crawlfield resume` goes on with as much again, \
             `resume --set {budget}=none` to the end"
        );
    }
    for line in Remarks::lines(&result["remarks"], safe) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// `2 not_found, 1 robots`, from counts by name; none where there are none.
fn counted(counts: &Json) -> Option<String> {
    let counts = counts.as_object().filter(|counts| !counts.is_empty())?;
    let each: Vec<String> = counts
        .iter()
        .map(|(name, n)| format!("{n} {name}"))
        .collect();
    Some(each.join(", "))
}
