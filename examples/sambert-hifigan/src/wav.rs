//! Samples as 16-bit mono WAV.

use std::io::{self, Write};

/// The length a streaming header announces: as much as the format can say.
const UNKNOWN: u32 = u32::MAX;

/// Returns a WAV header for `samples` samples, or for a stream whose length is not known yet.
///
/// Players read a stream with the greatest possible length until it ends.
#[must_use]
pub fn header(sample_rate: u32, samples: Option<u32>) -> [u8; 44] {
    let data = samples.map_or(UNKNOWN, |samples| samples.saturating_mul(2));
    let mut bytes = [0; 44];
    let mut rest = bytes.as_mut_slice();
    let parts: [&[u8]; 13] = [
        b"RIFF",
        &data.saturating_add(36).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16u32.to_le_bytes(),
        &1u16.to_le_bytes(), // PCM
        &1u16.to_le_bytes(), // mono
        &sample_rate.to_le_bytes(),
        &sample_rate.saturating_mul(2).to_le_bytes(),
        &2u16.to_le_bytes(),
        &16u16.to_le_bytes(),
        b"data",
        &data.to_le_bytes(),
    ];
    for part in parts {
        if let Some((head, tail)) = std::mem::take(&mut rest).split_at_mut_checked(part.len()) {
            head.copy_from_slice(part);
            rest = tail;
        }
    }
    bytes
}

/// Turns samples into little-endian 16-bit PCM, clipped to full scale.
#[must_use]
pub fn to_pcm16(samples: &[f32]) -> Vec<u8> {
    let step = |sample: &f32| (sample * 32768.0).floor().clamp(-32768.0, 32767.0) as i16;
    samples
        .iter()
        .flat_map(|sample| step(sample).to_le_bytes())
        .collect()
}

/// Writes a whole WAV file.
///
/// # Errors
///
/// Those of the writer.
pub fn write(mut writer: impl Write, sample_rate: u32, samples: &[f32]) -> io::Result<()> {
    let count = u32::try_from(samples.len()).ok();
    writer.write_all(&header(sample_rate, count))?;
    writer.write_all(&to_pcm16(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_is_clipped_and_not_wrapped() {
        assert_eq!(
            to_pcm16(&[1.0, -1.0, 2.0, 0.0]),
            [255, 127, 0, 128, 255, 127, 0, 0]
        );
    }

    #[test]
    fn a_header_tells_rate_and_length() {
        let header = header(16_000, Some(8));
        assert_eq!(&header[..4], b"RIFF");
        assert_eq!(header[24..28], 16_000u32.to_le_bytes());
        assert_eq!(header[40..], 16u32.to_le_bytes());
    }
}
