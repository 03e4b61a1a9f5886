//! What `run` and `resume` share: an engine around a store, its progress, Ctrl-C, its results.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use clap::Args;
use serde_json::Value as Json;

use super::{
    Exit, Failure, counted,
    events::{EventLog, is_stdout},
    print_stderr, print_stdout,
};
use crate::{
    feed::recording::Recorder,
    message::commands::{Command, Envelope},
    model::{phase::SessionPhase, remark::Remarks},
    progress::{self, View, safe},
    run::{self, RunOutcome, Running, Until, job::Job},
    settings::Settings,
    site::compiled::Site,
    store::export::empty_fields,
};

/// Fewer records than this say nothing about a field.
const FEW: u64 = 5;

/// Items that may wait for what reads the feed; beyond them the hub holds changes for it.
const INBOX: usize = 1_024;

/// What a crawl says, and where.
#[derive(Args, Debug, Clone, Default)]
#[group(skip)]
pub struct OutputFlags {
    /// Result documents on stdout, one line a session
    #[arg(long)]
    pub json: bool,
    /// No progress on stderr
    #[arg(long)]
    pub quiet: bool,
    /// Write every move to this file, for replay
    #[arg(long, value_name = "FILE")]
    pub recording: Option<PathBuf>,
    /// Write every move and each second's state as JSON Lines to this file, or to stdout (-)
    #[arg(long, value_name = "FILE|-")]
    pub events: Option<PathBuf>,
}

impl OutputFlags {
    fn has_events_on_stdout(&self) -> bool {
        self.events.as_deref().is_some_and(is_stdout)
    }

    /// Refuses what would mix two things on stdout.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.json && self.has_events_on_stdout() {
            return Err(Failure::usage(
                "--events - and --json would both write to stdout: give the events a file",
            ));
        }
        Ok(())
    }
}

/// Runs jobs to their end in one engine.
///
/// # Errors
/// The store, the engine or a job cannot begin; the recording cannot be written.
pub fn crawl(
    jobs: &[Job],
    store: &Path,
    settings: &Settings,
    output: &OutputFlags,
) -> Result<(Exit, RunOutcome), Failure> {
    let opened = run::open_store(store).map_err(Failure::store)?;
    let running = run::start(settings.clone(), opened, Until::Shutdown)
        .map_err(|error| Failure::internal(format!("the engine cannot start: {error}")))?;
    let view = (!output.quiet).then(|| {
        let subscription = running.hub.subscribe(INBOX);
        let view = View::for_stderr();
        thread::spawn(move || progress::run(&subscription, view))
    });
    let recorder = (output.recording.as_deref())
        .map(|path| run::record(&running, path))
        .transpose()
        .map_err(|error| Failure::usage(format!("the recording cannot be written: {error}")))?;
    let events = (output.events.as_deref())
        .map(|target| EventLog::start(target, running.hub.subscribe(INBOX)))
        .transpose()?;
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
        print_stderr(&format!("the recording ended early: {error}"));
    }
    if let Some(events) = events {
        events.join();
    }
    let exit = report(&ended, output);
    if ended.mistake.is_some() {
        return Ok((exit, ended));
    }
    for (_, _, result) in &ended.sessions {
        let result = result.clone().unwrap_or(Json::Null);
        let job = jobs.iter().find(|job| result["site"] == *job.site.name);
        for sentence in job.map_or_else(Vec::new, |job| advice(&job.site, store, &result)) {
            print_stderr(&sentence);
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
        print_stderr(if pressed == 0 {
            "draining: what is in flight ends; Ctrl-C again stops at once"
        } else {
            "stopping at once; `crawlfield resume` goes on later"
        });
        let command = Command::Cancel {
            session: None,
            now: pressed > 0,
        };
        let reply = None;
        commands.try_send(Envelope { command, reply }).ok();
    };
    if let Err(error) = ctrlc::set_handler(stop) {
        print_stderr(&format!("Ctrl-C will not drain: {error}"));
    }
}

