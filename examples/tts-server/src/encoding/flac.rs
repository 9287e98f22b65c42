//! FLAC (RFC 9639): the same samples as PCM in about half the bytes.

use flacenc::{
    bitsink::ByteSink,
    component::{BitRepr, StreamInfo},
    config,
    error::{Verified, Verify},
    source::{Fill, FrameBuf},
};
use sambert_hifigan::wav;

use super::{EncodeError, Encoder, broken};

/// Samples in a block: an eighth of a second of the demo voice, so that a stream hardly waits for one to fill.
const BLOCK: u16 = 2048;
const BITS: usize = 16;
const NAME: &str = "flac";

pub(super) struct Flac {
    whole: Verified<config::Encoder>,
    last: Verified<config::Encoder>,
    info: StreamInfo,
    block: FrameBuf,
    /// Samples that do not fill a block yet.
    rest: Vec<i32>,
    frames: usize,
}

impl Flac {
    pub(super) fn new(sample_rate: u32) -> Result<Self, EncodeError> {
        let mut whole = config::Encoder::default();
        whole.block_size = usize::from(BLOCK);
        let mut last = whole.clone();
        // The library keeps a window for each length of a block that it predicts linearly. Last blocks are of
        // every length.
        last.subframe_coding.use_lpc = false;
        let verified = |config: config::Encoder| {
            let verified = config.into_verified();
            verified.map_err(|(_, why)| broken(NAME, &why))
        };
        let info = StreamInfo::new(sample_rate as usize, 1, BITS);
        let block = FrameBuf::with_size(1, usize::from(BLOCK));
        Ok(Self {
            whole: verified(whole)?,
            last: verified(last)?,
            info: info.map_err(|why| broken(NAME, &why))?,
            block: block.map_err(|why| broken(NAME, &why))?,
            rest: Vec::with_capacity(usize::from(BLOCK)),
            frames: 0,
        })
    }

    fn frame(&mut self, samples: &[i32], sink: &mut ByteSink) -> Result<(), EncodeError> {
        let config = if samples.len() == usize::from(BLOCK) {
            &self.whole
        } else {
            &self.last
        };
        let filled = self.block.fill_interleaved(samples);
        filled.map_err(|why| broken(NAME, &why))?;
        let frame = flacenc::encode_fixed_size_frame(config, &self.block, self.frames, &self.info);
        let frame = frame.map_err(|why| broken(NAME, &why))?;
        self.frames += 1;
        frame.write(sink).map_err(|why| broken(NAME, &why))
    }
}

impl Encoder for Flac {
    fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, EncodeError> {
        self.rest.extend(integers(samples));
        let mut sink = ByteSink::new();
        let waiting = std::mem::take(&mut self.rest);
        let blocks = waiting.chunks_exact(usize::from(BLOCK));
        self.rest.extend_from_slice(blocks.remainder());
        for block in blocks {
            self.frame(block, &mut sink)?;
        }
        Ok(sink.into_inner())
    }

    fn finish(&mut self) -> Result<Vec<u8>, EncodeError> {
        let mut sink = ByteSink::new();
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.frame(&rest, &mut sink)?;
        }
        Ok(sink.into_inner())
    }
}

/// The very samples that PCM has.
fn integers(samples: &[f32]) -> impl Iterator<Item = i32> {
    let bytes = wav::to_pcm16(samples);
    let integer = |at: usize| {
        let pair = [bytes.get(at).copied(), bytes.get(at + 1).copied()];
        let [low, high] = pair.map(Option::unwrap_or_default);
        i32::from(i16::from_le_bytes([low, high]))
    };
    let integers: Vec<i32> = (0..bytes.len()).step_by(2).map(integer).collect();
    integers.into_iter()
}

/// The marker and the one block that every file has. Sizes of frames and the digest are not known at the start.
pub(super) fn header(sample_rate: u32, samples: Option<u64>) -> Vec<u8> {
    const LAST_BLOCK: u8 = 0x80;
    let mut header = b"fLaC".to_vec();
    header.extend([LAST_BLOCK, 0, 0, 34]);
    header.extend(BLOCK.to_be_bytes());
    header.extend(BLOCK.to_be_bytes());
    header.extend([0; 6]);
    // 20 bits of rate, 3 of channels less one, 5 of bits less one, 36 of samples; 0 where they are unknown.
    let samples = samples.filter(|samples| *samples < 1 << 36);
    let packed = u64::from(sample_rate) << 44 | (BITS as u64 - 1) << 36 | samples.unwrap_or(0);
    header.extend(packed.to_be_bytes());
    header.extend([0; 16]);
    header
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(samples: &[f32], stretch: usize, count: Option<u64>) -> Vec<u8> {
        let mut encoder = Flac::new(16_000).unwrap();
        let mut file = header(16_000, count);
        for stretch in samples.chunks(stretch) {
            file.extend(encoder.encode(stretch).unwrap());
        }
        file.extend(encoder.finish().unwrap());
        file
    }

    /// Something like speech: a tone that swells, silence, and noise at full scale.
    fn sound(count: usize) -> Vec<f32> {
        let sample = |at: usize| match at / 3000 % 3 {
            0 => (at as f32 * 0.05).sin() * (at as f32 / 9000.0),
            1 => 0.0,
            _ => (at.wrapping_mul(2_654_435_761) % 65_536) as f32 / 32_768.0 - 1.0,
        };
        (0..count).map(sample).collect()
    }

    #[test]
    fn what_is_decoded_is_what_was_encoded_whatever_the_stretches() {
        for count in [1, 31, 63, 2047, 2048, 2049, 20_000] {
            let sound = sound(count);
            let expected: Vec<i32> = integers(&sound).collect();
            for (stretch, known) in [(1 + count / 7, None), (count, Some(count as u64))] {
                let file = file(&sound, stretch, known);
                let mut reader = claxon::FlacReader::new(file.as_slice()).unwrap();
                assert_eq!(reader.streaminfo().sample_rate, 16_000);
                assert_eq!(reader.streaminfo().samples, known);
                let decoded: Vec<i32> = reader.samples().map(Result::unwrap).collect();
                assert_eq!(
                    decoded, expected,
                    "{count} samples in stretches of {stretch}"
                );
            }
        }
    }

    #[test]
    fn a_stream_does_not_wait_for_more_than_a_block() {
        let mut encoder = Flac::new(16_000).unwrap();
        assert!(encoder.encode(&sound(2047)).unwrap().is_empty());
        assert!(!encoder.encode(&sound(1)).unwrap().is_empty());
    }
}
