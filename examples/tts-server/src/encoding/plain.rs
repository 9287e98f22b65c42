//! Samples as they are: WAV and PCM.

use sambert_hifigan::wav;

use super::{EncodeError, Encoder};

/// 16 bits a sample, the low byte first.
#[derive(Debug)]
pub(super) struct Plain;

impl Encoder for Plain {
    fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, EncodeError> {
        Ok(wav::to_pcm16(samples))
    }

    fn finish(&mut self) -> Result<Vec<u8>, EncodeError> {
        Ok(Vec::new())
    }
}
