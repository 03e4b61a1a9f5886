//! The demo over HTTP on loopback: its own thread, its own small runtime, stopped on drop.

mod answer;
mod limit;
mod reply;
mod routes;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    task::JoinSet,
};

use self::answer::DemoSite;
use super::{catalogue::Catalogue, config::DemoConfig};

/// Connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1_024;
/// A client that sends no whole request head in this time is dropped.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A running demo; dropping it stops it.
#[derive(Debug)]
pub struct DemoServer {
    addr: SocketAddr,
    site: Arc<DemoSite>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the demo on a free port of 127.0.0.1.
///
/// # Errors
/// When the port cannot be opened or the thread cannot be started, and `InvalidInput` when the
/// configuration is out of its ranges.
pub fn start(config: DemoConfig) -> Result<DemoServer, io::Error> {
    config
        .check()
        .map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))?;
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let site = Arc::new(DemoSite::new(Catalogue::new(config)));
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("demo".to_owned()).spawn({
        let site = Arc::clone(&site);
        move || runtime.block_on(serve(listener, site, stopped))
    })?;
    Ok(DemoServer {
        addr,
        site,
        stop: Some(stop),
        thread: Some(thread),
    })
}

impl DemoServer {
    /// The loopback address and port that it listens at.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// All products that it serves: the truth that a crawl is held against.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        self.site.catalogue()
    }

    /// Every virtual host with the address behind it, for `connect_to`.
    pub fn connect_to(&self) -> impl Iterator<Item = (String, SocketAddr)> + '_ {
        let hosts = self.catalogue().hosts().iter();
        hosts.map(|host| (host.clone(), self.addr))
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread has been printed; a drop adds nothing to it.
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: std::net::TcpListener,
    site: Arc<DemoSite>,
    mut stopped: oneshot::Receiver<()>,
) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, permit)) = accepted else {
            // Out of file descriptors or the like: give the clients time to close some.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let site = Arc::clone(&site);
        connections.spawn(async move {
            talk(stream, site).await;
            drop(permit);
        });
    }
    connections.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    let (stream, _) = listener.accept().await.ok()?;
    Some((stream, permit))
}

/// One connection until it is closed; where the site asks for it, with a reset.
async fn talk(stream: TcpStream, site: Arc<DemoSite>) {
    // Small answers should not wait for the next one; without it the demo is only slower.
    let _ = stream.set_nodelay(true);
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(|request| {
                let site = Arc::clone(&site);
                Box::pin(async move { site.answer(request).await })
            }),
        );
    if Pin::new(&mut connection)
        .await
        .is_err_and(|error| answer::is_reset(&error))
    {
        let stream = connection.into_parts().io.into_inner();
        // Dropped with this option, the socket sends RST instead of FIN.
        let _ = stream.set_zero_linger();
    }
}
