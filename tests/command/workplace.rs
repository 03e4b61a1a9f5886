//! A scratch folder with a site file and a store, and the command run in it.

use std::{fs, path::PathBuf};

use crawlfield_kit::{
    binary::{Ended, Program, Running},
    shop,
    sites::Web,
};
use rusqlite::Connection;
use serde_json::Value as Json;
use tempfile::TempDir;

pub(crate) fn program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_crawlfield"))
}

pub(crate) struct Workplace {
    folder: TempDir,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn store(&self) -> String {
        self.path("crawl.db")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// What an argument stands for: `STORE` and `SITE` are files of this folder.
    fn arguments(&self, args: &[&str]) -> Vec<String> {
        args.iter()
            .map(|arg| match *arg {
                "STORE" => self.store(),
                "SITE" => self.path("site.toml"),
                other => other.to_owned(),
            })
            .collect()
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        program().run(self.arguments(args))
    }

    #[track_caller]
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        program().start(self.arguments(args))
    }

    /// Crawls the shop that this server is, with flags of its own.
    #[track_caller]
    pub(crate) fn crawl(&self, web: &Web, flags: &[&str]) -> Ended {
        self.start_crawl(web, flags).ended()
    }

    #[track_caller]
    pub(crate) fn start_crawl(&self, web: &Web, flags: &[&str]) -> Running {
        if !PathBuf::from(self.path("site.toml")).exists() {
            self.write("site.toml", &shop::site(""));
        }
        let connect = web.connect_to(shop::HOST);
        let args = [
            "run",
            "SITE",
            "--store",
            "STORE",
            "--json",
            "--connect-to",
            &connect,
        ];
        self.start(&[&args, flags].concat())
    }

    /// The exported rows of a kind.
    #[track_caller]
    pub(crate) fn export(&self, kind: &str) -> Vec<Json> {
        let args = [
            "export", "--store", "STORE", "--record", kind, "--format", "jsonl",
        ];
        documents(&self.run(&args).with_code(0).stdout)
    }

    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.store()).unwrap()
    }

    /// How many pages have ended, while an engine is at work too.
    pub(crate) fn attempts(&self) -> u64 {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        Connection::open_with_flags(self.store(), flags)
            .and_then(|db| {
                db.query_row("SELECT count(*) FROM cf_attempt", [], |row| {
                    row.get::<_, i64>(0)
                })
            })
            .map_or(0, i64::unsigned_abs)
    }
}

/// Standard output as JSON documents, one a line, and nothing else.
#[track_caller]
pub(crate) fn documents(stdout: &str) -> Vec<Json> {
    let line = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    };
    stdout.lines().map(line).collect()
}

/// The only result document.
#[track_caller]
pub(crate) fn result(ended: &Ended) -> Json {
    let mut documents = documents(&ended.stdout);
    assert_eq!(documents.len(), 1, "{}\n{}", ended.stdout, ended.stderr);
    documents.remove(0)
}
