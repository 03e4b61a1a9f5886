//! The list of all settings, one row each: name, kind, place, range, one line of documentation; and
//! how any of them is read and changed, also while the engine runs (SPEC B7).

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{OnFatal, Settings, presets};
use crate::{
    model::{
        numbers,
        profile::Profile,
        retry_policy::{Backoff, Jitter},
    },
    site::{
        amounts::{self, show_duration},
        politeness::is_user_agent,
        problems::{nearest, one_of, printable, shown},
    },
};

/// One setting, as its row says.
pub struct Setting {
    /// Dotted name, e.g. `politeness.max_rate`.
    pub name: &'static str,
    /// One line of documentation for people.
    pub doc: &'static str,
    slot: fn(&mut Settings) -> Slot<'_>,
    /// Least and largest value: numbers, seconds or bytes.
    range: (f64, f64),
}

/// A change that was made while the engine runs.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingChange {
    pub name: &'static str,
    /// The value before it, as `Setting::get` tells it.
    pub old: Json,
    pub new: Json,
}

/// Where a value lives, by its kind.
enum Slot<'s> {
    Count(&'s mut u32),
    Count16(&'s mut u16),
    Bytes(&'s mut u64),
    Limit(&'s mut Option<u64>),
    Room(&'s mut Option<u64>),
    Number(&'s mut f64),
    Rate(&'s mut f64),
    Time(&'s mut Duration),
    Text(&'s mut String),
    Fatal(&'s mut OnFatal),
    Backoff(&'s mut Backoff),
    Jitter(&'s mut Jitter),
    Profile(&'s mut Profile),
}

macro_rules! settings {
    ($($name:literal $kind:ident $($place:ident).+ [$low:expr, $high:expr] $doc:literal;)+) => {
        &[$(Setting {
            name: $name,
            doc: $doc,
            slot: |settings| Slot::$kind(&mut settings.$($place).+),
            range: ($low, $high),
        }),+]
    };
}

const DAY: f64 = 86_400.0;
const G: f64 = 1_073_741_824.0;

/// The one that is set before all others, since it sets some of them.
const PROFILE: &[Setting] = settings! {
    "profile" Profile profile [0.0, 0.0] "Preset of permits and queues: economy, balanced, performance.";
};

/// All settings but `profile`, in the order in which they are shown. Ranges of times are in
/// seconds, of sizes in bytes.
pub const ALL: &[Setting] = settings! {
    "http_permits" Count http_permits [1.0, 10_000.0] "Requests in flight, over all hosts.";
    "cpu_permits" Count cpu_permits [1.0, 1_024.0] "Pages being parsed at once.";
    "store_bytes" Bytes store_bytes [1_048_576.0, 64.0 * G] "Bytes that may wait for the store.";
    "window" Count window [100.0, 10_000_000.0] "Tasks resident in memory, at most.";
    "parse_ahead" Count parse_ahead [0.0, 64.0] "Pages handed to a parse worker beyond the one that it reads; it need not wait for a tick.";
    "parse_queue" Count parse_queue [1.0, 100_000.0] "Fetched pages that wait for a parse worker, at most.";
    "save_queue" Count save_queue [1.0, 100_000.0] "Parsed pages that wait for the store, at most.";
    "parse_memory" Bytes parse_memory [16_777_216.0, 1_024.0 * G] "Memory that pages being parsed may take.";
    "memory_limit" Room memory_limit [67_108_864.0, 1_024.0 * G] "Memory of the process: nearing it, less is worked on at once; none: what the machine has.";
    "retain_for" Time retain_for [0.0, 3_600.0] "Final tasks stay so long in the window.";
    "snapshot_interval" Time snapshot_interval [0.05, 3_600.0] "Time between two snapshots.";
    "store_patience" Time store_patience [0.1, DAY] "A store in trouble is asked again for so long.";
    "batch_size" Count batch_size [1.0, 1_000_000.0] "Pages of the entry stage in one batch, at most.";
    "batch_least" Count batch_least [1.0, 1_000_000.0] "Errors and slow answers shrink a batch to this, at least.";
    "batch_pause" Time batch_pause [0.0, DAY] "Pause between two batches, at least.";
    "batch_longest_pause" Time batch_longest_pause [0.0, DAY] "Errors and slow answers lengthen the pause to this, at most.";
    "stage_attempts" Count stage_attempts [1.0, 100.0] "Attempts of a stage of a batch.";
    "tolerance" Number tolerance [0.0, 1.0] "Share of failed tasks a stage tolerates.";
    "on_fatal" Fatal on_fatal [0.0, 0.0] "What a fatal stage does to its session: continue, pause, abort.";
    "politeness.max_rate" Rate host.max_rate [0.000_01, 1_000_000.0] "Requests a second per host, at most.";
    "politeness.max_in_flight" Count host.max_in_flight [1.0, 10_000.0] "Requests in flight per host, at most.";
    "politeness.max_crawl_delay" Time host.max_crawl_delay [0.0, DAY] "robots.txt's crawl-delay is obeyed up to this.";
    "politeness.robots_ttl" Time host.robots_ttl [60.0, 30.0 * DAY] "robots.txt is read again after this.";
    "retry.attempts" Count retry.policy.attempts [1.0, 100.0] "Attempts of a task, the first included, where its stage has no policy.";
    "retry.backoff" Backoff retry.policy.backoff [0.0, 0.0] "Growth of the delay: fixed, linear, exponential.";
    "retry.base" Time retry.policy.base [0.0, DAY] "Delay before the first retry.";
    "retry.cap" Time retry.policy.cap [0.0, 7.0 * DAY] "No retry's delay is longer.";
    "retry.jitter" Jitter retry.policy.jitter [0.0, 0.0] "Spread of the delay: none, full, decorrelated.";
    "retry.quick" Time retry.quick [0.0, DAY] "The first retry comes after this, at the latest, at a host that answers well.";
    "retry.budget_per_success" Number retry.budget_per_success [0.0, 100.0] "Retries that a success adds to its host's budget.";
    "retry.budget_per_second" Number retry.budget_per_second [0.0, 10_000.0] "Retries that a second adds to a host's budget.";
    "retry.budget_max" Number retry.budget_max [0.0, 1_000_000.0] "Retries saved up, at most.";
    "retry.free_throttles" Count16 retry.free_throttles [0.0, 1_000.0] "Throttles in a row that cost no attempt.";
    "retry.max_retry_after" Time retry.max_retry_after [0.0, 30.0 * DAY] "A longer Retry-After makes a dead letter.";
    "breaker.window" Count breaker.window [1.0, 10_000.0] "Outcomes that a host's breaker looks at.";
    "breaker.max_age" Time breaker.max_age [1.0, DAY] "Older outcomes do not count.";
    "breaker.min_sample" Count breaker.min_sample [1.0, 10_000.0] "Fewer outcomes never trip the breaker.";
    "breaker.failure_rate" Number breaker.failure_rate [0.01, 1.0] "Share of failures that trips the breaker.";
    "breaker.open_for" Time breaker.open_for [0.1, DAY] "First open time; doubles with each trip in a row.";
    "breaker.max_open_for" Time breaker.max_open_for [0.1, 7.0 * DAY] "Longest open time.";
    "breaker.probes" Count breaker.probes [1.0, 100.0] "Probes at once while the breaker is half open.";
    "breaker.successes_to_close" Count breaker.successes_to_close [1.0, 100.0] "Successful probes that close the breaker.";
    "fetch.user_agent" Text fetch.user_agent [1.0, 512.0] "User-Agent; its product's name is matched against robots.txt.";
    "fetch.connect_timeout" Time fetch.connect_timeout [0.01, 3_600.0] "Until a connection stands.";
    "fetch.first_byte_timeout" Time fetch.first_byte_timeout [0.01, 3_600.0] "From sending to the response's head.";
    "fetch.timeout" Time fetch.timeout [0.01, DAY] "From sending to the body's end.";
    "fetch.max_body" Bytes fetch.max_body [1.0, 4.0 * G] "Largest decoded body.";
    "fetch.max_ratio" Count fetch.max_ratio [1.0, 100_000.0] "Largest ratio of decoded to received bytes, after the first MiB.";
    "fetch.max_redirects" Count16 fetch.max_redirects [0.0, 100.0] "Redirects of one attempt.";
    "bounds.max_depth" Count bounds.max_depth [0.0, 1_000_000_000.0] "Links away from a start URL.";
    "bounds.max_url" Count bounds.max_url [16.0, 65_536.0] "Characters of a URL.";
    "bounds.max_segments" Count bounds.max_segments [1.0, 10_000.0] "Path segments of a URL.";
    "bounds.max_repeats" Count bounds.max_repeats [1.0, 10_000.0] "Times one segment may stand in a path.";
    "bounds.max_links" Count bounds.max_links [1.0, 10_000_000.0] "Links of one page.";
    "bounds.max_output" Bytes bounds.max_output [1_024.0, 1_024.0 * G] "Bytes of records, links and what they carry that one page may yield.";
    "bounds.max_pages" Limit bounds.max_pages [1.0, 1e15] "Pages that a run asks for before it stops, resumably; none: no bound.";
    "bounds.max_bytes" Room bounds.max_bytes [1.0, 1e15] "Bytes that a run receives before it stops, resumably; none: no bound.";
    "bounds.max_minutes" Limit bounds.max_minutes [1.0, 10_000_000.0] "Minutes that a run takes before it stops, resumably; none: no bound.";
};

/// All settings, `profile` first.
pub(super) fn all() -> impl Iterator<Item = &'static Setting> {
    PROFILE.iter().chain(ALL)
}

/// The setting of this name, or a message with the nearest name.
///
/// # Errors
/// There is no such setting.
pub fn named(name: &str) -> Result<&'static Setting, String> {
    all().find(|setting| setting.name == name).ok_or_else(|| {
        let near = nearest(name, all().map(|setting| setting.name));
        let hint = near.map_or_else(
            || "`crawlfield check` lists all".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        format!("there is no setting {}; {hint}", shown(name))
    })
}

impl Settings {
    /// Changes one setting by its dotted name. Nothing is changed where the value, or the settings
    /// with it, would be wrong. A permit set by hand makes the profile *custom*.
    ///
    /// # Errors
    /// What was expected, with the nearest name or word.
    pub fn set(&mut self, name: &str, value: &Json) -> Result<SettingChange, String> {
        if name == "profile" {
            return Err("the profile is switched by its own command".to_owned());
        }
        let setting = named(name)?;
        let mut changed = self.clone();
        let put = setting.put(&mut changed, value);
        put.map_err(|reason| format!("{name}: {reason}"))?;
        let together = changed.consistent();
        together.map_err(|(at, reason)| format!("{at}: {reason}"))?;
        let (old, new) = (setting.get(self), setting.get(&changed));
        if presets::decides(name) && old != new {
            changed.profile = Profile::Custom;
        }
        *self = changed;
        let name = setting.name;
        Ok(SettingChange { name, old, new })
    }

    /// What no setting shows alone: the setting that is wrong beside another, and why.
    pub(super) fn consistent(&self) -> Result<(), (&'static str, &'static str)> {
        let (retry, breaker) = (&self.retry.policy, &self.breaker);
        if retry.cap < retry.base {
            return Err(("retry.cap", "is shorter than retry.base"));
        }
        if breaker.min_sample > breaker.window {
            return Err(("breaker.min_sample", "is above breaker.window"));
        }
        if breaker.max_open_for < breaker.open_for {
            return Err(("breaker.max_open_for", "is shorter than breaker.open_for"));
        }
        Ok(())
    }
}

impl Setting {
    /// The value as shown and as it may be written.
    #[must_use]
    pub fn show(&self, settings: &Settings) -> String {
        match self.get(settings) {
            Json::String(text) => text,
            value => value.to_string(),
        }
    }

    /// The value: durations as text (`1m30s`), sizes in bytes, no limit as `"none"`.
    #[must_use]
    pub fn get(&self, settings: &Settings) -> Json {
        match (self.slot)(&mut settings.clone()) {
            Slot::Count(value) => json!(value),
            Slot::Count16(value) => json!(value),
            Slot::Bytes(value) | Slot::Limit(Some(value)) | Slot::Room(Some(value)) => json!(value),
            Slot::Limit(None) | Slot::Room(None) => json!("none"),
            Slot::Number(value) | Slot::Rate(value) => json!(value),
            Slot::Time(value) => json!(show_duration(*value)),
            Slot::Text(value) => json!(value),
            Slot::Fatal(value) => json!(value.name()),
            Slot::Backoff(value) => json!(value.name()),
            Slot::Jitter(value) => json!(value.name()),
            Slot::Profile(value) => json!(value.name()),
        }
    }

    /// Changes the value if it is one of this setting; texts are read as people write them.
    pub(super) fn put(&self, settings: &mut Settings, value: &Json) -> Result<(), String> {
        let is_none = value.is_null() || value.as_str() == Some("none");
        let fits = match (self.slot)(settings) {
            Slot::Count(slot) => fill(slot, self.integer(value).and_then(|n| n.try_into().ok())),
            Slot::Count16(slot) => fill(slot, self.integer(value).and_then(|n| n.try_into().ok())),
            Slot::Bytes(slot) => fill(slot, self.bytes(value)),
            Slot::Limit(slot) | Slot::Room(slot) if is_none => fill(slot, Some(None)),
            Slot::Limit(slot) => fill(slot, self.integer(value).map(Some)),
            Slot::Room(slot) => {
                let bytes = self.bytes(value).or_else(|| self.integer(value));
                fill(slot, bytes.map(Some))
            }
            Slot::Number(slot) => fill(slot, number(value).filter(|n| self.in_range(*n))),
            Slot::Rate(slot) => {
                let rate = value.as_str().map_or_else(|| number(value), amounts::rate);
                fill(slot, rate.filter(|n| self.in_range(*n)))
            }
            Slot::Time(slot) => {
                let time = value.as_str().and_then(amounts::duration);
                fill(slot, time.filter(|time| self.in_range(time.as_secs_f64())))
            }
            Slot::Text(slot) => {
                let text = value.as_str().filter(|text| is_user_agent(text));
                fill(slot, text.map(str::to_owned))
            }
            Slot::Fatal(slot) => fill(slot, Some(named_value(&OnFatal::NAMED, value)?)),
            Slot::Backoff(slot) => fill(slot, Some(named_value(&Backoff::NAMED, value)?)),
            Slot::Jitter(slot) => fill(slot, Some(named_value(&Jitter::NAMED, value)?)),
            Slot::Profile(slot) => fill(slot, Some(named_value(&Profile::NAMED, value)?)),
        };
        fits.then_some(())
            .ok_or_else(|| format!("expected {}, found {}", self.wanted(), excerpt(value)))
    }

    fn in_range(&self, value: f64) -> bool {
        (self.range.0..=self.range.1).contains(&value)
    }

    fn integer(&self, value: &Json) -> Option<u64> {
        let text = || value.as_str().and_then(|text| text.trim().parse().ok());
        let integer = value.as_u64().or_else(text)?;
        self.in_range(numbers::number(integer)).then_some(integer)
    }

    fn bytes(&self, value: &Json) -> Option<u64> {
        let bytes = match value.as_str() {
            Some(text) => amounts::size(text),
            None => value.as_u64(),
        }?;
        self.in_range(numbers::number(bytes)).then_some(bytes)
    }

    /// What a value of this setting looks like, with its range.
    fn wanted(&self) -> String {
        let (low, high) = self.range;
        let show = |seconds| show_duration(Duration::from_secs_f64(seconds));
        let what = match (self.slot)(&mut Settings::default()) {
            Slot::Count(_) | Slot::Count16(_) => "an integer",
            Slot::Bytes(_) => amounts::SIZE,
            Slot::Number(_) => "a number",
            Slot::Rate(_) => amounts::RATE,
            Slot::Time(_) => {
                return format!("{} from {} to {}", amounts::DURATION, show(low), show(high));
            }
            Slot::Limit(_) => return "an integer or \"none\"".to_owned(),
            Slot::Room(_) => return format!("{} or \"none\"", amounts::SIZE),
            _ => return "a text that begins with a product's name".to_owned(),
        };
        format!("{what} from {low} to {high}")
    }
}

/// Whether there is a value to put there.
fn fill<T>(slot: &mut T, value: Option<T>) -> bool {
    value.map(|value| *slot = value).is_some()
}

fn named_value<T: Copy>(words: &[(&str, T)], value: &Json) -> Result<T, String> {
    let found = words.iter().find(|(name, _)| value.as_str() == Some(name));
    found.map(|(_, word)| *word).ok_or_else(|| {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let text = value.as_str().unwrap_or_default();
        let near = nearest(text, names.iter().copied());
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!(
            "expected {}, found {}{hint}",
            one_of(&names),
            excerpt(value)
        )
    })
}

fn excerpt(value: &Json) -> String {
    match value {
        Json::String(text) => shown(text),
        value => printable(&value.to_string().chars().take(60).collect::<String>()),
    }
}

fn number(value: &Json) -> Option<f64> {
    let text = || value.as_str().and_then(|text| text.trim().parse().ok());
    let number = value.as_f64().or_else(text)?;
    f64::is_finite(number).then_some(number)
}
