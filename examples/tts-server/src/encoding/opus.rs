//! Opus in Ogg (RFC 6716, RFC 7845): small enough for a telephone line, clear enough for speech.

use ogg::{PacketWriteEndInfo, PacketWriter};
use opus_rs::{Application, OpusEncoder};

use super::{EncodeError, Encoder, broken};

/// Bits a second: where wideband speech is as good as it gets.
const BITRATE: i32 = 32_000;
/// Packets hold 20 ms; Ogg counts in 48 kHz whatever was encoded.
const PACKETS_A_SECOND: u32 = 50;
const OGG_RATE: u32 = 48_000;
/// Packets on a page: a fifth of a second, so that a stream hardly waits for one to fill.
const PAGE: u32 = 10;
/// The largest packet that Opus has.
const MOST_BYTES: usize = 1275;
/// A stream has a number of its own only where several share a file.
const SERIAL: u32 = 1;
const NAME: &str = "opus";

/// The encoder looks 6.5 ms ahead; a decoder skips as much at the start.
const PRE_SKIP: u16 = 312;

pub(super) struct Opus {
    encoder: OpusEncoder,
    writer: PacketWriter<'static, Vec<u8>>,
    rate: u32,
    rest: Vec<f32>,
    /// Samples that came in.
    samples: u64,
    packets: u32,
    /// A packet that is kept until it is known whether it is the last.
    held: Option<Vec<u8>>,
}

impl Opus {
    /// Tells whether there are packets of this sample rate.
    pub(super) fn takes(sample_rate: u32) -> bool {
        [8_000, 12_000, 16_000, 24_000, 48_000].contains(&sample_rate)
    }

    pub(super) fn new(sample_rate: u32) -> Result<Self, EncodeError> {
        let rate = i32::try_from(sample_rate).map_err(|why| broken(NAME, &why))?;
        // Not `Voip`: that one filters low tones, for microphones that hum.
        let encoder = OpusEncoder::new(rate, 1, Application::Audio);
        let mut encoder = encoder.map_err(|why| broken(NAME, &why))?;
        encoder.bitrate_bps = BITRATE;
        let mut this = Self {
            encoder,
            writer: PacketWriter::new(Vec::new()),
            rate: sample_rate,
            rest: Vec::new(),
            samples: 0,
            packets: 0,
            held: None,
        };
        this.write(head(sample_rate), PacketWriteEndInfo::EndPage, 0)?;
        this.write(tags(), PacketWriteEndInfo::EndPage, 0)?;
        Ok(this)
    }

    fn packet_samples(&self) -> usize {
        (self.rate / PACKETS_A_SECOND) as usize
    }

    /// Encodes one packet, and writes the one before it.
    fn packet(&mut self, samples: &[f32]) -> Result<(), EncodeError> {
        let mut packet = vec![0; MOST_BYTES];
        let length = self.encoder.encode(samples, samples.len(), &mut packet);
        packet.truncate(length.map_err(|why| broken(NAME, &why))?);
        if let Some(before) = self.held.replace(packet) {
            self.packets += 1;
            let end = match self.packets % PAGE {
                0 => PacketWriteEndInfo::EndPage,
                _ => PacketWriteEndInfo::NormalPacket,
            };
            let position = u64::from(self.packets) * u64::from(OGG_RATE / PACKETS_A_SECOND);
            self.write(before, end, position)?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        packet: Vec<u8>,
        end: PacketWriteEndInfo,
        position: u64,
    ) -> Result<(), EncodeError> {
        let written = self.writer.write_packet(packet, SERIAL, end, position);
        written.map_err(|why| broken(NAME, &why))
    }

    /// Returns where the last sample lies, in samples of 48 kHz from the first that a decoder gives.
    fn end(&self) -> u64 {
        self.samples * u64::from(OGG_RATE / self.rate) + u64::from(PRE_SKIP)
    }

    fn written(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }
}

impl Encoder for Opus {
    fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, EncodeError> {
        self.samples += samples.len() as u64;
        self.rest.extend_from_slice(samples);
        let waiting = std::mem::take(&mut self.rest);
        let packets = waiting.chunks_exact(self.packet_samples());
        self.rest.extend_from_slice(packets.remainder());
        for packet in packets {
            self.packet(packet)?;
        }
        Ok(self.written())
    }

