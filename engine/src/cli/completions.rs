//! `crawlfield completions SHELL`: from the same definitions as the flags.

use clap::{Args, Command};
use clap_complete::Shell;

use super::Exit;

#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// bash, elvish, fish, powershell or zsh
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, command: &mut Command) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, command, "crawlfield", &mut text);
    super::print_stdout(&String::from_utf8_lossy(&text));
    Exit::Done
}
