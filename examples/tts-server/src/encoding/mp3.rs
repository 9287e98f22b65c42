//! MP3 (MPEG-2 Layer III, ISO 13818-3): every player and every client of OpenAI's API reads it.
//!
//! The encoder is in Rust and has no dependencies; the licences of LAME and Shine (LGPL) ask more of those who pass the
//! binary on than the rest of it does.

use rusty_mp3::{Error, Mp3Encoder, Mp3EncoderConfig};

use super::{EncodeError, Encoder, Extent, broken};

/// Thousands of bits a second: where one channel of wideband speech is as good as it gets.
const KILOBITS: u32 = 64;
/// Sample rates of MPEG-2. Those of MPEG-1 are of no use to speech, and their bits are shared out over a whole file, so
/// that a stream would wait for its end.
const RATES: [u32; 3] = [16_000, 22_050, 24_000];
const NAME: &str = "mp3";

/// Encodes frames of 24 to 36 ms.
///
/// A whole file begins with a frame that says how many samples at both ends are none of the sound, so that players cut
/// them off. A stream has no such frame: its end is not known when it begins.
pub(super) struct Mp3 {
    encoder: Mp3Encoder,
    rate: u32,
    extent: Extent,
    has_begun: bool,
}

impl Mp3 {
    /// Returns the sample rate of the file for a voice of this rate: the same, or the highest that there is.
    pub(super) fn rate(voice: u32) -> u32 {
        match RATES.contains(&voice) {
            true => voice,
            false => 24_000,
        }
    }

    pub(super) fn new(sample_rate: u32, extent: Extent) -> Self {
        let config = Mp3EncoderConfig {
            bitrate_kbps: KILOBITS,
            vbr_quality: None,
        };
        Self {
            encoder: Mp3Encoder::new(config),
            rate: sample_rate,
            extent,
            has_begun: false,
        }
    }

    /// Gives the frames that are finished.
    fn frames(&mut self) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        loop {
            match self.encoder.next_packet() {
                // The first holds what only the end can tell.
                Ok(_) if !self.has_begun && self.extent == Extent::Stream => {}
                Ok(frame) => bytes.extend(frame),
                Err(Error::Again | Error::Eof) => return Ok(bytes),
                Err(why) => return Err(broken(NAME, &why)),
            }
            self.has_begun = true;
        }
    }
}

impl Encoder for Mp3 {
    fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, EncodeError> {
        let pushed = self.encoder.push_pcm_f32(samples, 1, self.rate);
        pushed.map_err(|why| broken(NAME, &why))?;
        match self.extent {
            Extent::Stream => self.frames(),
            // The first frame is written last.
            Extent::Whole => Ok(Vec::new()),
        }
    }

    fn finish(&mut self) -> Result<Vec<u8>, EncodeError> {
        self.encoder.finish();
        self.frames()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rusty_mp3::Mp3Decoder;

    use super::*;

    /// A voice-like sound: a low tone with harmonics that swells and fades.
    fn sound(rate: u32, count: usize) -> Vec<f32> {
        let sample = |at: usize| {
            let time = at as f32 / rate as f32;
            let swell = (time * 7.0).sin().abs() * 0.3;
            let tones =
                [220.0, 440.0, 880.0].map(|pitch| (time * pitch * std::f32::consts::TAU).sin());
            tones.iter().sum::<f32>() * swell
        };
        (0..count).map(sample).collect()
    }

    fn file(samples: &[f32], rate: u32, stretch: usize, extent: Extent) -> Vec<u8> {
        let mut encoder = Mp3::new(rate, extent);
        let mut file = Vec::new();
        for stretch in samples.chunks(stretch) {
            file.extend(encoder.encode(stretch).unwrap());
        }
        file.extend(encoder.finish().unwrap());
        file
    }

    fn decode(file: &[u8], rate: u32) -> Vec<f32> {
        let mut decoder = Mp3Decoder::new();
        decoder.push(file);
        decoder.flush();
        let mut samples = Vec::new();
        while let Ok(frame) = decoder.next_frame() {
            assert_eq!((frame.sample_rate, frame.channels), (rate, 1));
            samples.extend(frame.samples);
        }
        samples
    }

    /// Finds the best likeness over all delays that a codec may add.
    fn likeness(sound: &[f32], heard: &[f32]) -> f64 {
        let dot =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let alike = |delay: usize| {
            let heard = &heard[delay..];
            let both = dot(sound, sound) * dot(&heard[..sound.len()], &heard[..sound.len()]);
            dot(sound, heard) / both.sqrt()
        };
        let delays = 0..=heard.len() - sound.len();
        delays.map(alike).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn what_is_decoded_sounds_like_what_was_encoded_at_every_rate() {
        for rate in RATES {
            let loud = sound(rate, rate as usize / 2);
            for extent in [Extent::Stream, Extent::Whole] {
                let heard = decode(&file(&loud, rate, 1_000, extent), rate);
                assert!(
                    heard.len() > loud.len(),
                    "{} of {}",
                    heard.len(),
                    loud.len()
                );
                let likeness = likeness(&loud, &heard);
                assert!(likeness > 0.99, "{rate} Hz: {likeness}");
            }
        }
    }

    #[test]
    fn the_stretches_leave_no_trace_and_only_a_whole_file_says_what_is_to_be_cut_off() {
        for count in [1, 575, 576, 577, 16_100] {
            let sound = sound(16_000, count);
            let [stream, whole] =
                [Extent::Stream, Extent::Whole].map(|extent| file(&sound, 16_000, count, extent));
            for extent in [Extent::Stream, Extent::Whole] {
                let again = file(&sound, 16_000, 1 + count / 3, extent);
                let expected = if extent == Extent::Stream {
                    &stream
                } else {
                    &whole
                };
                assert_eq!(&again, expected, "{count} samples");
            }
            assert!(whole.ends_with(&stream), "the sound is the same");
            let first = &whole[..whole.len() - stream.len()];
            assert!(first.windows(4).any(|bytes| bytes == b"Info"));
            assert!(!stream.windows(4).any(|bytes| bytes == b"Info"));
        }
    }

    #[test]
    fn a_stream_does_not_wait_for_its_end() {
        let mut encoder = Mp3::new(16_000, Extent::Stream);
        let sound = sound(16_000, 3_200);
        let first = encoder.encode(&sound).unwrap();
        assert!(first.len() > 1_000, "{} bytes of 0.2 s", first.len());
    }

    #[test]
    fn a_voice_of_another_rate_is_brought_to_one_that_there_is() {
        for (voice, expected) in [
            (8_000, 24_000),
            (16_000, 16_000),
            (22_050, 22_050),
            (48_000, 24_000),
        ] {
            assert_eq!(Mp3::rate(voice), expected);
        }
    }
}
