//! `crawlfield sessions`: what a store has seen.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value as Json, json};

use super::{Exit, Failure, counted, print_stderr, print_stdout, store_flag::StoreFlag};
use crate::{
    live::store::wall_ms,
    model::ids::SessionId,
    store::sessions::{SessionRow, discard, sessions},
};

#[derive(Args, Debug)]
pub(super) struct SessionsArgs {
    /// Site file whose store is meant, instead of --store
    #[arg(value_name = "SITE.toml", conflicts_with = "store")]
    site: Option<PathBuf>,
    #[command(flatten)]
    place: StoreFlag,
    /// One JSON document a session
    #[arg(long)]
    json: bool,
    /// Give a stopped session up: it cannot be resumed any more; its records stay
    #[arg(long, value_name = "ID")]
    discard: Option<u32>,
}

pub(super) fn run(args: &SessionsArgs) -> Result<Exit, Failure> {
    let store = args.place.find(args.site.as_deref())?;
    if let Some(id) = args.discard {
        discard(&store, SessionId(id), Box::new(wall_ms))?;
        print_stderr(&format!("session {id} is discarded"));
        return Ok(Exit::Done);
    }
    let rows = sessions(&store).map_err(Failure::store)?;
    if args.json {
        for row in &rows {
            print_stdout(&format!("{}\n", document(row)));
        }
    } else if rows.is_empty() {
        print_stdout("no sessions\n");
    } else {
        for row in &rows {
            print_stdout(&line(row));
        }
    }
    Ok(Exit::Done)
}

fn document(row: &SessionRow) -> Json {
    let counts: Map<String, Json> = row
        .counts
        .iter()
        .map(|(phase, count)| (phase.name().to_owned(), json!(count)))
        .collect();
    json!({
        "session": row.id.0,
        "site": row.site,
        "mode": row.mode,
        "state": row.state,
        "source": row.source,
        "began": row.began,
        "ended": row.ended,
        "byState": counts,
        "records": row.records,
        "bytes": row.bytes,
        "resumable": row.is_resumable,
        "result": row.result,
    })
}

fn line(row: &SessionRow) -> String {
    let counts = row.counts.iter();
    let resumable = if row.is_resumable { ", resumable" } else { "" };
    let source = row
        .source
        .as_deref()
        .map_or_else(String::new, |source| format!(" [{source}]"));
    format!(
        "session {}  {}{source}  {}{resumable}  began {}  {} records  {}\n",
        row.id.0,
        row.site,
        row.state,
        row.began,
        row.records,
        counted(counts.map(|(phase, n)| (phase.name(), *n)))
    )
}