/// Says how each session ended; the worst one decides the exit code.
#[must_use]
pub fn report(ended: &RunOutcome, output: &OutputFlags) -> Exit {
    if let Some(mistake) = &ended.mistake {
        print_stderr(mistake);
        return Exit::Internal;
    }
    let mut exit = Exit::Done;
    for (id, phase, result) in &ended.sessions {
        let result = result.clone().unwrap_or(Json::Null);
        if output.json {
            print_stdout(&format!("{result}\n"));
        } else if output.has_events_on_stdout() {
            print_stderr(&summary(&result));
        } else {
            print_stdout(&summary(&result));
        }
        let own = match phase {
            SessionPhase::Stopped => Exit::Stopped,
            SessionPhase::Completed | SessionPhase::Failed if result["complete"] == false => {
                Exit::DeadLetters
            }
            SessionPhase::Completed => Exit::Done,
            SessionPhase::Failed => Exit::DeadLetters,
            _ => {
                print_stderr(&format!("session {} did not end", id.0));
                Exit::Internal
            }
        };
        exit = exit.max(own);
    }
    if let Some(lost) = &ended.store_lost {
        print_stderr(&format!("the store failed: {lost}"));
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
    if let Some(reasons) = in_words(&result["skippedByReason"]) {
        let _ = writeln!(text, "skipped: {reasons}");
    }
    if let Some(classes) = in_words(&result["deadByClass"]) {
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

/// Counts by name in words; none where there are none.
fn in_words(counts: &Json) -> Option<String> {
    let counts = counts.as_object().filter(|counts| !counts.is_empty())?;
    let counts = counts.iter();
    Some(counted(counts.map(|(name, n)| {
        (name.as_str(), n.as_u64().unwrap_or_default())
    })))
}

/// What a person should look at after a session that ended without an error and yet found less
/// than its site file asks for: one sentence each.
fn advice(site: &Site, store: &Path, result: &Json) -> Vec<String> {
    if result["outcome"] != "completed" {
        return Vec::new();
    }
    let mut found: Vec<String> = unread(result).into_iter().collect();
    if found.is_empty() {
        found.extend(unlinked(site, result));
    }
    found.extend(empty(site, store, result));
    found
}

/// All pages were refused: a start URL that redirects out of scope is the usual cause.
fn unread(result: &Json) -> Option<String> {
    let n = |name: &str| result[name].as_u64().unwrap_or(0);
    let reasons = result["skippedByReason"].as_object()?;
    let refused = ["out_of_scope", "robots"];
    let (reason, _) = reasons
        .iter()
        .find(|(reason, _)| refused.contains(&reason.as_str()))?;
    (n("done") == 0 && n("dead") == 0 && reasons.len() == 1).then(|| {
        format!(
            "nothing was read: all {} pages were skipped ({reason}); does a start URL redirect to \
             a host that `hosts` does not name, or does robots.txt forbid it? `crawlfield try` \
             shows where it leads",
            n("skipped")
        )
    })
}

/// Stages that nothing led to, though pages were read whose links lead there.
fn unlinked(site: &Site, result: &Json) -> Vec<String> {
    let stage = |name: &str| {
        let stages = result["stages"].as_array()?;
        stages.iter().find(|stage| stage["name"] == name)
    };
    let count = |name: &str| stage(name).and_then(|stage| stage["discovered"].as_u64());
    let read = |name: &str| stage(name).and_then(|stage| stage["byState"]["done"].as_u64());
    let mut found = Vec::new();
    for from in &site.stages {
        let pages = read(&from.name).unwrap_or(0);
        for rule in &from.links {
            let to = &site.stage(rule.to).name;
            if pages == 0 || count(to) != Some(0) {
                continue;
            }
            let text = format!(
                "stage {}: {pages} pages were read and no link to stage {to} was found on them; \
                 `crawlfield try` shows what each selector matches",
                from.name
            );
            if !found.contains(&text) {
                found.push(text);
            }
        }
    }
    found
}

/// Fields that none of a kind's records has.
fn empty(site: &Site, store: &Path, result: &Json) -> Vec<String> {
    if result["records"]["saved"].as_u64().unwrap_or(0) == 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for stage in &site.stages {
        for rule in &stage.records {
            // Advice is no reason to fail: a store that cannot be read says so elsewhere.
            let Ok((records, fields)) = empty_fields(store, &rule.kind, &site.name) else {
                continue;
            };
            if records >= FEW && !fields.is_empty() {
                found.push(format!(
                    "record {}: nothing was found for {} in the last {records} records; \
                     `crawlfield try --stage {}` shows what each selector matches",
                    rule.kind,
                    fields.join(", "),
                    stage.name
                ));
            }
        }
    }
    found
}
