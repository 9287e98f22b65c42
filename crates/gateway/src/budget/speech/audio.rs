//! How long the sound of a response is, counted while it passes.
//!
//! | body | length |
//! |---|---|
//! | WAV (`audio/wav` and its other names) | bytes of samples by the rate in its header |
//! | `audio/pcm`, `audio/L16` | bytes by `rate` and `channels`; 24 kHz and one channel unless said otherwise |
//! | anything else, a part of a file (206), an encoded body | not known: the reserve is charged |
//!
//! No sample is read or kept.

use http::{HeaderMap, StatusCode, header};

/// The longest header of a WAV file.
const LONGEST_HEADER: usize = 64 * 1024;
/// Bytes of a sample of PCM.
const SAMPLE: u64 = 2;
/// The rate of `audio/pcm` without parameters.
const DEFAULT_RATE: u64 = 24_000;

/// Counts the sound of one response.
#[derive(Debug)]
pub(in super::super) struct AudioLength {
    /// How bytes become time.
    form: Form,
    /// Bytes of the whole body so far.
    seen: u64,
    /// Bytes of samples so far.
    samples: u64,
    /// The length of the body, if it is known before.
    expected: Option<u64>,
}

/// What is known about the samples of a body.
#[derive(Debug)]
enum Form {
    /// The header of a WAV file, as far as it has passed.
    Header(Vec<u8>),
    /// Samples with so many bytes a second.
    Samples(u64),
    /// It cannot be counted.
    Unknown,
}

