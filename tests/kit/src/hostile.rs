//! A loopback server that speaks raw TCP by a script for each connection, so that it can
//! misbehave in any way. It knows nothing of the engine, and stops by itself.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// No step and no wait takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One step of a connection's script.
#[derive(Debug, Clone)]
pub enum Step {
    /// Read one request head and log it.
    Request,
    /// Read this many bytes and log them as lossy text.
    Take(usize),
    /// Send these bytes.
    Send(Vec<u8>),
    /// Send these bytes again and again, after each such a pause, until the peer closes.
    Repeat(Vec<u8>, Duration),
    /// Say and read nothing until the peer closes.
    Hang,
    /// Close with unread input, which makes the system send a reset.
    Reset,
    /// Copy bytes to and from this address until either side closes.
    Tunnel(SocketAddr),
}

impl Step {
    /// Sends this text.
    #[must_use]
    pub fn say(text: &str) -> Self {
        Self::Send(text.as_bytes().to_vec())
    }

    /// Sends a whole answer with status 200, these header lines and this body.
    #[must_use]
    pub fn answer(headers: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        Self::Send([head.as_bytes(), body].concat())
    }
}

/// What a server saw.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Connections accepted.
    pub accepted: usize,
    /// Request heads and taken bytes, in order of arrival.
    pub requests: Vec<String>,
    /// Connections that the peer closed while we still sent or hung.
    pub closed_by_peer: usize,
}

#[derive(Debug, Default)]
struct Shared {
    log: Mutex<Log>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// A server; dropping it stops listening.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Arc<Mutex<bool>>,
}

impl Server {
    /// Serves on a free port: the first connection plays the first script, and so on; the last
    /// script is played by all further connections too.
    ///
    /// # Panics
    /// Loopback cannot be listened on.
    #[must_use]
    pub fn start(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has one");
        let shared = Arc::new(Shared::default());
        let stop = Arc::new(Mutex::new(false));
        let scripts: VecDeque<Vec<Step>> = scripts.into_iter().collect();
        let (log, stopped) = (Arc::clone(&shared), Arc::clone(&stop));
        thread::spawn(move || accept(&listener, scripts, &log, &stopped));
        Self {
            address,
            shared,
            stop,
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it saw so far.
    #[must_use]
    pub fn log(&self) -> Log {
        self.shared.lock().clone()
    }

    /// Waits until what it saw meets the condition; false if it never does.
    #[must_use]
    pub fn saw(&self, condition: impl Fn(&Log) -> bool) -> bool {
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), PATIENCE, |log| !condition(log));
        waited.is_ok_and(|(log, _)| condition(&log))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        // The connection only wakes the listener; if it cannot be made, nobody listens any more.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(
    listener: &TcpListener,
    mut scripts: VecDeque<Vec<Step>>,
    shared: &Arc<Shared>,
    stop: &Mutex<bool>,
) {
    for peer in listener.incoming() {
        if *stop.lock().unwrap_or_else(PoisonError::into_inner) {
            return;
        }
        let Ok(peer) = peer else { continue };
        let script = if scripts.len() > 1 {
            scripts.pop_front()
        } else {
            scripts.front().cloned()
        };
        shared.note(|log| log.accepted += 1);
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // A broken connection ends its script: that is what these servers are about.
            let _ = play(peer, script.unwrap_or_default(), &shared);
        });
    }
}

fn play(mut peer: TcpStream, script: Vec<Step>, shared: &Arc<Shared>) -> io::Result<()> {
    peer.set_read_timeout(Some(PATIENCE))?;
    peer.set_write_timeout(Some(PATIENCE))?;
    for step in script {
        match step {
            Step::Request => {
                let head = read_head(&mut peer)?;
                shared.note(|log| log.requests.push(head));
            }
            Step::Take(count) => {
                let mut bytes = vec![0; count];
                peer.read_exact(&mut bytes)?;
                let text = String::from_utf8_lossy(&bytes).into_owned();
                shared.note(|log| log.requests.push(text));
            }
            Step::Send(bytes) => peer.write_all(&bytes)?,
            Step::Repeat(bytes, pause) => {
                let until = Instant::now() + PATIENCE;
                while Instant::now() < until {
                    if peer.write_all(&bytes).is_err() {
                        shared.note(|log| log.closed_by_peer += 1);
                        return Ok(());
                    }
                    thread::sleep(pause);
                }
            }
            Step::Hang => {
                let ended = loop {
                    match peer.read(&mut [0; 1024]) {
                        Ok(1..) => {}
                        ended => break ended,
                    }
                };
                // The read's own time-out is the only end that is not the peer's doing.
                if !ended.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                    shared.note(|log| log.closed_by_peer += 1);
                }
                return Ok(());
            }
            Step::Reset => {
                peer.peek(&mut [0; 1])?;
                return Ok(());
            }
            Step::Tunnel(target) => tunnel(&peer, target)?,
        }
    }
    peer.shutdown(Shutdown::Write)?;
    // Unread input would turn the close into a reset.
    while peer.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
    Ok(())
}

/// Reads byte by byte, so that nothing behind the head is swallowed.
fn read_head(peer: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        peer.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn tunnel(peer: &TcpStream, target: SocketAddr) -> io::Result<()> {
    let far = TcpStream::connect(target)?;
    let (mut near_in, mut far_out) = (peer.try_clone()?, far.try_clone()?);
    let up = thread::spawn(move || {
        let _ = io::copy(&mut near_in, &mut far_out);
        let _ = far_out.shutdown(Shutdown::Both);
    });
    let (mut far_in, mut near_out) = (far, peer.try_clone()?);
    let _ = io::copy(&mut far_in, &mut near_out);
    let _ = near_out.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}
