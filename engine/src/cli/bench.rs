//! `crawlfield bench`: what the engine costs on this machine.

use clap::Args;

use super::{Exit, Failure, say};
use crate::bench::{self, Options};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crawlfield bench                   all tables; takes a quarter of an hour
  crawlfield bench --quick           a look, in well under a minute
  crawlfield bench --only crawl      the crawl beside a loop written by hand
  crawlfield bench --only known --known 1000000")]
pub(super) struct BenchArgs {
    /// Fewer rounds and smaller windows
    #[arg(long)]
    quick: bool,
    /// One JSON document a table on stdout
    #[arg(long)]
    json: bool,
    /// Only tables whose name holds this: idle, waiting, lives, pages, crawl,
    /// watched, recording, known
    #[arg(long, value_name = "NAME", value_parser = bench::part_of_a_name)]
    only: Option<String>,
    /// Pages that the store knows beforehand [default: 10000000, with --quick 200000]
    #[arg(long, value_name = "N")]
    known: Option<u64>,
    /// Serve the demo for another bench until stdin closes
    #[arg(long, value_name = "PRODUCTS", hide = true)]
    serve: Option<u32>,
    /// Tell another bench the bytes that one thing takes
    #[arg(long, num_args = 2, value_names = ["WHAT", "OF"], hide = true)]
    weigh: Option<Vec<String>>,
}

pub(super) fn run(args: &BenchArgs) -> Result<Exit, Failure> {
    if let Some(products) = args.serve {
        bench::served::serve(products).map_err(Failure::internal)?;
        return Ok(Exit::Done);
    }
    if let Some(words) = &args.weigh {
        let bytes = bench::weighed::here(words).map_err(Failure::internal)?;
        say(&format!("{bytes}\n"));
        return Ok(Exit::Done);
    }
    let few = if args.quick { 200_000 } else { 10_000_000 };
    let options = Options {
        quick: args.quick,
        known: args.known.unwrap_or(few),
        only: args.only.clone(),
    };
    let show = |table: &bench::Table| {
        if args.json {
            say(&format!("{}\n", table.json()));
        } else {
            say(&format!("{table}\n"));
        }
    };
    bench::run(&options, show).map_err(Failure::internal)?;
    Ok(Exit::Done)
}
