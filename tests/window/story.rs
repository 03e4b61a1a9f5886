//! The story that the viewer shows without a flag: its acts come when they should, and all ends well.

use std::time::Duration;

use clap::Parser;
use crawlfield_engine::{
    cli::Failure,
    feed::{
        frame::Change,
        hub::Item,
        recording::{Recording, RecordingError},
        snapshot::Snapshot,
    },
    model::phase::{BreakerPhase, SessionPhase},
    run::{self, job::story},
};
use crawlfield_viewer::{cli::flags::Flags, crawl::Crawl};

/// Engine time at which something happened, with what.
type Happened<T> = Vec<(Duration, T)>;

/// Moves of breakers and of the session, and the last snapshot.
struct Told {
    breakers: Happened<(String, BreakerPhase)>,
    session: Happened<SessionPhase>,
    last: Snapshot,
}

fn told_why(failure: Failure) -> String {
    failure.message
}

fn shown() -> Result<Told, RecordingError> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("story.cfr");
    let flags = Flags::parse_from(["crawlfield-viewer"]);
    assert!(flags.is_story());
    let (job, settings) = flags.job().map_err(told_why).expect("loopback is free");
    let (crawl, recorder) = Crawl::begin(job, None, &settings, |running| {
        Ok(run::record(running, &path).expect("the folder is there"))
    })
    .map_err(told_why)
    .expect("it begins");
    crawl.watch(Duration::from_mins(4));
    crawl
        .end_recording(recorder)
        .map_err(told_why)
        .expect("it was recorded to its end");
    told(&Recording::open(&path)?)
}

fn told(recording: &Recording) -> Result<Told, RecordingError> {
    let mut told = Told {
        breakers: Vec::new(),
        session: Vec::new(),
        last: Snapshot::default(),
    };
    let mut playhead = recording.seek(Duration::ZERO)?;
    let mut hosts = std::collections::BTreeMap::new();
    let items = playhead.advance(recording.end(), |item, _| {
        let Item::Changes(tick) = item else { return };
        let at = Duration::from_micros(tick.at_us);
        for change in &tick.changes {
            match change {
                Change::HostAdmitted { host, name, .. } => {
                    hosts.insert(*host, name.to_string());
                }
                Change::BreakerMoved { host, to } => {
                    let name = hosts.get(host).cloned().unwrap_or_default();
                    told.breakers.push((at, (name, *to)));
                }
                Change::SessionMoved { to, .. } => told.session.push((at, *to)),
                _ => {}
            }
        }
    });
    for item in items {
        if let Item::Snapshot(snapshot) = item {
            told.last = (*snapshot).clone();
        }
    }
    Ok(told)
}

#[test]
fn the_story_trips_a_breaker_on_time_heals_it_and_leaves_no_dead_letter() {
    let told = shown().expect("it was just recorded");
    let [_, outage, _] = story::acts(1);
    let host = &story::config(1).host_names()[outage.host];
    let seconds = Duration::from_secs;
    let (from, to) = (seconds(outage.from), seconds(outage.to));
    let of_host = |to: BreakerPhase| {
        let moves = told.breakers.iter();
        let mut found =
            moves.filter(|(_, (name, phase))| name.starts_with(host.as_str()) && *phase == to);
        found.next().map(|(at, _)| *at)
    };
    let opened = of_host(BreakerPhase::Open).expect("it trips");
    assert!(
        (from..to + seconds(4)).contains(&opened),
        "{opened:?} of {from:?} to {to:?}"
    );
    let healed = of_host(BreakerPhase::Closed).expect("it heals");
    assert!(healed > to && healed < to + seconds(30), "{healed:?}");
    let others = told
        .breakers
        .iter()
        .filter(|(_, (name, _))| !name.starts_with(host.as_str()));
    assert_eq!(others.count(), 0, "{:?}", told.breakers);
    let (ended, phase) = *told.session.last().expect("it ended");
    assert_eq!(phase, SessionPhase::Completed);
    assert!((seconds(50)..seconds(150)).contains(&ended), "{ended:?}");
    let progress = &told.last.progress;
    assert_eq!((progress.dead, progress.failed), (0, 0));
    assert!(progress.done > 1_600, "{progress:?}");
}
