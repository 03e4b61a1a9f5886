//! `crawlfield run`: a site, or the embedded demo.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use tempfile::TempDir;
use url::Host;

use super::{
    Exit, Failure,
    crawl::{OutputFlags, crawl},
    print_stderr, read_file, store_flag,
};
use crate::{
    demo,
    message::store_verbs::Mode,
    run::job::{DemoFlags, Job},
    site::compiled::Site,
    store::{export::export_jsonl, sessions::stopped_sessions},
};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crawlfield run books.toml
  crawlfield run books.toml --store books.db
  crawlfield run books.toml quotes.toml --store both.db
  crawlfield run --demo --products 300 --error-rate 0.1 --verify
  crawlfield run books.toml --quiet --events - | grep TaskDead
  crawlfield run shop.toml --store shop.db --json --connect-to shop.example=127.0.0.1:8080")]
pub(super) struct RunArgs {
    /// Site files: a session each, side by side in one engine
    #[arg(
        value_name = "SITE.toml",
        required_unless_present = "demo",
        conflicts_with = "demo"
    )]
    sites: Vec<PathBuf>,
    /// Crawl the embedded demo catalogue, served on loopback
    #[arg(long)]
    demo: bool,
    /// The SQLite file, made if it is not there [default: NAME.db in this folder]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    #[command(flatten)]
    output: OutputFlags,
    /// What is fetched
    #[arg(long, value_enum, default_value_t = ModeFlag::New)]
    mode: ModeFlag,
    /// Map a host to an address, and allow just that address
    #[arg(long, value_name = "HOST=ADDR:PORT", value_parser = connect_to)]
    connect_to: Vec<(String, SocketAddr)>,
    /// Demo: check every record against the truth
    #[arg(long, requires = "demo")]
    verify: bool,
    #[command(flatten)]
    demo_flags: DemoFlags,
    #[command(flatten)]
    settings: super::settings_flags::SettingsFlags,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum ModeFlag {
    /// All list pages; details only where new or incomplete
    New,
    /// Everything
    Full,
}

/// Reads `HOST=ADDR:PORT`.
///
/// # Errors
/// It has another form; the text shows the right one.
pub fn connect_to(text: &str) -> Result<(String, SocketAddr), String> {
    let (host, address) = text
        .split_once('=')
        .ok_or("expected HOST=ADDR:PORT, e.g. shop.example=127.0.0.1:8080")?;
    let address = address
        .parse()
        .map_err(|error| format!("{address:?} is no ADDR:PORT: {error}"))?;
    if host.is_empty() {
        return Err("the host before = is missing".to_owned());
    }
    Ok((written_as_in_urls(host), address))
}

/// A host, perhaps with a port, in the form that URLs have: lower case, `xn--` where it is not ASCII.
fn written_as_in_urls(host: &str) -> String {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => (name, Some(port)),
        _ => (host, None),
    };
    let name =
        Host::parse(name).map_or_else(|_| name.to_ascii_lowercase(), |name| name.to_string());
    port.map_or_else(|| name.clone(), |port| format!("{name}:{port}"))
}

pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    args.output.check()?;
    let mut jobs = jobs(args)?;
    for job in &mut jobs {
        job.mode = match args.mode {
            ModeFlag::New => Mode::New,
            ModeFlag::Full => Mode::Full,
        };
        if let Some(seed) = args.demo_flags.seed {
            job.seed = seed;
        }
        job.apply_settings(&args.settings.layered(Some(&job.site))?);
    }
    let settings = args.settings.layered(None)?.settings;
    let scratch = Scratch::new(store(args, &jobs)?.as_deref())?;
    for job in &jobs {
        refuse_stopped(&scratch.store, job)?;
    }
    let (exit, _) = crawl(&jobs, &scratch.store, &settings, &args.output)?;
    if args.verify && matches!(exit, Exit::Done | Exit::DeadLetters) {
        return verify(&jobs[0], &scratch.store, exit);
    }
    Ok(exit)
}

/// The store of a site's crawl where none is named, which is said.
#[must_use]
pub fn store_of(site: &Site) -> PathBuf {
    let store = store_flag::beside(site);
    print_stderr(&format!(
        "the store is {} in this folder; --store FILE names another",
        store.display()
    ));
    store
}

