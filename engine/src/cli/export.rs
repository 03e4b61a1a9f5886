//! `crawlfield export`: records as JSON Lines or CSV, streamed.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::{Exit, Failure, print_stderr, store_flag::StoreFlag};
use crate::store::export::{ExportError, export_csv, export_jsonl};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crawlfield export books.toml --record product --format csv --out books.csv
  crawlfield export --store books.db --record product --format jsonl | head")]
pub(super) struct ExportArgs {
    /// Site file whose store is meant, instead of --store
    #[arg(value_name = "SITE.toml", conflicts_with = "store")]
    site_file: Option<PathBuf>,
    #[command(flatten)]
    place: StoreFlag,
    /// Record kind
    #[arg(long, value_name = "KIND")]
    record: String,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Only this site's records
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Where to; stdout if not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Format {
    /// One JSON object a line
    Jsonl,
    /// RFC 4180, with a header
    Csv,
}

pub(super) fn run(args: &ExportArgs) -> Result<Exit, Failure> {
    let store = args.place.find(args.site_file.as_deref())?;
    match written(args, &store) {
        Ok(count) => print_stderr(&format!("{count} records of kind {}", args.record)),
        // Whoever reads a pipe may stop when it has enough.
        Err(ExportError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => return Err(failure(error)),
    }
    Ok(Exit::Done)
}

/// Writes the records; how many.
fn written(args: &ExportArgs, store: &Path) -> Result<u64, ExportError> {
    let export = |out: &mut dyn Write| {
        let site = args.site.as_deref();
        match args.format {
            Format::Jsonl => export_jsonl(store, &args.record, site, out),
            Format::Csv => export_csv(store, &args.record, site, out),
        }
    };
    let mut out: Box<dyn Write> = match &args.out {
        None => Box::new(BufWriter::new(io::stdout().lock())),
        Some(path) => Box::new(BufWriter::new(File::create(path).map_err(|error| {
            let what = format!("{}: {error}", path.display());
            ExportError::Output(io::Error::new(error.kind(), what))
        })?)),
    };
    let count = export(&mut *out)?;
    out.flush().map_err(ExportError::Output)?;
    Ok(count)
}

fn failure(error: ExportError) -> Failure {
    match error {
        ExportError::Store(error) => error.into(),
        ExportError::Output(error) => {
            let message = format!("the output cannot be written: {error}");
            match error.kind() {
                io::ErrorKind::NotFound
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::IsADirectory => Failure::usage(message),
                _ => Failure::internal(message),
            }
        }
    }
}