impl AudioLength {
    /// Chooses by status and headers.
    pub(in super::super) fn for_response(status: StatusCode, headers: &HeaderMap) -> Self {
        let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let encoding = value(header::CONTENT_ENCODING).unwrap_or("identity");
        let is_whole = status == StatusCode::OK && encoding.eq_ignore_ascii_case("identity");
        let form = match is_whole {
            true => Form::of_type(value(header::CONTENT_TYPE).unwrap_or_default()),
            false => Form::Unknown,
        };
        Self {
            form,
            seen: 0,
            samples: 0,
            expected: value(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        }
    }

    /// Takes a part of the body.
    pub(in super::super) fn take_part(&mut self, part: &[u8]) {
        self.seen = self.seen.saturating_add(part.len() as u64);
        match &mut self.form {
            Form::Unknown => {}
            Form::Samples(_) => self.samples = self.samples.saturating_add(part.len() as u64),
            Form::Header(header) => {
                header.extend_from_slice(part);
                match find_samples(header) {
                    Found::Samples { begin, rate } => {
                        self.samples = header.len().saturating_sub(begin) as u64;
                        self.form = Form::Samples(rate);
                    }
                    Found::Nothing => self.form = Form::Unknown,
                    Found::More => {}
                }
            }
        }
    }

    /// Returns whether the whole body has passed, as its length says.
    pub(in super::super) fn is_complete(&self) -> bool {
        self.expected == Some(self.seen)
    }

    /// Returns the milliseconds so far, rounded up. `None`: they are not known.
    pub(in super::super) fn millis(&self) -> Option<u64> {
        match self.form {
            Form::Samples(rate) if rate > 0 && self.samples > 0 => {
                let millis = u128::from(self.samples) * 1000;
                u64::try_from(millis.div_ceil(rate.into())).ok()
            }
            _ => None,
        }
    }
}

impl Form {
    /// Chooses by the media type. Compressed audio is not counted: its bytes do not tell its
    /// length.
    fn of_type(media_type: &str) -> Self {
        let mut parts = media_type.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (mut rate, mut channels) = (DEFAULT_RATE, 1);
        for parameter in parts {
            match parameter.split_once('=') {
                Some((name, value)) if name.eq_ignore_ascii_case("rate") => {
                    rate = value.parse().unwrap_or(0);
                }
                Some((name, value)) if name.eq_ignore_ascii_case("channels") => {
                    channels = value.parse().unwrap_or(0);
                }
                _ => {}
            }
        }
        match essence.as_str() {
            "audio/wav" | "audio/wave" | "audio/x-wav" | "audio/vnd.wave" => {
                Self::Header(Vec::new())
            }
            "audio/pcm" | "audio/l16" => {
                Self::Samples(rate.saturating_mul(channels).saturating_mul(SAMPLE))
            }
            _ => Self::Unknown,
        }
    }
}

/// What the begin of a WAV file has.
enum Found {
    /// The header is longer than what passed.
    More,
    /// It is no WAV file.
    Nothing,
    /// Samples begin here, with so many bytes a second.
    Samples { begin: usize, rate: u64 },
}

/// Finds the samples: chunk by chunk, `fmt ` before `data`.
fn find_samples(bytes: &[u8]) -> Found {
    let number = |at: usize| -> Option<u32> {
        let four = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*four))
    };
    let is_riff = |begin: &[u8]| begin.starts_with(b"RIFF") && begin.ends_with(b"WAVE");
    match bytes.get(..12) {
        Some(begin) if is_riff(begin) => {}
        Some(_) => return Found::Nothing,
        None => return Found::More,
    }
    let (mut at, mut rate) = (12, None);
    while let (Some(name), Some(length)) = (bytes.get(at..at + 4), number(at + 4)) {
        let content = at + 8;
        match (name, rate) {
            (b"data", Some(rate)) => {
                return Found::Samples {
                    begin: content,
                    rate,
                };
            }
            (b"data", None) => return Found::Nothing,
            (b"fmt ", _) => match number(content + 8) {
                Some(bytes_a_second) => rate = Some(bytes_a_second.into()),
                None => break,
            },
            _ => {}
        }
        // Chunks begin at even places.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        at = content.saturating_add(length).saturating_add(length % 2);
        if at > LONGEST_HEADER {
            return Found::Nothing;
        }
    }
    match bytes.len() > LONGEST_HEADER {
        true => Found::Nothing,
        false => Found::More,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The header of 16 kHz, one channel, 16 bits, with a chunk that is not needed before the samples.
    fn wav(samples: usize) -> Vec<u8> {
        let mut file = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        file.extend(16_000_u32.to_le_bytes());
        file.extend(32_000_u32.to_le_bytes());
        file.extend(b"\x02\0\x10\0LIST\x03\0\0\0abc\0data\xff\xff\xff\xff");
        file.extend(vec![0; samples]);
        file
    }

    fn length(status: u16, media_type: &str) -> AudioLength {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, media_type.parse().unwrap());
        AudioLength::for_response(StatusCode::from_u16(status).unwrap(), &headers)
    }

    fn millis(status: u16, media_type: &str, body: &[u8], part: usize) -> Option<u64> {
        let mut audio = length(status, media_type);
        body.chunks(part).for_each(|part| audio.take_part(part));
        audio.millis()
    }

    #[test]
    fn a_wav_file_is_as_long_as_its_samples_however_it_is_cut() {
        let file = wav(32_000);
        for part in [1, 3, 44, 100, 5000, file.len()] {
            assert_eq!(millis(200, "audio/wav", &file, part), Some(1000), "{part}");
        }
        assert_eq!(millis(200, "Audio/X-WAV; a=b", &wav(33), 7), Some(2));
        assert_eq!(millis(200, "audio/wav", &wav(0), 7), None);
    }

    #[test]
    fn pcm_is_counted_by_its_parameters() {
        assert_eq!(millis(200, "audio/pcm", &[0; 48_000], 7), Some(1000));
        let stereo = "audio/L16; rate=8000; channels=2";
        assert_eq!(millis(200, stereo, &[0; 32_000], 900), Some(1000));
        assert_eq!(millis(200, "audio/L16; rate=x", &[0; 32_000], 900), None);
    }

    #[test]
    fn what_is_no_whole_sound_is_not_counted() {
        assert_eq!(millis(206, "audio/wav", &wav(10), 99), None);
        assert_eq!(millis(500, "audio/wav", &wav(10), 99), None);
        assert_eq!(millis(200, "audio/mpeg", &wav(10), 99), None);
        assert_eq!(millis(200, "audio/wav", b"<html>no sound</html>", 5), None);
        assert_eq!(millis(200, "audio/wav", &[b'R'; 70_000], 1000), None);
        let mut endless = wav(0);
        endless.truncate(12);
        endless.extend(b"LIST\xff\xff\xff\xff");
        endless.extend(vec![0; LONGEST_HEADER]);
        assert_eq!(millis(200, "audio/wav", &endless, 1000), None);
        let mut without_rate = wav(10);
        without_rate[12..16].copy_from_slice(b"none");
        assert_eq!(millis(200, "audio/wav", &without_rate, 1000), None);
    }

    #[test]
    fn a_body_with_a_length_is_complete_without_a_look_at_its_end() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, "10".parse().unwrap());
        let mut audio = AudioLength::for_response(StatusCode::OK, &headers);
        audio.take_part(&[0; 9]);
        assert!(!audio.is_complete());
        audio.take_part(&[0]);
        assert!(audio.is_complete());
    }
}