/// The store named, or the site's own; none for the demo, which has one for this run only.
fn store(args: &RunArgs, jobs: &[Job]) -> Result<Option<PathBuf>, Failure> {
    if args.store.is_some() || args.demo {
        return Ok(args.store.clone());
    }
    let [job] = jobs else {
        return Err(Failure::usage(
            "several site files share one store: name it with --store FILE",
        ));
    };
    let store = store_of(&job.site);
    Ok(Some(store))
}

fn jobs(args: &RunArgs) -> Result<Vec<Job>, Failure> {
    if args.demo {
        let config = args.demo_flags.config().map_err(Failure::usage)?;
        return Ok(vec![Job::demo(config).map_err(Failure::internal)?]);
    }
    refuse_demo_flags(args)?;
    let connect_to: BTreeMap<_, _> = args.connect_to.iter().cloned().collect();
    let mut jobs: Vec<Job> = Vec::new();
    for path in &args.sites {
        let text = read_file(path)?;
        let file = path.display().to_string();
        let job = Job::site(&text, &file, connect_to.clone()).map_err(Failure::usage)?;
        if jobs.iter().any(|other| other.site.name == job.site.name) {
            return Err(Failure::usage(format!(
                "{file}: another site file of this run is named {:?} too; a site has one live \
                 session, so give each its own `name` under [site]",
                job.site.name
            )));
        }
        jobs.push(job);
    }
    Ok(jobs)
}

/// Flags of the demo would do nothing for a site, which nobody would notice.
fn refuse_demo_flags(args: &RunArgs) -> Result<(), Failure> {
    let seed_only = DemoFlags {
        seed: args.demo_flags.seed,
        ..DemoFlags::default()
    };
    if args.verify || args.demo_flags != seed_only {
        return Err(Failure::usage(
            "--verify and the demo's flags (--products, --latency-ms, …) go with --demo, not with \
             a site file",
        ));
    }
    Ok(())
}

/// A stopped session of the same site would be left behind unseen.
///
/// # Errors
/// One is there: the text says how to go on; or the store cannot be read.
pub fn refuse_stopped(store: &Path, job: &Job) -> Result<(), Failure> {
    if !store.exists() {
        return Ok(());
    }
    let stopped = stopped_sessions(store).map_err(Failure::store)?;
    let Some(row) = stopped.iter().find(|row| row.site == job.site.name) else {
        return Ok(());
    };
    let (file, id) = (store.display(), row.id.0);
    Err(Failure::usage(format!(
        "{file} holds a stopped session of site {:?}: go on with `crawlfield resume --store {file} \
         --session {id}`, or give it up with `crawlfield sessions --store {file} --discard {id}`",
        row.site
    )))
}

/// Where records go: the given file, or one whose folder goes with this.
#[derive(Debug)]
pub struct Scratch {
    /// The SQLite file, made when it is opened.
    pub store: PathBuf,
    _folder: Option<TempDir>,
}

impl Scratch {
    /// The file given, or one in a folder of its own.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(store: Option<&Path>) -> Result<Self, Failure> {
        if let Some(store) = store {
            return Ok(Self {
                store: store.to_owned(),
                _folder: None,
            });
        }
        let folder = TempDir::with_prefix("crawlfield-demo-")
            .map_err(|error| Failure::internal(format!("cannot make a folder: {error}")))?;
        Ok(Self {
            store: folder.path().join("demo.db"),
            _folder: Some(folder),
        })
    }
}

/// Holds every record against the demo's truth.
fn verify(job: &Job, store: &Path, exit: Exit) -> Result<Exit, Failure> {
    let Some(server) = &job.demo else {
        return Ok(exit);
    };
    let mut lines = Vec::new();
    export_jsonl(store, "product", Some(&job.site.name), &mut lines)
        .map_err(|error| Failure::internal(format!("the records cannot be read back: {error}")))?;
    let rows = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .filter_map(|line| serde_json::from_slice(line).ok());
    let verdict = demo::verify(server.catalogue(), rows);
    print_stderr(&verdict.to_string());
    for detail in verdict.details() {
        print_stderr(&detail);
    }
    if verdict.is_right() {
        Ok(exit)
    } else {
        Err(Failure::internal(
            "the records differ from the demo's truth",
        ))
    }
}
