//! Which store a command works on: the one named, the one of a site file, or the only one here.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Failure, load_site, print_stderr};
use crate::{progress::safe, site::compiled::Site, store::is_store};

/// `--store FILE`, or nothing; a command's own SITE.toml stands beside it.
#[derive(Args, Debug, Clone)]
pub(super) struct StoreFlag {
    /// The store [default: NAME.db for a SITE.toml, else the only store in this folder]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
}

impl StoreFlag {
    /// The store, where a site file may be named instead of it.
    ///
    /// # Errors
    /// The site file is wrong, or has no store here; nothing is named, and there is no store in
    /// this folder, or there are several: the text lists them.
    pub(super) fn find(&self, site: Option<&Path>) -> Result<PathBuf, Failure> {
        match (&self.store, site) {
            (Some(store), _) => Ok(store.clone()),
            (None, Some(site)) => of_site(site),
            (None, None) => only_one(Path::new(".")),
        }
    }
}

/// Where `run SITE.toml` puts its store unless told otherwise.
pub(super) fn beside(site: &Site) -> PathBuf {
    PathBuf::from(format!("{}.db", site.name))
}

fn of_site(path: &Path) -> Result<PathBuf, Failure> {
    let store = beside(&load_site(path)?);
    if store.is_file() {
        return Ok(store);
    }
    let (store, file) = (store.display(), safe(&path.display().to_string()));
    Err(Failure::usage(format!(
        "there is no {store} in this folder, where `crawlfield run {file}` would have made it; name \
         the store with --store FILE"
    )))
}

/// The only store of a folder.
fn only_one(folder: &Path) -> Result<PathBuf, Failure> {
    let stores = stores(folder).map_err(|error| {
        Failure::usage(format!(
            "this folder cannot be read ({error}); name the store with --store FILE"
        ))
    })?;
    match stores.as_slice() {
        [store] => {
            print_stderr(&format!(
                "the store is {}",
                safe(&store.display().to_string())
            ));
            Ok(store.clone())
        }
        [] => Err(Failure::usage(
            "there is no store in this folder; name one with --store FILE, or make one with \
             `crawlfield run SITE.toml`",
        )),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|store| format!("\n  --store {}", safe(&store.display().to_string())))
                .collect();
            Err(Failure::usage(format!(
                "there are several stores in this folder; name one:{}",
                names.concat()
            )))
        }
    }
}

/// The stores of a folder, by name.
fn stores(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_store(path))
        .map(|path| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path))
        .collect();
    found.sort();
    Ok(found)
}
