//! A tried page in words.

use url::Url;

use super::record_json;
use crate::{
    extract::{
        output::PageInput,
        trace::{FieldTrace, Match, RuleTrace, Trace},
    },
    model::{class::ErrorClass, ids::StageId, remark::Remarks},
    progress::safe,
    site::compiled::Site,
};

/// Whether a crawl would follow a redirect to this URL.
pub(super) fn in_scope(site: &Site, url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| site.scope.contains(&url))
}

pub(super) fn words(
    site: &Site,
    stage: StageId,
    page: &PageInput<'_>,
    status: u16,
    traced: &Trace,
) -> String {
    let mut lines = vec![format!(
        "{} read as stage {} (status {status})",
        safe(page.url),
        site.stage(stage).name
    )];
    if !in_scope(site, page.final_url) {
        lines.push(format!(
            "  it leads to {}, whose host is not in scope: a crawl skips it; name it in `hosts`",
            safe(page.final_url)
        ));
    } else if page.url != page.final_url {
        lines.push(format!("  it leads to {}", safe(page.final_url)));
    }
    if let Some(opened) = &traced.opened {
        let json = if opened.elements == 0 {
            ": it is JSON, in which no selector matches; fields read it by `json = \"/pointer\"`"
        } else {
            ""
        };
        lines.push(format!(
            "  character set {}, {} elements{json}",
            opened.charset, opened.elements
        ));
    }
    for rule in &traced.rules {
        rule_words(rule, &mut lines);
    }
    match &traced.outcome {
        Ok(extracted) => {
            if let Some(to) = &extracted.refresh {
                lines.push(format!(
                    "  it leads on to {} by itself (a refresh): a crawl reads that page instead",
                    safe(to)
                ));
            }
            for link in &extracted.links {
                lines.push(format!(
                    "  → {}  {}",
                    site.stage(link.stage).name,
                    safe(&link.url)
                ));
            }
            for record in &extracted.records {
                lines.push(format!(
                    "  record {}",
                    safe(&record_json(site, stage, record).to_string())
                ));
            }
            for warning in &extracted.warnings {
                lines.push(format!("  warning: {}", safe(warning)));
            }
            for line in Remarks::lines(&extracted.remarks.document(), safe) {
                lines.push(format!("  {line}"));
            }
            let verdict = match &extracted.invalid {
                Some(message) => format!(
                    "NOT valid: {}: {}; what it has",
                    ErrorClass::InvalidRecord.name(),
                    safe(message)
                ),
                None => "valid".to_owned(),
            };
            lines.push(format!(
                "{verdict}: {} records, {} links, {} items{}",
                extracted.records.len(),
                extracted.links.len(),
                extracted.distinct_items,
                extracted
                    .page_count
                    .map_or_else(String::new, |count| format!(", page count {count}"))
            ));
        }
        Err(error) => lines.push(format!(
            "NOT valid: {}: {}",
            error.class.name(),
            safe(&error.message)
        )),
    }
    lines.push(String::new());
    lines.join("\n")
}

fn rule_words(rule: &RuleTrace, lines: &mut Vec<String>) {
    lines.push(format!("  {}", rule.rule));
    if let Some(each) = &rule.each {
        lines.push(format!("    each {}", match_words(each)));
    }
    for selector in &rule.selectors {
        lines.push(format!("    {}", match_words(selector)));
    }
    for field in &rule.fields {
        field_words(field, lines);
    }
}

fn match_words(found: &Match) -> String {
    let first: Vec<String> = found
        .first
        .iter()
        .map(|value| format!("{:?}", safe(value)))
        .collect();
    let outside = found.outside.map_or_else(String::new, |outside| {
        format!("(but {outside} outside of it, on the page)")
    });
    format!(
        "{}  {} matches  {}{outside}",
        safe(&found.selector),
        found.matches,
        first.join(" ")
    )
}

fn field_words(field: &FieldTrace, lines: &mut Vec<String>) {
    let problem = field
        .problem
        .as_ref()
        .map_or_else(String::new, |problem| format!("  ! {}", safe(problem)));
    lines.push(format!(
        "    {:<16} {}{problem}",
        field.name,
        safe(&field.value.to_string())
    ));
    for selector in &field.selectors {
        lines.push(format!("      {}", match_words(selector)));
    }
}
