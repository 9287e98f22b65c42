//! Samples as they are: WAV and PCM.

use sambert_hifigan::wav;

use super::Encoder;
use crate::synthesis::SpeechError;

/// 16 bits a sample, the low byte first.
#[derive(Debug)]
pub(super) struct Plain;

impl Encoder for Plain {
    fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, SpeechError> {
        Ok(wav::to_pcm16(samples))
    }

    fn finish(&mut self) -> Result<Vec<u8>, SpeechError> {
        Ok(Vec::new())
    }
}
