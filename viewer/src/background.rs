//! Work beside the picture: a frame never waits for a file.

use std::thread;

use crossbeam_channel::{Receiver, bounded};

/// Does this in a thread of its own; its result comes once. `None` where the system has no thread to
/// spare.
pub(crate) fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<Receiver<T>> {
    let (sender, receiver) = bounded(1);
    // Nobody waits any more where another thing was chosen meanwhile.
    let run = move || drop(sender.send(work()));
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(run).ok().map(|_| receiver)
}
