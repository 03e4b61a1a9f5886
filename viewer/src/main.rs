//! The `crawlfield-viewer` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    crawlfield_viewer::cli::main()
}
