//! The site that is crawled: the demo's catalogue, which answers at once and never fails, served by
//! another process, so that its CPU is not the crawl's.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
};

use crawlfield_engine::{
    demo::{self, DemoConfig},
    live::parse::Reader,
    message::{
        commands::{Command, StartSession},
        orders::RequestProfile,
        store_verbs::Mode,
    },
    run::{self, Running, Until},
    settings::{Settings, presets},
    site::compiled::{Pages, Site},
};

use crate::{Result, child};

const SEED: u64 = 1;

/// A catalogue that is served elsewhere until this is dropped.
#[derive(Debug)]
pub(crate) struct DemoSite {
    pub(crate) addr: SocketAddr,
    pub(crate) config: DemoConfig,
    server: Child,
}

impl Drop for DemoSite {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        // It ends by itself once its standard input is closed.
        self.server.wait().ok();
    }
}

impl DemoSite {
    /// Starts this program again as a server.
    pub(crate) fn start(products: u32) -> Result<Self> {
        let mut server = child(&["serve", &products.to_string()])?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = server.stdout.take().expect("it was asked for");
        BufReader::new(out).read_line(&mut line)?;
        let addr = line
            .trim()
            .parse()
            .map_err(|_| format!("the demo's process told no address but {line:?}"))?;
        Ok(Self {
            addr,
            config: DemoConfig::well_behaved(products, SEED),
            server,
        })
    }

    /// Its site file, with at most so many requests a second.
    pub(crate) fn site(&self, max_rate: f64) -> Result<Site> {
        let text = demo::site_toml(&self.config);
        let mut site = Site::load(&text, "demo.toml").map_err(|errors| errors.to_string())?;
        site.politeness.max_rate = Some(max_rate);
        Ok(site)
    }

    /// An engine with a session over it. Pages are read by `reader`, or as the site file says.
    pub(crate) fn crawl(
        &self,
        site: Site,
        store: &Path,
        until: Until,
        reader: Option<Reader>,
    ) -> Result<Running> {
        let mut settings = Settings::default();
        presets::apply(&mut settings, run::cores());
        let store = run::open_store(store).map_err(|error| error.to_string())?;
        let running = match reader {
            Some(reader) => run::start_with(settings.clone(), store, until, reader)?,
            None => run::start(settings.clone(), store, until)?,
        };
        let site = Arc::new(site);
        let hosts = self.config.host_names().into_iter();
        let connect_to = hosts.map(|host| (host, self.addr)).collect();
        running.ask(Command::Start(Box::new(StartSession {
            profile: std::sync::Arc::new(RequestProfile::of(&site, &settings, connect_to)),
            site,
            mode: Mode::New,
            origin: serde_json::json!({ "kind": "bench" }),
            source: Some("demo".to_owned()),
            seed: SEED,
            resume: None,
        })))?;
        Ok(running)
    }
}

/// Where the crawl of a demo begins, and where its list page `{page}` is.
pub(crate) fn lists_of(site: &Site) -> Result<(String, String)> {
    let start = site.start.first().ok_or("the demo has no start URL")?;
    match &site.stage(site.enter).pages {
        Some(Pages::Pattern { pattern, .. }) => Ok((start.to_string(), pattern.clone())),
        _ => Err("the demo's list has no pattern".into()),
    }
}

/// The other side: tells the address on standard output, and serves until standard input ends.
pub(crate) fn serve(products: u32) -> Result<()> {
    let server = demo::start(DemoConfig::well_behaved(products, SEED))?;
    println!("{}", server.addr());
    std::io::stdout().flush()?;
    // Whatever ends the input ends the server.
    std::io::stdin().read_to_end(&mut Vec::new()).ok();
    Ok(())
}
