//! The `crawlfield` command; `cli` holds its subcommands.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    crawlfield_engine::cli::main()
}
