//! What `crawlfield check` says: the site file's problems, or what it will do and with which
//! settings.

use std::{fmt::Write as _, io::Read as _, path::Path};

use crate::{
    politeness::robots::{agent_token, is_browser},
    settings::layers::{Inputs, LayerError, layer},
    site::{
        compiled::{Pages, Site, Stage},
        problems::{SiteError, printable},
    },
};

/// Larger files are not read.
const MAX_FILE: u64 = 4 << 20;

/// Reads a site or settings file as text.
///
/// # Errors
/// What is wrong with the file and what to do, in one line.
pub fn read_file(path: &Path) -> Result<String, String> {
    let name = printable(&path.display().to_string());
    let facts = std::fs::metadata(path)
        .map_err(|error| format!("{name}: cannot be opened ({error}); check the path"))?;
    if facts.is_dir() {
        return Err(format!("{name}: is a folder; name the file in it"));
    }
    if facts.len() > MAX_FILE {
        return Err(format!("{name}: {} bytes are no site file", facts.len()));
    }
    let mut bytes = Vec::new();
    // A pipe or a device tells no length.
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{name}: cannot be read ({error})"))?;
    if read as u64 > MAX_FILE {
        return Err(format!(
            "{name}: more than {MAX_FILE} bytes are no site file"
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..at];
        let line = String::from_utf8_lossy(before).matches('\n').count() + 1;
        format!("{name}:{line}: is not UTF-8 at byte {at}; save it as UTF-8")
    })
}

/// A site file's check, to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The site in words and its effective settings.
    pub text: String,
    /// Odd, but no error.
    pub warnings: Vec<String>,
}

/// Checks a site file's text under these settings; `inputs.site` is not looked at.
///
/// # Errors
/// All problems, as they are printed; the exit code is 2.
pub fn check(text: &str, file: &str, inputs: &Inputs<'_>) -> Result<Checked, String> {
    let (site, odd) = Site::load_with_warnings(text, file).map_err(|errors| errors.to_string())?;
    let layered = layer(&Inputs {
        site: Some(&site),
        ..*inputs
    })
    .map_err(|error: LayerError| error.to_string())?;
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
