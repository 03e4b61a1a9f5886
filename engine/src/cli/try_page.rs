//! `crawlfield try`: one page, fetched or opened, and what each selector makes of it (SPEC A6).

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use crossbeam_channel::bounded;
use serde_json::{Map, Value as Json, json};
use url::Url;

use super::{
    Exit, Failure, load_site, print_stdout, run::connect_to, settings_flags::SettingsFlags,
};
use crate::{
    extract::{
        bounds::Bounds,
        carried::Carried,
        convert::into_json,
        output::{Extracted, Link, PageInput, Record},
        refresh,
        trace::{FieldTrace, Match, RuleTrace, Trace, trace},
    },
    live::fetch::{self, IoOrder},
    message::{
        orders::{FetchOrder, Purpose, RequestProfile},
        reports::{Answer, Outcome},
    },
    model::{
        class::ErrorClass,
        head::Head,
        ids::{OrderId, StageId},
        remark::Remarks,
    },
    progress::safe,
    settings::Settings,
    site::compiled::Site,
};

/// Redirects that are followed.
const HOPS: usize = 10;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crawlfield try books.toml http://books.toscrape.com/catalogue/page-1.html
  crawlfield try books.toml saved-page.html --stage detail")]
pub(super) struct TryArgs {
    /// Site file
    #[arg(value_name = "SITE.toml")]
    site: PathBuf,
    /// A URL to fetch, or a file to open
    #[arg(value_name = "URL-or-FILE")]
    page: String,
    /// Stage that reads the page; the entry stage if not given
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// URL that a file stands for; the first start URL if not given
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// One JSON document on stdout
    #[arg(long)]
    json: bool,
    /// Map a host to an address, and allow just that address
    #[arg(long, value_name = "HOST=ADDR:PORT", value_parser = connect_to)]
    connect_to: Vec<(String, SocketAddr)>,
    #[command(flatten)]
    settings: SettingsFlags,
}

pub(super) fn run(args: &TryArgs) -> Result<Exit, Failure> {
    let mut site = load_site(&args.site)?;
    let layered = args.settings.layered(Some(&site))?;
    layered.apply_to(&mut site.politeness);
    let stage = stage(&site, args.stage.as_deref())?;
    let mut page = page(args, &site, &layered.settings)?;
    let mut carried = Carried::default();
    carried.insert("page", json!(1));
    carried.insert("position", json!(1));
    let bounds = Bounds::from(&layered.settings.bounds);
    let mut traced = trace(&site, stage, &page.input(&carried), &bounds);
    for _ in 0..HOPS {
        let leads_on = traced.outcome.as_ref().ok();
        let to = leads_on.and_then(|extracted| Url::parse(extracted.refresh.as_ref()?).ok());
        let Some(to) = to.filter(|_| page.is_fetched) else {
            break;
        };
        let (end, answer) = fetch_page(args, &site, &layered.settings, to)?;
        (page.final_url, page.answer) = (end.into(), answer);
        traced = trace(&site, stage, &page.input(&carried), &bounds);
    }
    let (input, status) = (page.input(&carried), page.answer.head.status);
    let document = document(&site, stage, &input, status, &traced);
    if args.json {
        print_stdout(&format!("{document}\n"));
    } else {
        print_stdout(&report(&site, stage, &input, status, &traced));
    }
    let is_valid = matches!(&traced.outcome, Ok(extracted) if extracted.invalid.is_none());
    Ok(if is_valid {
        Exit::Done
    } else {
        Exit::DeadLetters
    })
}

fn stage(site: &Site, name: Option<&str>) -> Result<StageId, Failure> {
    let Some(name) = name else {
        return Ok(site.enter);
    };
    site.stage_named(name).ok_or_else(|| {
        let names: Vec<&str> = site
            .stages
            .iter()
            .map(|stage| stage.name.as_str())
            .collect();
        Failure::usage(format!(
            "{} has no stage {name:?}; it has {}",
            site.name,
            names.join(", ")
        ))
    })
}

/// A page at hand.
struct Loaded {
    url: String,
    /// Where it came from in the end.
    final_url: String,
    answer: Answer,
    /// Where it leads on to can be fetched too.
    is_fetched: bool,
}

