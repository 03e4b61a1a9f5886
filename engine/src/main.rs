//! The `crawlfield` command.

fn main() -> std::process::ExitCode {
    crawlfield_engine::cli::main()
}
