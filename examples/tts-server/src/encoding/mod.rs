//! From samples to the bytes of a file, a stretch at a time.

mod flac;
#[cfg(feature = "mp3")]
mod mp3;
#[cfg(feature = "opus")]
mod opus;
mod plain;
mod resampled;

use palisade::core::{Clock as _, SystemClock};
use palisade_internal::log_limit::LogLimitTable;
use sambert_hifigan::wav;

/// A kind of sound file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    Flac,
    #[cfg(feature = "mp3")]
    Mp3,
    #[cfg(feature = "opus")]
    Opus,
    Pcm,
    Wav,
}

/// Whether a file is sent while it is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Extent {
    /// No one knows its length when its first bytes are sent.
    Stream,
    /// Nothing of it is sent before its end.
    Whole,
}

/// Turns one speech into bytes. What it returns may be empty: some formats wait for a full block.
pub(crate) trait Encoder: Send {
    /// Takes the next samples, between -1 and 1.
    fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, EncodeError>;

    /// Gives what is left.
    fn finish(&mut self) -> Result<Vec<u8>, EncodeError>;
}

impl Format {
    /// All that were compiled in, the default first.
    pub(crate) const ALL: &[Self] = &[
        Self::Wav,
        Self::Pcm,
        Self::Flac,
        #[cfg(feature = "opus")]
        Self::Opus,
        #[cfg(feature = "mp3")]
        Self::Mp3,
    ];

    /// What clients of OpenAI's API get who ask for none: MP3, as there, or WAV where it was not compiled in.
    pub(crate) const OPENAI: Self = {
        #[cfg(feature = "mp3")]
        {
            Self::Mp3
        }
        #[cfg(not(feature = "mp3"))]
        {
            Self::Wav
        }
    };

    /// Finds a format by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|format| format.name() == name)
    }

    /// Returns the names of those that there are for a sample rate.
    pub(crate) fn names(sample_rate: u32) -> Vec<&'static str> {
        let all = Self::ALL.iter().filter(|format| format.takes(sample_rate));
        all.map(|format| format.name()).collect()
    }

    /// Tells whether the format has such a sample rate.
    pub(crate) fn takes(self, sample_rate: u32) -> bool {
        match self {
            #[cfg(feature = "opus")]
            Self::Opus => opus::Opus::takes(sample_rate),
            Self::Flac => sample_rate < 1 << 20,
            #[cfg(feature = "mp3")]
            Self::Mp3 => true,
            Self::Pcm | Self::Wav => true,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Flac => "flac",
            #[cfg(feature = "mp3")]
            Self::Mp3 => "mp3",
            #[cfg(feature = "opus")]
            Self::Opus => "opus",
            Self::Pcm => "pcm",
            Self::Wav => "wav",
        }
    }

    /// Returns the content type. Samples without a header have no other place to say what they are; `audio/L16`
    /// would, but it means the other byte order (RFC 2586).
    pub(crate) fn content_type(self, sample_rate: u32) -> String {
        match self {
            Self::Flac => "audio/flac".to_owned(),
            #[cfg(feature = "mp3")]
            Self::Mp3 => "audio/mpeg".to_owned(),
            #[cfg(feature = "opus")]
            Self::Opus => "audio/ogg; codecs=opus".to_owned(),
            Self::Pcm => format!("audio/pcm; rate={sample_rate}; channels=1; encoding=s16le"),
            Self::Wav => "audio/wav".to_owned(),
        }
    }

    /// Returns what stands before the first sample. Without their number it is that of a stream.
    pub(crate) fn header(self, sample_rate: u32, samples: Option<u64>) -> Vec<u8> {
        match self {
            Self::Flac => flac::header(sample_rate, samples),
            // Its first frame is written by the encoder, last of all.
            #[cfg(feature = "mp3")]
            Self::Mp3 => Vec::new(),
            // Its first page is written by the encoder, which counts them.
            #[cfg(feature = "opus")]
            Self::Opus => Vec::new(),
            Self::Pcm => Vec::new(),
            Self::Wav => {
                let samples = samples.and_then(|samples| u32::try_from(samples).ok());
                wav::header(sample_rate, samples).to_vec()
            }
        }
    }

    /// Returns the sample rate of a file for a voice of this rate. Most formats have every rate.
    pub(crate) fn rate(self, voice_rate: u32) -> u32 {
        match self {
            #[cfg(feature = "mp3")]
            Self::Mp3 => mp3::Mp3::rate(voice_rate),
            _ => voice_rate,
        }
    }

    /// Starts a file of a sample rate, of which the voice may have another.
    ///
    /// # Errors
    ///
    /// When the format has no such sample rate, which [`Self::takes`] tells.
    pub(crate) fn encoder_at(
        self,
        voice_rate: u32,
        sample_rate: u32,
        extent: Extent,
    ) -> Result<Box<dyn Encoder>, EncodeError> {
        let encoder = self.encoder(sample_rate, extent)?;
        Ok(match voice_rate == sample_rate {
            true => encoder,
            false => Box::new(resampled::Resampled::new(encoder, voice_rate, sample_rate)),
        })
    }

    #[cfg_attr(
        not(feature = "mp3"),
        expect(
            unused_variables,
            reason = "other formats begin alike, however long they get"
        )
    )]
    fn encoder(self, sample_rate: u32, extent: Extent) -> Result<Box<dyn Encoder>, EncodeError> {
        Ok(match self {
            Self::Flac => Box::new(flac::Flac::new(sample_rate)?),
            #[cfg(feature = "mp3")]
            Self::Mp3 => Box::new(mp3::Mp3::new(sample_rate, extent)),
            #[cfg(feature = "opus")]
            Self::Opus => Box::new(opus::Opus::new(sample_rate)?),
            Self::Pcm | Self::Wav => Box::new(plain::Plain),
        })
    }
}

/// The library of a format refused samples that it should accept. The reason is in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct EncodeError;

/// Logs the reason, at most once a minute for each format: a client can ask for it again and again.
fn broken(format: &'static str, why: &dyn std::fmt::Display) -> EncodeError {
    static LIMITS: LogLimitTable = LogLimitTable::per_minute();
    if let Some(held_back) = LIMITS.admit(&[format], SystemClock::default().monotonic()) {
        tracing::error!(target: "tts", format, %why, held_back, "sound could not be encoded");
    }
    EncodeError
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name_and_no_other() {
        for format in Format::ALL {
            assert_eq!(Format::named(format.name()), Some(*format));
        }
        for name in ["", "WAV", "m4a", "aac"] {
            assert_eq!(Format::named(name), None, "{name}");
        }
    }

    #[test]
    fn samples_that_fail_again_and_again_write_one_line_for_each_format() {
        let lines = palisade_internal::log_lines::count(|| {
            for _ in 0..100 {
                broken("flac", &"wrong");
                broken("opus", &"wrong");
            }
        });
        assert!(lines <= 2, "{lines}");
    }

    #[test]
    fn a_wav_that_is_too_long_for_its_header_is_marked_as_a_stream() {
        let stream = Format::Wav.header(16_000, None);
        assert_eq!(Format::Wav.header(16_000, Some(u64::MAX)), stream);
        assert_ne!(Format::Wav.header(16_000, Some(8)), stream);
    }
}
