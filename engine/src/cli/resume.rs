//! `crawlfield resume`: stopped sessions go on.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::{
    Exit, Failure,
    crawl::{OutputFlags, crawl},
    print_stderr,
    run::connect_to,
    settings_flags::SettingsFlags,
    store_flag::StoreFlag,
};
use crate::{run::job::Job, store::sessions::stopped_sessions};

#[derive(Args, Debug)]
pub(super) struct ResumeArgs {
    /// Site file whose store is meant, instead of --store
    #[arg(value_name = "SITE.toml", conflicts_with = "store")]
    site: Option<PathBuf>,
    #[command(flatten)]
    place: StoreFlag,
    /// This session only
    #[arg(long, value_name = "ID")]
    session: Option<u32>,
    #[command(flatten)]
    output: OutputFlags,
    /// Map a host to an address from now on, and allow just that address
    #[arg(long, value_name = "HOST=ADDR:PORT", value_parser = connect_to)]
    connect_to: Vec<(String, SocketAddr)>,
    #[command(flatten)]
    settings: SettingsFlags,
}

pub(super) fn run(args: &ResumeArgs) -> Result<Exit, Failure> {
    args.output.check()?;
    let store = args.place.find(args.site.as_deref())?;
    let mut rows = stopped_sessions(&store).map_err(Failure::store)?;
    if let Some(id) = args.session {
        rows.retain(|row| row.id.0 == id);
    }
    if rows.is_empty() {
        let which = args
            .session
            .map_or_else(String::new, |id| format!(" as session {id}"));
        print_stderr(&format!("nothing to resume{which} in {}", store.display()));
        return Ok(Exit::Done);
    }
    let mut jobs: Vec<Job> = rows
        .iter()
        .map(Job::resumed)
        .collect::<Result<_, _>>()
        .map_err(Failure::usage)?;
    let mut over_all = args.settings.clone();
    for job in &mut jobs {
        let over = args.settings.over(&job.origin);
        job.apply_settings(&over.layered(Some(&job.site))?);
        // The demo's hosts are where its own server is.
        if job.demo.is_none() {
            job.connect_to.extend(args.connect_to.iter().cloned());
            job.origin["connectTo"] = json!(job.connect_to);
        }
        over_all = over_all.over(&job.origin);
    }
    let settings = over_all.layered(None)?.settings;
    let (exit, _) = crawl(&jobs, &store, &settings, &args.output)?;
    Ok(exit)
}
