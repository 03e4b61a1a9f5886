//! The `crawlfield-viewer` command; `cli` holds its flags.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    crawlfield_viewer::cli::main()
}
