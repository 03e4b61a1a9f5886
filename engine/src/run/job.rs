//! A job: a site, what it is fetched with, and where it came from. What `run` begins, `resume`
//! takes up again and the viewer shows.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use clap::Args;
use serde_json::{Value as Json, json};

/// The demo as a story, for who shows it.
pub use crate::demo::story;
use crate::{
    demo::{self, DemoConfig, DemoServer},
    message::{
        commands::{Ack, Command, StartSession},
        orders::RequestProfile,
        store_verbs::Mode,
    },
    model::ids::SessionId,
    run::Running,
    settings::{Settings, layers::Layered},
    site::compiled::Site,
    store::sessions::SessionRow,
};

/// Flags of the embedded demo, the same for `crawlfield run --demo` and the viewer.
#[derive(Args, Debug, Clone, Default, PartialEq)]
pub struct DemoFlags {
    /// Products of the demo's catalogue [default: 1200]
    #[arg(long, value_name = "N")]
    pub products: Option<u32>,
    /// Seed of all chance [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Demo: median latency of a page [default: 40]
    #[arg(long, value_name = "N")]
    pub latency_ms: Option<u64>,
    /// Demo: share of answers that fail, 0 to 1 [default: 0.02]
    #[arg(long, value_name = "P")]
    pub error_rate: Option<f64>,
    /// Demo: requests a second that a host bears before it answers 429
    #[arg(long, value_name = "R")]
    pub rate_limit: Option<f64>,
    /// Demo: share of list pages that come short on first reading, 0 to 1
    #[arg(long, value_name = "P")]
    pub short_pages: Option<f64>,
    /// Demo: share of products whose page is gone (404), 0 to 1
    #[arg(long, value_name = "P")]
    pub gone: Option<f64>,
    /// Demo: the page count shrinks for a while
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub shrink: Option<bool>,
    /// Demo: products change places between requests
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub reorder: Option<bool>,
    /// Demo: products that arrive while it is crawled and shift every page
    #[arg(long, value_name = "N")]
    pub new_products: Option<u32>,
    /// Demo: virtual hosts
    #[arg(long, value_name = "N")]
    pub hosts: Option<u32>,
    /// Demo: how many of them are ten times slower
    #[arg(long, value_name = "N")]
    pub slow_hosts: Option<u32>,
}

impl DemoFlags {
    /// The demo that the flags describe.
    ///
    /// # Errors
    /// A flag is out of its range; the text names it.
    pub fn config(&self) -> Result<DemoConfig, String> {
        let mut config = DemoConfig::default();
        let Self {
            products,
            seed,
            latency_ms,
            error_rate,
            rate_limit,
            short_pages,
            gone,
            shrink,
            reorder,
            new_products,
            hosts,
            slow_hosts,
        } = self;
        config.products = products.unwrap_or(config.products);
        config.seed = seed.unwrap_or(config.seed);
        config.latency_ms = latency_ms.unwrap_or(config.latency_ms);
        config.error_rate = error_rate.unwrap_or(config.error_rate);
        config.rate_limit = rate_limit.or(config.rate_limit);
        config.short_pages = short_pages.unwrap_or(config.short_pages);
        config.gone = gone.unwrap_or(config.gone);
        config.shrink = shrink.unwrap_or(config.shrink);
        config.reorder = reorder.unwrap_or(config.reorder);
        config.new_products = new_products.unwrap_or(config.new_products);
        config.hosts = hosts.unwrap_or(config.hosts);
        config.slow_hosts = slow_hosts.unwrap_or(config.slow_hosts);
        config.check()?;
        Ok(config)
    }
}

/// A site and all that belongs to crawling it.
#[derive(Debug)]
pub struct Job {
    pub site: Arc<Site>,
    pub mode: Mode,
    pub seed: u64,
    /// Kept with the session, so that `resume` needs no flags.
    pub origin: Json,
    /// Marks its data as not real.
    pub source: Option<String>,
    /// `--connect-to`, and the demo's hosts.
    pub connect_to: BTreeMap<String, SocketAddr>,
    /// The stopped session to take up again.
    pub resume: Option<SessionId>,
    /// The demo's server, as long as the job lives.
    pub demo: Option<DemoServer>,
}

impl Job {
    /// A site file's text.
    ///
    /// # Errors
    /// The site file is wrong; the text says where and how.
    pub fn site(
        text: &str,
        file: &str,
        connect_to: BTreeMap<String, SocketAddr>,
    ) -> Result<Self, String> {
        let site = Site::load(text, file).map_err(|errors| errors.to_string())?;
        let origin = json!({ "kind": "site", "file": file, "connectTo": connect_to });
        Ok(Self {
            site: Arc::new(site),
            mode: Mode::New,
            seed: 1,
            origin,
            source: None,
            connect_to,
            resume: None,
            demo: None,
        })
    }

    /// The embedded demo: its server is started on loopback.
    ///
    /// # Errors
    /// The server cannot be started.
    pub fn demo(config: DemoConfig) -> Result<Self, String> {
        let origin = json!({ "kind": "demo", "config": config });
        let text = demo::site_toml(&config);
        let seed = config.seed;
        let server = demo::start(config)
            .map_err(|error| format!("the demo's server could not listen on 127.0.0.1: {error}"))?;
        let site = Site::load(&text, "demo.toml").map_err(|errors| errors.to_string())?;
        Ok(Self {
            site: Arc::new(site),
            mode: Mode::New,
            seed,
            origin,
            source: Some("demo".to_owned()),
            connect_to: server.connect_to().collect(),
            resume: None,
            demo: Some(server),
        })
    }

    /// A stopped session, as the store keeps it.
    ///
    /// # Errors
    /// What is kept cannot be read any more; the text says what.
    pub fn resumed(row: &SessionRow) -> Result<Self, String> {
        let unreadable = |what: &str| format!("session {} cannot be resumed: {what}", row.id.0);
        let mut job = if row.origin["kind"] == "demo" {
            let config = serde_json::from_value(row.origin["config"].clone()).map_err(|error| {
                unreadable(&format!("its demo's flags are unreadable: {error}"))
            })?;
            Self::demo(config)?
        } else {
            let connect_to = serde_json::from_value(row.origin["connectTo"].clone())
                .map_err(|error| unreadable(&format!("its --connect-to is unreadable: {error}")))?;
            let file = row.origin["file"].as_str().unwrap_or(&row.site).to_owned();
            Self::site(&row.site_text, &file, connect_to)?
        };
        job.resume = Some(row.id);
        job.origin = row.origin.clone();
        Ok(job)
    }

    /// What environment and flags set above the site file counts for the site, and is kept for
    /// `resume`.
    pub fn apply_settings(&mut self, layered: &Layered) {
        if let Some(site) = Arc::get_mut(&mut self.site) {
            layered.apply_to(&mut site.politeness);
        }
        self.origin["settings"] = json!(layered.to_keep());
    }

    /// Begins the job in a running engine.
    ///
    /// # Errors
    /// The engine or the store refuses; the text says why.
    pub fn begin(&self, running: &Running, settings: &Settings) -> Ack {
        running.ask(Command::Start(Box::new(StartSession {
            site: Arc::clone(&self.site),
            profile: Arc::new(RequestProfile::of(
                &self.site,
                settings,
                self.connect_to.clone(),
            )),
            mode: self.mode,
            origin: self.origin.clone(),
            source: self.source.clone(),
            seed: self.seed,
            resume: self.resume,
        })))
    }
}