impl Loaded {
    fn input<'l>(&'l self, carried: &'l Carried) -> PageInput<'l> {
        PageInput {
            url: &self.url,
            final_url: &self.final_url,
            content_type: self.answer.content_type.as_deref(),
            body: &self.answer.body,
            carried,
            depth: 0,
        }
    }
}

fn page(args: &TryArgs, site: &Site, settings: &Settings) -> Result<Loaded, Failure> {
    let path = Path::new(&args.page);
    let url = Url::parse(&args.page).ok().filter(Url::has_host);
    if let (false, Some(url)) = (path.exists(), url) {
        let canonical = site.scope.canonical(&url);
        let (end, answer) = fetch_page(args, site, settings, url)?;
        return Ok(Loaded {
            url: canonical,
            final_url: end.into(),
            answer,
            is_fetched: true,
        });
    }
    let most = settings.fetch.max_body;
    let mut body = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut body));
    let read = read.map_err(|error| {
        Failure::usage(format!(
            "\"{}\" is neither an absolute URL nor a file that can be read: {error}",
            safe(&args.page)
        ))
    })?;
    if read as u64 > most {
        return Err(Failure::usage(format!(
            "{} has more than {most} bytes (`fetch.max_body`)",
            safe(&args.page)
        )));
    }
    let url = args.url.as_ref().unwrap_or(&site.start[0]).to_string();
    let answer = Answer {
        head: Head {
            status: 200,
            ..Head::default()
        },
        body: Arc::new(body),
        ..Answer::default()
    };
    Ok(Loaded {
        url: url.clone(),
        final_url: url,
        answer,
        is_fetched: false,
    })
}

fn fetch_page(
    args: &TryArgs,
    site: &Site,
    settings: &Settings,
    mut url: Url,
) -> Result<(Url, Answer), Failure> {
    let (to_fetcher, orders) = bounded(4);
    let (reports, reported) = bounded(4);
    let connect_to: BTreeMap<_, _> = args.connect_to.iter().cloned().collect();
    let profile = Arc::new(RequestProfile::of(site, settings, connect_to));
    let fetcher = fetch::spawn(orders, reports, 1)
        .map_err(|error| Failure::internal(format!("no threads to fetch with: {error}")))?;
    for hop in 0..=HOPS {
        let id = OrderId {
            boot: 0,
            slot: 0,
            generation: u32::try_from(hop).unwrap_or(0),
        };
        let order = FetchOrder {
            id,
            purpose: Purpose::Page,
            url: url.as_str().into(),
            profile: Arc::clone(&profile),
            first_byte: profile.first_byte_timeout,
            validators: None,
        };
        to_fetcher.send(vec![IoOrder::Fetch(order)]).ok();
        let wait = profile.timeout + Duration::from_secs(5);
        let outcome = reported.recv_timeout(wait).map(|report| report.outcome);
        match outcome {
            Ok(Outcome::Answered(answer)) => {
                let Some(location) = leads_to(&url, &answer.head) else {
                    drop(fetcher);
                    return Ok((url, *answer));
                };
                url = url.join(&location).map_err(|error| {
                    Failure::usage(format!("{url} redirects to {location:?}: {error}"))
                })?;
            }
            Ok(Outcome::FetchFailed(failure)) => {
                let class = failure.class.name();
                return Err(Failure::usage(format!(
                    "{class}: {}",
                    safe(&failure.message)
                )));
            }
            other => {
                return Err(Failure::internal(format!(
                    "{url} gave no answer: {other:?}"
                )));
            }
        }
    }
    Err(Failure::usage(format!(
        "more than {HOPS} redirects, the last to {url}"
    )))
}

/// Where a head leads: a redirect's, or that of a page which another one follows at once.
fn leads_to(url: &Url, head: &Head) -> Option<String> {
    if (300..400).contains(&head.status) {
        return head.header("location").map(str::to_owned);
    }
    let location = refresh::target(head.header("refresh")?)?;
    let to = url.join(location).ok()?;
    let is_page = matches!(to.scheme(), "http" | "https") && !refresh::is_same_page(url, &to);
    is_page.then(|| to.into())
}

/// Whether a crawl would follow a redirect to this URL.
fn in_scope(site: &Site, url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| site.scope.contains(&url))
}

