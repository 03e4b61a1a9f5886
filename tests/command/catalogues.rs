//! Three sites that nobody here wrote, crawled whole over loopback: every row equals the truth.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crawlfield_kit::{
    binary::Ended,
    sites::{Web, failing, file},
};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::{catalogues_rows as rows, workplace::program};

const BOOKS: &str = include_str!("../../assets/sites/books.toml");
const QUOTES: &str = include_str!("../../assets/sites/quotes.toml");
const PAPERBOXES: &str = include_str!("paperboxes.toml");

/// Raises what the site files allow, which is meant for the live sites.
const FAST: [&str; 4] = [
    "--set",
    "politeness.max_rate=1000/s",
    "--set",
    "politeness.max_in_flight=32",
];

/// A site of the cases, served from a scratch folder.
struct Catalogue {
    cases: PathBuf,
    scratch: TempDir,
    web: Web,
    host: &'static str,
}

impl Catalogue {
    /// None, and a word about it, where there are no cases.
    fn open(name: &str, host: &'static str, failing_percent: u64) -> Option<Self> {
        let Some(cases) = env::var_os("CRAWLFIELD_CASES") else {
            eprintln!("not run: CRAWLFIELD_CASES is not set");
            return None;
        };
        let cases = cases_folder(Path::new(&cases)).join("sites").join(name);
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("site");
        fs::create_dir(&root).unwrap();
        let unpacked = Command::new("tar")
            .arg("-xJf")
            .arg(cases.join("site.tar.xz"))
            .arg("-C")
            .arg(&root)
            .status()
            .unwrap();
        assert!(unpacked.success(), "tar unpacks {}", cases.display());
        let web =
            Web::start(move |request| failing(7, failing_percent, request, file(&root, request)));
        Some(Self {
            cases,
            scratch,
            web,
            host,
        })
    }

    fn store(&self) -> PathBuf {
        self.scratch.path().join("crawl.db")
    }

    fn crawl(&self, site: &str) -> Ended {
        let file = self.scratch.path().join("site.toml");
        fs::write(&file, site).unwrap();
        let (store, connect) = (self.store(), self.web.connect_to(self.host));
        let args = ["run", path(&file), "--store", path(&store), "--json"];
        let connect = ["--connect-to", &connect];
        program().run(args.iter().chain(&FAST).chain(&connect))
    }

    /// The exported records of a kind, as text and as values.
    fn export(&self, kind: &str) -> Vec<(String, Json)> {
        let store = self.store();
        let args = [
            "export",
            "--store",
            path(&store),
            "--record",
            kind,
            "--format",
            "jsonl",
        ];
        let lines = program().run(args).with_code(0).stdout;
        parsed(&lines)
    }

    fn truth(&self, file: &str) -> Vec<Json> {
        let text = fs::read_to_string(self.cases.join(file)).unwrap();
        parsed(&text).into_iter().map(|(_, row)| row).collect()
    }
}

/// Cargo runs tests in the package's folder; a relative path counts from the repository's root.
fn cases_folder(cases: &Path) -> PathBuf {
    if cases.is_absolute() {
        cases.to_owned()
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(cases)
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn parsed(lines: &str) -> Vec<(String, Json)> {
    lines
        .lines()
        .map(|line| (line.to_owned(), serde_json::from_str(line).unwrap()))
        .collect()
}

/// The one result document on standard output.
fn result(ended: Ended) -> Json {
    let ended = ended.with_code(0);
    let mut documents = parsed(&ended.stdout);
    assert_eq!(documents.len(), 1, "{}", ended.stdout);
    let result = documents.remove(0).1;
    assert_eq!(result["dead"], 0, "{result}");
    result
}

fn check_books(failing_percent: u64) {
    let Some(books) = Catalogue::open("books_toscrape", "books.toscrape.com", failing_percent)
    else {
        return;
    };
    let result = result(books.crawl(BOOKS));
    assert_eq!(result["done"], 1_050, "{result}");
    rows::equal_books(
        &books.export("product"),
        &books.truth("expected_products.jsonl"),
    );
}

#[test]
fn every_row_of_books_equals_the_truth() {
    check_books(0);
}

#[test]
fn every_row_of_books_equals_the_truth_with_a_fifth_of_the_answers_failing() {
    check_books(20);
}

fn check_quotes(failing_percent: u64) {
    let Some(quotes) = Catalogue::open("quotes_toscrape", "quotes.toscrape.com", failing_percent)
    else {
        return;
    };
    let result = result(quotes.crawl(QUOTES));
    assert_eq!(result["done"], 60, "{result}");
    rows::equal_quotes(
        &quotes.export("quote"),
        &quotes.truth("expected_quotes.jsonl"),
    );
    rows::equal_authors(
        &quotes.export("author"),
        &quotes.truth("expected_products.jsonl"),
    );
}

#[test]
fn every_quote_and_author_equals_the_truth() {
    check_quotes(0);
}

#[test]
fn every_quote_and_author_equals_the_truth_with_a_fifth_of_the_answers_failing() {
    check_quotes(20);
}

fn check_paperboxes(failing_percent: u64) {
    let Some(boxes) = Catalogue::open("bincai_hugo", "gdbcprint.com", failing_percent) else {
        return;
    };
    let result = result(boxes.crawl(PAPERBOXES));
    assert_eq!(result["done"], 13 + 551, "{result}");
    rows::equal_paperboxes(
        &boxes.export("product"),
        &boxes.truth("expected_products.jsonl"),
    );
}

#[test]
fn every_paper_box_equals_the_truth() {
    check_paperboxes(0);
}

#[test]
fn every_paper_box_equals_the_truth_with_a_fifth_of_the_answers_failing() {
    check_paperboxes(20);
}
