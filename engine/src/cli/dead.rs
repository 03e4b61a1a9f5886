//! `crawlfield dead`: dead letters, listed, shown, requeued, dropped.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Exit, Failure, counted, print_stderr, print_stdout, store_flag::StoreFlag};
use crate::{
    live::store::wall_ms,
    message::store_verbs::DeadSelector,
    model::{
        class::ErrorClass,
        ids::{PageKey, SessionId},
    },
    progress::safe,
    store::dead::{DeadLetter, DeadRow, drop_pages, list, requeue, show},
};

#[derive(Args, Debug)]
pub(super) struct DeadArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// One line a letter, and counts by class
    List(DeadFilter),
    /// One letter with its attempts and last answer
    Show {
        #[command(flatten)]
        place: StoreFlag,
        /// Page id, as in the list; before it perhaps the site file whose store is meant
        #[arg(value_name = "SITE.toml|PAGE", required = true, num_args = 1..=2)]
        page: Vec<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Back to the frontier; `resume` fetches them
    Requeue(DeadFilter),
    /// Dropped for good
    Drop(DeadFilter),
}

#[derive(Args, Debug)]
struct DeadFilter {
    #[command(flatten)]
    place: StoreFlag,
    /// Of this session only
    #[arg(long, value_name = "ID")]
    session: Option<u32>,
    /// Of this error class only, e.g. `not_found`
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Of this host only
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Page ids; all letters (of the class, of the host) if none is given. Before them perhaps the
    /// site file whose store is meant
    #[arg(value_name = "SITE.toml|PAGE")]
    pages: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl DeadFilter {
    /// The store, and what is meant of it.
    fn store_and_selector(&self) -> Result<(PathBuf, DeadSelector), Failure> {
        let (site, pages) = split(&self.pages);
        let selector = self.selector(pages)?;
        Ok((self.place.find(site)?, selector))
    }

    fn selector(&self, pages: &[String]) -> Result<DeadSelector, Failure> {
        let class = self
            .class
            .as_deref()
            .map(|name| {
                ErrorClass::from_name(name).ok_or_else(|| {
                    let names: Vec<&str> =
                        ErrorClass::ALL.iter().map(|class| class.name()).collect();
                    Failure::usage(format!(
                        "there is no error class {name:?}; there are {}",
                        names.join(", ")
                    ))
                })
            })
            .transpose()?;
        Ok(DeadSelector {
            keys: pages
                .iter()
                .map(|page| key(page))
                .collect::<Result<_, _>>()?,
            class,
            host: self.host.clone(),
            stage: None,
        })
    }

    fn session(&self) -> Option<SessionId> {
        self.session.map(SessionId)
    }
}

/// A site file that stands before page ids.
fn split(words: &[String]) -> (Option<&Path>, &[String]) {
    match words {
        [first, rest @ ..] if Uuid::parse_str(first).is_err() && is_file_name(first) => {
            (Some(Path::new(first)), rest)
        }
        pages => (None, pages),
    }
}

fn is_file_name(word: &str) -> bool {
    let path = Path::new(word);
    path.extension().is_some() || path.exists()
}

fn key(page: &str) -> Result<PageKey, Failure> {
    Uuid::parse_str(page).map(PageKey).map_err(|_| {
        Failure::usage(format!(
            "{page:?} is no page id; `crawlfield dead list` shows them"
        ))
    })
}

const NONE_FITS: &str = "no dead letter fits; `crawlfield dead list` shows all";

pub(super) fn run(args: DeadArgs) -> Result<Exit, Failure> {
    match args.verb {
        Verb::List(filter) => list_dead(&filter),
        Verb::Show { place, page, json } => {
            let (site, pages) = split(&page);
            let [page] = pages else {
                return Err(Failure::usage(
                    "one page id is wanted; `crawlfield dead list` shows them",
                ));
            };
            let page = key(page)?;
            show_dead(&place.find(site)?, page, json)
        }
        Verb::Requeue(filter) => {
            let (store, selector) = filter.store_and_selector()?;
            let count = requeue(&store, filter.session(), &selector, Box::new(wall_ms))?;
            print_stderr(&match count {
                0 => NONE_FITS.to_owned(),
                _ => format!(
                    "{count} pages are queued again; `crawlfield resume --store {}` fetches them",
                    store.display()
                ),
            });
            Ok(Exit::Done)
        }
        Verb::Drop(filter) => {
            let (store, selector) = filter.store_and_selector()?;
            let count = drop_pages(&store, filter.session(), &selector, Box::new(wall_ms))?;
            print_stderr(&match count {
                0 => NONE_FITS.to_owned(),
                _ => format!("{count} pages are dropped"),
            });
            Ok(Exit::Done)
        }
    }
}

fn list_dead(filter: &DeadFilter) -> Result<Exit, Failure> {
    let (store, selector) = filter.store_and_selector()?;
    let rows = list(&store, filter.session(), &selector)?;
    let mut classes = std::collections::BTreeMap::<&str, u64>::new();
    for row in &rows {
        *classes.entry(row.class.name()).or_default() += 1;
        if filter.json {
            print_stdout(&format!("{}\n", document(row)));
        } else {
            print_stdout(&format!(
                "{}  {:<18} {:<12} {}\n    {}\n",
                row.key.0,
                row.class.name(),
                row.stage_name,
                safe(&row.url),
                safe(&row.message)
            ));
        }
    }
    print_stderr(&if rows.is_empty() {
        "no dead letters".to_owned()
    } else {
        format!("{} dead letters: {}", rows.len(), counted(classes))
    });
    Ok(Exit::Done)
}

fn document(row: &DeadRow) -> Json {
    json!({
        "page": row.key.0,
        "session": row.session.0,
        "site": row.site,
        "url": row.url,
        "stage": row.stage_name,
        "host": row.host,
        "class": row.class.name(),
        "attempts": row.failed,
        "message": row.message,
        "at": row.at,
    })
}

fn show_dead(store: &Path, page: PageKey, as_json: bool) -> Result<Exit, Failure> {
    for letter in show(store, page)? {
        let DeadLetter {
            row,
            attempts,
            head,
            body,
        } = letter;
        let mut whole = document(&row);
        whole["history"] = json!(attempts);
        whole["head"] = json!(head);
        whole["body"] = json!(body.map(|body| String::from_utf8_lossy(&body).into_owned()));
        if as_json {
            print_stdout(&format!("{whole}\n"));
        } else {
            let text = serde_json::to_string_pretty(&whole).unwrap_or_default();
            // JSON escapes control characters; only line breaks of the layout stay.
            print_stdout(&format!("{text}\n"));
        }
    }
    Ok(Exit::Done)
}
