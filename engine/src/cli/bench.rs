//! `crawlfield bench`: what the engine costs on this machine.

use clap::Args;

use super::{Exit, Failure, say};
use crate::bench::{self, Options};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crawlfield bench                   all tables; takes some minutes
  crawlfield bench --quick           a look, in well under a minute
  crawlfield bench --only crawl      the crawl beside a loop written by hand
  crawlfield bench --only known --known 10000000")]
pub(super) struct BenchArgs {
    /// Fewer rounds and smaller windows
    #[arg(long)]
    quick: bool,
    /// One JSON document a table on stdout
    #[arg(long)]
    json: bool,
    /// Only tables whose name holds this: idle, waiting, lives, pages, crawl,
    /// watched, recording, known
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Pages that the store knows beforehand
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    known: usize,
    /// Serve the demo for another bench until stdin closes
    #[arg(long, value_name = "PRODUCTS", hide = true)]
    serve: Option<u32>,
}

pub(super) fn run(args: &BenchArgs) -> Result<Exit, Failure> {
    if let Some(products) = args.serve {
        bench::served::serve(products).map_err(Failure::internal)?;
        return Ok(Exit::Done);
    }
    let options = Options {
        quick: args.quick,
        known: args.known,
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