fn document(
    site: &Site,
    stage: StageId,
    page: &PageInput<'_>,
    status: u16,
    traced: &Trace,
) -> Json {
    let outcome = match &traced.outcome {
        Ok(extracted) => extracted_json(site, stage, extracted),
        Err(error) => json!({
            "valid": false,
            "errorClass": error.class.name(),
            "errorMessage": error.message,
        }),
    };
    json!({
        "type": "try",
        "site": site.name,
        "stage": site.stage(stage).name,
        "url": page.url,
        "finalUrl": page.final_url,
        "inScope": in_scope(site, page.final_url),
        "status": status,
        "opened": traced.opened,
        "rules": traced.rules,
        "outcome": outcome,
    })
}

fn extracted_json(site: &Site, stage: StageId, extracted: &Extracted) -> Json {
    let records = extracted.records.iter();
    let records: Vec<Json> = records
        .map(|record| record_json(site, stage, record))
        .collect();
    let links = extracted.links.iter();
    let links: Vec<Json> = links.map(|link| link_json(site, link)).collect();
    json!({
        "valid": extracted.invalid.is_none(),
        "errorClass": extracted.invalid.as_ref().map(|_| ErrorClass::InvalidRecord.name()),
        "errorMessage": extracted.invalid,
        "records": records,
        "links": links,
        "items": extracted.distinct_items,
        "pageCount": extracted.page_count,
        "hasNext": extracted.has_next,
        "remarks": extracted.remarks.document(),
        "refresh": extracted.refresh,
        "warnings": extracted.warnings,
    })
}

fn link_json(site: &Site, link: &Link) -> Json {
    let carried = link.carried.fields();
    // What begins with `_` is our own, not the site file's.
    let carried = carried.filter(|(name, _)| !name.starts_with('_'));
    let carried: Map<_, _> = carried
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    json!({
        "stage": site.stage(link.stage).name,
        "url": link.url,
        "carried": carried,
    })
}

fn record_json(site: &Site, stage: StageId, record: &Record) -> Json {
    let rule = &site.stage(stage).records[usize::from(record.rule)];
    let fields = rule.fields.iter().zip(&record.values);
    let fields: Map<String, Json> = fields
        .map(|(field, value)| (field.name.clone(), into_json(value.clone())))
        .collect();
    json!({ "kind": rule.kind, "identity": record.identity, "fields": fields })
}

/// The page, its rules and what they gave, for a person.
fn report(
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
        rule_lines(rule, &mut lines);
    }
    match &traced.outcome {
        Ok(extracted) => extracted_lines(site, stage, extracted, &mut lines),
        Err(error) => lines.push(format!(
            "NOT valid: {}: {}",
            error.class.name(),
            safe(&error.message)
        )),
    }
    lines.push(String::new());
    lines.join("\n")
}

fn extracted_lines(site: &Site, stage: StageId, extracted: &Extracted, lines: &mut Vec<String>) {
    if let Some(to) = &extracted.refresh {
        lines.push(format!(
            "  it leads on to {} by itself (a refresh): a crawl reads that page instead",
            safe(to)
        ));
    }
    for link in &extracted.links {
        let to = &site.stage(link.stage).name;
        lines.push(format!("  → {to}  {}", safe(&link.url)));
    }
    for record in &extracted.records {
        let record = record_json(site, stage, record).to_string();
        lines.push(format!("  record {}", safe(&record)));
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
    let count = extracted.page_count;
    let count = count.map_or_else(String::new, |count| format!(", page count {count}"));
    lines.push(format!(
        "{verdict}: {} records, {} links, {} items{count}",
        extracted.records.len(),
        extracted.links.len(),
        extracted.distinct_items,
    ));
}

fn rule_lines(rule: &RuleTrace, lines: &mut Vec<String>) {
    lines.push(format!("  {}", rule.rule));
    if let Some(each) = &rule.each {
        lines.push(format!("    each {}", match_line(each)));
    }
    for selector in &rule.selectors {
        lines.push(format!("    {}", match_line(selector)));
    }
    for field in &rule.fields {
        field_lines(field, lines);
    }
}

fn match_line(found: &Match) -> String {
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

fn field_lines(field: &FieldTrace, lines: &mut Vec<String>) {
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
        lines.push(format!("      {}", match_line(selector)));
    }
}