    /// Adds silence until everything has come out of the encoder, and says how much of it is to be cut off.
    fn finish(&mut self) -> Result<Vec<u8>, EncodeError> {
        let ahead = usize::from(PRE_SKIP) * self.rate as usize / OGG_RATE as usize;
        let mut rest = std::mem::take(&mut self.rest);
        let length = (rest.len() + ahead).next_multiple_of(self.packet_samples());
        rest.resize(length, 0.0);
        for packet in rest.chunks_exact(self.packet_samples()) {
            self.packet(packet)?;
        }
        if let Some(last) = self.held.take() {
            self.write(last, PacketWriteEndInfo::EndStream, self.end())?;
        }
        Ok(self.written())
    }
}

fn head(sample_rate: u32) -> Vec<u8> {
    let (version, channels, gain, mapping) = (1, 1, [0; 2], 0);
    let mut head = b"OpusHead".to_vec();
    head.extend([version, channels]);
    head.extend(PRE_SKIP.to_le_bytes());
    head.extend(sample_rate.to_le_bytes());
    head.extend(gain);
    head.push(mapping);
    head
}

fn tags() -> Vec<u8> {
    let (vendor, comments) = (b"opus-rs", 0_u32);
    let mut tags = b"OpusTags".to_vec();
    tags.extend((vendor.len() as u32).to_le_bytes());
    tags.extend(vendor);
    tags.extend(comments.to_le_bytes());
    tags
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opus_rs::OpusDecoder;

    use super::*;

    /// A voice-like sound: a low tone with harmonics that swells and fades.
    fn sound(count: usize) -> Vec<f32> {
        let sample = |at: usize| {
            let time = at as f32 / 16_000.0;
            let swell = (time * 7.0).sin().abs() * 0.3;
            let tones =
                [220.0, 440.0, 880.0].map(|pitch| (time * pitch * std::f32::consts::TAU).sin());
            tones.iter().sum::<f32>() * swell
        };
        (0..count).map(sample).collect()
    }

    fn file(samples: &[f32], stretch: usize) -> Vec<u8> {
        let mut encoder = Opus::new(16_000).unwrap();
        let mut file = Vec::new();
        for stretch in samples.chunks(stretch) {
            file.extend(encoder.encode(stretch).unwrap());
        }
        file.extend(encoder.finish().unwrap());
        file
    }

    /// Decodes as a player does: without the start that is to be skipped and what is behind the end.
    fn decode(file: &[u8]) -> Vec<f32> {
        let mut reader = ogg::PacketReader::new(std::io::Cursor::new(file));
        let head = reader.read_packet().unwrap().unwrap();
        assert_eq!(&head.data[..8], b"OpusHead");
        assert_eq!(
            &reader.read_packet().unwrap().unwrap().data[..8],
            b"OpusTags"
        );
        let mut decoder = OpusDecoder::new(16_000, 1).unwrap();
        let (mut decoded, mut end, mut closed) = (Vec::new(), 0, false);
        while let Some(packet) = reader.read_packet().unwrap() {
            assert!(!closed, "nothing follows the end");
            let mut samples = vec![0.0; 320];
            let count = decoder.decode(&packet.data, 320, &mut samples).unwrap();
            decoded.extend_from_slice(&samples[..count]);
            (end, closed) = (packet.absgp_page(), packet.last_in_stream());
        }
        assert!(closed);
        let (skip, end) = (usize::from(PRE_SKIP) / 3, end as usize / 3);
        assert!(decoded.len() >= end, "{} of {end}", decoded.len());
        decoded[skip..end].to_vec()
    }

    #[test]
    fn what_is_decoded_is_as_long_as_what_was_encoded_and_sounds_alike() {
        let loud = sound(32_000);
        let decoded = decode(&file(&loud, 5_000));
        assert_eq!(decoded.len(), loud.len());
        let dot =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let likeness = dot(&loud, &decoded) / (dot(&loud, &loud) * dot(&decoded, &decoded)).sqrt();
        assert!(likeness > 0.99, "{likeness}");
    }

    #[test]
    fn the_stretches_leave_no_trace_and_no_sample_is_lost() {
        for count in [1, 319, 320, 321, 16_100] {
            let sound = sound(count);
            let whole = file(&sound, count);
            assert_eq!(file(&sound, 1 + count / 3), whole);
            assert_eq!(decode(&whole).len(), count);
        }
    }
}
