//! Makes layers of a voice's parts.

use mandarin::Latin;

use super::{Model, details};
use crate::{
    acoustic::Acoustic,
    load::{AcousticConfig, LoadError, Parts, VocoderConfig, both},
    style::Emotion,
    units::Tables,
    vocoder::Vocoder,
};

/// The speaker if none is selected: the reference's front end names no other speaker.
const DEFAULT_SPEAKER: &str = "F7";

const DEFAULT_RATE: u32 = 16_000;

impl Model {
    /// Makes layers of a voice's parts.
    ///
    /// # Errors
    ///
    /// One that names everything that is wrong with both models.
    pub(crate) fn assemble(mut parts: Parts) -> Result<Self, LoadError> {
        let (config, vocoder_config) = both(
            AcousticConfig::parse(&parts.acoustic.config.file, &parts.acoustic.config.content),
            VocoderConfig::parse(&parts.vocoder.config.file, &parts.vocoder.config.content),
        )?;
        let tables = tables(&parts, &config)?;
        let sample_rate = sample_rate(&mut parts, &config, &vocoder_config)?;
        let mut details = details::before(&parts, &config, &vocoder_config);
        warn(&mut parts, &config);
        let acoustic = &mut parts.acoustic;
        let tensors = std::mem::take(&mut acoustic.tensors);
        let acoustic = parts
            .dictionaries
            .check(&tables, &tensors, &acoustic.file)
            .and_then(|()| {
                Acoustic::load(&acoustic.file, &config, tensors, &parts.statistics, &tables)
            });
        let tensors = std::mem::take(&mut parts.vocoder.tensors);
        let vocoder = Vocoder::load(&parts.vocoder.file, &vocoder_config, tensors);
        let (acoustic, vocoder) = both(acoustic, vocoder)?;
        if vocoder.channels() != config.params().num_mels {
            let (ours, theirs) = (config.params().num_mels, vocoder.channels());
            let problem =
                format!("the vocoder takes {theirs} channels, the acoustic model makes {ours}");
            return Err(LoadError::new(parts.vocoder.config.file, problem));
        }
        details.extend(details::after(&acoustic, &vocoder));
        mandarin::prepare();
        Ok(Self {
            acoustic,
            vocoder,
            speaker: speaker(&parts, &tables)?,
            bytes: config.params().using_byte,
            plain_syllables: !parts.voice_metadata.colored_syllables,
            latin: if parts.voice_metadata.english && tables.has_english() {
                Latin::English
            } else {
                Latin::Mandarin
            },
            emotions: emotions(&parts, &tables)?,
            tables,
            name: parts.name,
            sample_rate,
            details,
            warnings: parts.warnings,
        })
    }
}

fn tables(parts: &Parts, config: &AcousticConfig) -> Result<Tables, LoadError> {
    let listed = &config.linguistic_unit.speaker_list;
    // With an embedding of its speaker a model reads no table of them, but units name one.
    let speakers = match listed.trim() {
        "" if config.params().se => DEFAULT_SPEAKER,
        _ => listed,
    };
    let tables = Tables::new(speakers, |name| parts.dictionaries.content(name));
    if tables.speakers().is_empty() {
        let problem = "neither linguistic_unit.speaker_list nor a speaker_dict.txt names a speaker";
        return Err(LoadError::new(&*parts.acoustic.config.file, problem));
    }
    Ok(tables)
}

fn speaker(parts: &Parts, tables: &Tables) -> Result<String, LoadError> {
    let known = |name: &str| tables.speakers().iter().any(|speaker| speaker == name);
    match &parts.voice_metadata.speaker {
        Some(name) if known(name) => Ok(name.clone()),
        Some(name) => {
            let problem = format!(
                "no speaker is called {name:?}, only {:?}",
                tables.speakers()
            );
            Err(LoadError::new("voice.json", problem))
        }
        None if known(DEFAULT_SPEAKER) => Ok(DEFAULT_SPEAKER.to_owned()),
        None => Ok(tables.speakers().first().cloned().unwrap_or_default()),
    }
}

fn emotions(parts: &Parts, tables: &Tables) -> Result<Vec<Emotion>, LoadError> {
    let known = |emotion: &&Emotion| tables.has_emotion(emotion.symbol());
    let Some(listed) = &parts.voice_metadata.emotions else {
        return Ok(Emotion::ALL.iter().filter(known).copied().collect());
    };
    match listed.iter().find(|emotion| !known(emotion)) {
        Some(emotion) => {
            let problem = format!("the model has no emotion {emotion}");
            Err(LoadError::new("voice.json", problem))
        }
        None => Ok(listed.clone()),
    }
}

/// Finds the sample rate: the vocoder's configuration knows it best. Others that differ are warnings.
fn sample_rate(
    parts: &mut Parts,
    config: &AcousticConfig,
    vocoder: &VocoderConfig,
) -> Result<u32, LoadError> {
    let claims = [
        (
            "the vocoder's configuration",
            vocoder.audio_config.sampling_rate,
        ),
        ("audio_config.yaml", parts.audio.sampling_rate),
        (
            "the acoustic model's configuration",
            config.audio_config.sampling_rate,
        ),
        ("configuration.json", parts.claims.sample_rate),
    ];
    let mut rates = claims
        .iter()
        .filter_map(|(file, rate)| Some((file, (*rate)?)));
    let (first, rate) = rates.next().unwrap_or((&"the default", DEFAULT_RATE));
    for (file, other) in rates.filter(|(_, other)| *other != rate) {
        let warning = format!(
            "{file} says {other} samples per second, but {first} says {rate}, which counts"
        );
        parts.warnings.push(warning);
    }
    if !(4_000..=192_000).contains(&rate) {
        let problem = format!("a sampling rate of {rate}");
        return Err(LoadError::new(&*parts.vocoder.config.file, problem));
    }
    let hop = vocoder.samples_per_frame();
    let hops = [vocoder.audio_config, config.audio_config, parts.audio];
    let other = hops
        .iter()
        .filter_map(|audio| audio.hop_length)
        .find(|other| *other != hop);
    if let Some(other) = other {
        let warning = format!(
            "frames are {other} samples in a configuration, but {hop} as the vocoder makes them"
        );
        parts.warnings.push(warning);
    }
    Ok(rate)
}

/// Adds what an operator should know of the tables.
fn warn(parts: &mut Parts, config: &AcousticConfig) {
    parts.warnings.extend(parts.dictionaries.differences());
    let claimed = parts.claims.has_mask.or(config.linguistic_unit.has_mask);
    let rows = parts
        .acoustic
        .tensors
        .shape("emo_tokenizer.weight")
        .and_then(|shape| shape.first());
    let symbols = parts
        .dictionaries
        .content("emo_category")
        .map_or(Emotion::ALL.len(), |text| text.lines().count());
    if let (Some(claimed), Some(rows)) = (claimed, rows)
        && claimed != (*rows == symbols + 3)
    {
        let warning = format!(
            "has_mask is {claimed}, but the checkpoint was made with {}, which counts",
            !claimed
        );
        parts.warnings.push(warning);
    }
}
