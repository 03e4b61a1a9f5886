//! `crawlfield check`: a site file's problems, or what it will do and with which settings.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;

use super::{Exit, Failure, print_stderr, print_stdout, read_file, settings_flags::SettingsFlags};
use crate::{
    politeness::robots::{agent_token, is_browser},
    settings::layers::{Inputs, layer},
    site::{
        compiled::{Pages, Site, Stage},
        problems::SiteError,
    },
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
    let text = read_file(&args.site)?;
    let file = args.site.display().to_string();
    args.settings.with_inputs(None, |inputs| {
        let checked = check(&text, &file, inputs).map_err(Failure::usage)?;
        for warning in &checked.warnings {
            print_stderr(&format!("warning: {warning}"));
        }
        print_stdout(&checked.text);
        Ok(Exit::Done)
    })
}

/// A site file's check, to be printed.
#[derive(Debug)]
struct Checked {
    /// The site in words and its effective settings.
    text: String,
    /// Odd, but no error.
    warnings: Vec<String>,
}

/// Checks a site file's text under these settings; `inputs.site` is not looked at.
///
/// # Errors
/// All problems, as they are printed; the exit code is 2.
fn check(text: &str, file: &str, inputs: &Inputs<'_>) -> Result<Checked, String> {
    let (site, odd) = Site::load_with_warnings(text, file).map_err(|errors| errors.to_string())?;
    let layered = layer(&Inputs {
        site: Some(&site),
        ..*inputs
    })
    .map_err(|error| error.to_string())?;
    let mut warnings: Vec<String> = odd.iter().map(SiteError::to_string).collect();
    warnings.extend(layered.warnings.iter().cloned());
    let mut politeness = site.politeness.clone();
    layered.apply_to(&mut politeness);
    let user_agent = politeness
        .user_agent
        .as_deref()
        .unwrap_or(&layered.settings.fetch.user_agent);
    let name = agent_token(user_agent);
    if name.is_empty() || is_browser(name) {
        warnings.push(format!(
            "user_agent {user_agent:?} has no crawler's name, so that of robots.txt only the \
             groups for all count; begin it with a name of your own, as in MyBot/1.0 \
             (+https://example.org)"
        ));
    }
    let text = format!(
        "{}\nSettings:\n{}",
        describe(&site, name),
        layered.explain()
    );
    Ok(Checked { text, warnings })
}

/// The site in words; robots.txt knows us by this name.
fn describe(site: &Site, name: &str) -> String {
    let mut text = format!("Site {}: {} stages\n", site.name, site.stages.len());
    // Writing into a String cannot fail.
    for url in &site.start {
        let _ = writeln!(
            text,
            "  start {} (stage {})",
            url,
            site.stage(site.enter).name
        );
    }
    let _ = writeln!(text, "  hosts {}", site.scope.hosts.join(", "));
    let robots = match site.politeness.robots {
        None => "obeyed (default)",
        Some(true) => "obeyed (site file)",
        Some(false) => "ignored (site file)",
    };
    let _ = match site.politeness.robots {
        Some(false) => writeln!(text, "  robots.txt {robots}"),
        _ => writeln!(text, "  robots.txt {robots}, known to it as {name:?}"),
    };
    for range in &site.politeness.allow_addresses {
        let _ = writeln!(text, "  address range {range} allowed (site file)");
    }
    for stage in &site.stages {
        let _ = writeln!(text, "  stage {}{}", stage.name, paging(stage));
        for link in &stage.links {
            let carried: Vec<&str> = link.carry.iter().map(|field| field.name.as_str()).collect();
            let with = if carried.is_empty() {
                String::new()
            } else {
                format!(", carries {}", carried.join(", "))
            };
            let _ = writeln!(text, "    links to {}{with}", site.stage(link.to).name);
        }
        for record in &stage.records {
            let key = match (&record.key[..], &record.each) {
                ([], None) => "its page's URL".to_owned(),
                ([], Some(_)) => "its page's URL and its place there".to_owned(),
                (key, _) => key.join(", "),
            };
            let n = record.fields.len();
            let _ = writeln!(
                text,
                "    record {}: {n} fields, known by {key}",
                record.kind
            );
        }
    }
    text
}

fn paging(stage: &Stage) -> &'static str {
    match stage.pages {
        None => "",
        Some(Pages::Next(_)) => ", pages by a next link",
        Some(Pages::Pattern { .. }) => ", pages by a pattern",
    }
}

#[cfg(test)]
mod tests;
