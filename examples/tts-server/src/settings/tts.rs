//! The section `[tts]`.

use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
    thread,
};

use palisade::config::{Config, ConfigFileError};
use serde::Deserialize;

use crate::routes::MODEL;

const METRICS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
/// Texts that wait: as many as are spoken in the time that a client waits for an answer.
const QUEUE: usize = 16;
/// Clients under way, at least: slow lines must not keep others out. Each holds the state of its voice and a few
/// stretches of sound, nine megabytes with the demo voice as measured.
const LISTENERS: usize = 64;

/// What was set for the voices.
#[derive(Debug)]
pub(crate) struct Tts {
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) queue: usize,
    pub(crate) threads: usize,
    pub(crate) listeners: usize,
    pub(crate) voices: Vec<PathBuf>,
    aliases: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    metrics: Option<String>,
    queue: Option<usize>,
    threads: Option<usize>,
    listeners: Option<usize>,
    voice: Option<PathBuf>,
    voices: Vec<PathBuf>,
    aliases: BTreeMap<String, String>,
}

impl Tts {
    pub(super) fn of(config: &Config) -> Result<Self, ConfigFileError> {
        let written: Written = config.section("tts")?;
        // A second text on one core would only make both late.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = written.threads.unwrap_or(cores);
        let queue = written.queue.unwrap_or(QUEUE);
        let all = threads.saturating_add(queue);
        let listeners = written
            .listeners
            .unwrap_or(all.saturating_mul(4).max(LISTENERS));
        within(config, "threads", threads, 1..=1024)?;
        within(config, "queue", queue, 1..=4096)?;
        // The default follows the other two, which are in their ranges.
        let most = written.listeners.map_or(usize::MAX, |_| 65_536);
        within(config, "listeners", listeners, 1..=most)?;
        let folders = written.voice.into_iter().chain(written.voices);
        Ok(Self {
            metrics: metrics(config, written.metrics.as_deref())?,
            queue,
            threads,
            listeners,
            voices: folders.map(|folder| config.path(folder)).collect(),
            aliases: written.aliases,
        })
    }

    /// Returns other names of the model.
    pub(crate) fn model_aliases(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().filter(|(_, name)| *name == MODEL);
        aliases.map(|(alias, _)| alias.as_str())
    }

    /// Returns other names of voices, and the voices.
    pub(crate) fn voice_aliases(&self) -> Vec<(String, String)> {
        let aliases = self.aliases.iter().filter(|(_, name)| *name != MODEL);
        aliases
            .map(|(alias, name)| (alias.clone(), name.clone()))
            .collect()
    }
}

fn metrics(config: &Config, written: Option<&str>) -> Result<Option<SocketAddr>, ConfigFileError> {
    let wrong = |problem: &str, remedy| Err(config.complain("tts", "metrics", problem, remedy));
    match written {
        None => Ok(Some(METRICS)),
        Some("off") => Ok(None),
        Some(written) => match written.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Some(address)),
            Ok(_) => wrong(
                "the figures would be open to the network",
                "write a loopback address, and let the collector run on this machine",
            ),
            Err(_) => wrong(
                "this is no address",
                "write address and port, such as \"127.0.0.1:9464\", or \"off\"",
            ),
        },
    }
}

fn within(
    config: &Config,
    key: &'static str,
    number: usize,
    range: RangeInclusive<usize>,
) -> Result<(), ConfigFileError> {
    if range.contains(&number) {
        return Ok(());
    }
    let remedy = Remedy(range).to_string();
    Err(config.complain("tts", key, "this number does not do", &remedy))
}

struct Remedy(RangeInclusive<usize>);

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "write a number from {} to {}",
            self.0.start(),
            self.0.end()
        )
    }
}
