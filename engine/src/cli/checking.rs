//! `crawlfield check`: a site file's problems, or what it will do and with which settings.

use std::path::PathBuf;

use clap::Args;

use super::{
    Exit, Failure,
    check::{check, read_file},
    complain,
    layers::SettingsFlags,
    say,
};

#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Site file
    #[arg(value_name = "SITE.toml")]
    site: PathBuf,
    #[command(flatten)]
    settings: SettingsFlags,
}

pub(super) fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let text = read_file(&args.site).map_err(Failure::usage)?;
    let file = args.site.display().to_string();
    args.settings.with_inputs(None, |inputs| {
        let checked = check(&text, &file, inputs).map_err(Failure::usage)?;
        for warning in &checked.warnings {
            complain(&format!("warning: {warning}"));
        }
        say(&checked.text);
        Ok(Exit::Done)
    })
}
