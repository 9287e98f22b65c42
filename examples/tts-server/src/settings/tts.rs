//! The section `[tts]`.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
    thread,
    time::Duration,
};

use palisade::config::{Config, ConfigFileError};
use serde::Deserialize;

use crate::{models::MODEL, synthesis::Unspeakable};

const METRICS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
/// Texts that wait: as many as are spoken in the time that a client waits for a response.
const QUEUE: usize = 16;
/// Clients that are served at the same time, at least: slow lines must not keep others out. Each holds the state of its voice and a few
/// stretches of sound, nine megabytes with the demo voice as measured.
const LISTENERS: usize = 64;
/// Seconds of sound a minute of a key: ten times as fast as anybody listens.
const SOUND_SECONDS: usize = 600;

/// What was set for the voices.
#[derive(Debug)]
pub(crate) struct Tts {
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) queue: usize,
    pub(crate) threads: usize,
    pub(crate) listeners: usize,
    /// What a key may have spoken in a minute, in seconds of sound, where the file has no `[limits]`.
    pub(crate) sound_seconds_per_minute: u32,
    pub(crate) voices: Vec<PathBuf>,
    pub(crate) unspeakable: Unspeakable,
    /// How long sentences rise that begin with a vowel; the default of the voice where none is set.
    pub(crate) vowel_fade: Option<Duration>,
    /// Bytes of finished sound that are kept, so that clients can ask for parts of it.
    pub(crate) sound_cache_bytes: usize,
    aliases: Vec<(String, String)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TtsSection {
    metrics: Option<String>,
    queue: Option<usize>,
    threads: Option<usize>,
    listeners: Option<usize>,
    sound_seconds_per_minute: Option<usize>,
    sound_cache_mib: Option<usize>,
    vowel_fade_milliseconds: Option<usize>,
    voice: Option<PathBuf>,
    voices: Vec<PathBuf>,
    unspeakable: Option<String>,
    aliases: BTreeMap<String, AliasTargets>,
}

/// What an alias stands for. The alias `*` may stand for a model and a voice.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum AliasTargets {
    One(String),
    Several(Vec<String>),
}

impl AliasTargets {
    fn into_iter(self) -> std::vec::IntoIter<String> {
        match self {
            Self::One(name) => vec![name].into_iter(),
            Self::Several(names) => names.into_iter(),
        }
    }
}

impl Tts {
    pub(super) fn of(config: &Config) -> Result<Self, ConfigFileError> {
        let written: TtsSection = config.section("tts")?;
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
        let sound = written.sound_seconds_per_minute.unwrap_or(SOUND_SECONDS);
        within(config, "sound_seconds_per_minute", sound, 1..=86_400)?;
        let cache = written.sound_cache_mib.unwrap_or(0);
        within(config, "sound_cache_mib", cache, 0..=65_536)?;
        let fade = written.vowel_fade_milliseconds;
        within(config, "vowel_fade_milliseconds", fade.unwrap_or(0), 0..=50)?;
        let folders = written.voice.into_iter().chain(written.voices);
        Ok(Self {
            metrics: metrics(config, written.metrics.as_deref())?,
            queue,
            threads,
            listeners,
            sound_seconds_per_minute: u32::try_from(sound).unwrap_or(u32::MAX),
            vowel_fade: fade.map(|milliseconds| Duration::from_millis(milliseconds as u64)),
            sound_cache_bytes: cache << 20,
            voices: folders.map(|folder| config.path(folder)).collect(),
            unspeakable: unspeakable(config, written.unspeakable.as_deref())?,
            aliases: written
                .aliases
                .into_iter()
                .flat_map(|(alias, names)| names.into_iter().map(move |name| (alias.clone(), name)))
                .collect(),
        })
    }

    /// Tells whether the settings have names for models or voices of other servers.
    pub(crate) fn has_aliases(&self) -> bool {
        !self.aliases.is_empty()
    }

    /// Returns other names of the model.
    pub(crate) fn model_aliases(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().filter(|(_, name)| name == MODEL);
        aliases.map(|(alias, _)| alias.as_str())
    }

    /// Returns other names of voices, and the voices.
    pub(crate) fn voice_aliases(&self) -> Vec<(String, String)> {
        let aliases = self.aliases.iter().filter(|(_, name)| name != MODEL);
        aliases.cloned().collect()
    }
}

fn metrics(config: &Config, written: Option<&str>) -> Result<Option<SocketAddr>, ConfigFileError> {
    let wrong = |problem: &str, remedy| Err(config.key_error("tts", "metrics", problem, remedy));
    match written {
        None => Ok(Some(METRICS)),
        Some("off") => Ok(None),
        Some(written) => match written.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Some(address)),
            Ok(_) => wrong(
                "the metrics would be open to the network",
                "use a loopback address and run the collector on this machine",
            ),
            Err(_) => wrong(
                "this is not an address with a port",
                "use an address with a port, such as \"127.0.0.1:9464\", or \"off\"",
            ),
        },
    }
}

fn unspeakable(config: &Config, written: Option<&str>) -> Result<Unspeakable, ConfigFileError> {
    let way = written.map_or(Some(Unspeakable::default()), Unspeakable::named);
    way.ok_or_else(|| {
        let problem = "this is not a way to treat characters that a voice cannot speak";
        let remedy = "use \"refuse\", \"skip\" or \"spell\"";
        config.key_error("tts", "unspeakable", problem, remedy)
    })
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
    let problem = format!("{number} is out of range");
    let remedy = format!("use {} to {}", range.start(), range.end());
    Err(config.key_error("tts", key, &problem, &remedy))
}
