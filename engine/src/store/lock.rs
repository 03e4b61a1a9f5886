//! One engine per store file: a lock that the system gives back when the process ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::message::receipts::StoreError;

/// The lock file beside the store, held open.
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock of the store at `store`, or says who has it.
    pub(crate) fn take(store: &Path) -> Result<Self, StoreError> {
        check_place(store)?;
        let path = lock_path(store);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| {
                StoreError::Fatal(format!(
                    "cannot write beside the store ({error}): {}; a store needs a folder that \
                     you may write in",
                    path.display()
                ))
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(store, &mut file)),
            Err(TryLockError::Error(error)) => {
                return Err(StoreError::Fatal(format!(
                    "cannot lock the store ({error}); network file systems often cannot: {}",
                    path.display()
                )));
            }
        }
        // The number is for people only; the lock holds without it, on a full disk too.
        let _ = file
            .set_len(0)
            .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
        Ok(Self { _file: file })
    }
}

fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn check_place(store: &Path) -> Result<(), StoreError> {
    if store.is_dir() {
        return Err(StoreError::Fatal(format!(
            "a store is a file, but this is a folder; name a file in it: {}",
            store.display()
        )));
    }
    let folder = match store.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => return Ok(()),
    };
    if folder.is_dir() {
        Ok(())
    } else {
        Err(StoreError::Fatal(format!(
            "the folder of the store is not there; make it or choose another --store: {}",
            folder.display()
        )))
    }
}

fn in_use(store: &Path, file: &mut File) -> StoreError {
    let mut holder = String::new();
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.take(32).read_to_string(&mut holder));
    let who = match (read, holder.trim().parse::<u32>()) {
        (Ok(_), Ok(process)) => format!("process {process}"),
        _ => "another process".to_owned(),
    };
    StoreError::Busy(format!(
        "the store is in use by {who}; stop that engine, or choose another --store: {}",
        store.display()
    ))
}
