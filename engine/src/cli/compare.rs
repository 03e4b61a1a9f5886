//! `crawlfield compare`: the first difference between two recordings.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Value as Json, json};

use super::{Exit, Failure, print_stderr, print_stdout};
use crate::{
    feed::recording::{
        Damage, Recording,
        compare::{Comparison, Described, compare},
    },
    progress::safe,
};

#[derive(Args, Debug)]
#[command(after_help = "\
Compares what two recordings tell, change by change: content first, times where nothing else
differs. Snapshots and the file's form do not count.

Exit codes: 0 the same, 3 they differ, 2 a file is no recording, or damaged before any difference.

Examples:
  crawlfield compare monday.crawl tuesday.crawl
  crawlfield compare --json a.crawl b.crawl")]
pub(super) struct CompareArgs {
    /// A recording
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another
    #[arg(value_name = "B")]
    second: PathBuf,
    /// One JSON document on stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CompareArgs) -> Result<Exit, Failure> {
    let open = |path: &Path| {
        Recording::open(path).map_err(|error| Failure::usage(safe(&error.to_string())))
    };
    let (first, second) = (open(&args.first)?, open(&args.second)?);
    let compared =
        compare(&first, &second).map_err(|error| Failure::usage(safe(&error.to_string())))?;
    for (path, damage) in [&args.first, &args.second]
        .into_iter()
        .zip(&compared.damage)
    {
        if let Some(damage) = damage {
            let text = format!("{}: {damage}", path.display());
            print_stderr(&safe(&text));
        }
    }
    if args.json {
        print_stdout(&format!("{}\n", document(args, &compared)));
    } else {
        print_stdout(&report(args, &compared));
    }
    Ok(if compared.divergence.is_some() {
        Exit::DeadLetters
    } else if compared.damage.iter().any(Option::is_some) {
        Exit::Usage
    } else {
        Exit::Done
    })
}

fn report(args: &CompareArgs, compared: &Comparison) -> String {
    let same = compared.same;
    let Some(divergence) = &compared.divergence else {
        return if compared.damage.iter().any(Option::is_some) {
            format!("no difference in the {same} changes before the damage\n")
        } else {
            format!("the same: {same} changes\n")
        };
    };
    let mut text = format!(
        "they differ after {} changes that are the same\n",
        divergence.after
    );
    for (path, change) in [
        (&args.first, &divergence.first),
        (&args.second, &divergence.second),
    ] {
        let path = safe(&path.display().to_string());
        // Writing into a String cannot fail.
        let _ = match change {
            Some(change) => {
                let subject = change.subject.as_deref().map(safe).unwrap_or_default();
                let (at, what) = (change.at.as_secs_f64(), safe(&change.what));
                writeln!(text, "  {path}\n    at {at:.6} s: {what} {subject}")
            }
            None => writeln!(text, "  {path}\n    has ended"),
        };
    }
    text
}

fn document(args: &CompareArgs, compared: &Comparison) -> Json {
    let described = |change: &Option<Described>| {
        change.as_ref().map(|change| {
            json!({
                "at": change.at.as_secs_f64(), "what": change.what, "subject": change.subject,
            })
        })
    };
    let damage = |damage: &Option<Damage>| damage.as_ref().map(ToString::to_string);
    let divergence = compared.divergence.as_ref().map(|divergence| {
        json!({
            "after": divergence.after,
            "first": described(&divergence.first),
            "second": described(&divergence.second),
        })
    });
    json!({
        "first": args.first.display().to_string(),
        "second": args.second.display().to_string(),
        "same": compared.divergence.is_none() && compared.damage.iter().all(Option::is_none),
        "changes": compared.same,
        "divergence": divergence,
        "damage": [damage(&compared.damage[0]), damage(&compared.damage[1])],
    })
}
