//! Decompresses a body that was read, within limits of its size.
//!
//! What is not one complete compressed stream is refused. Readers differ in what they do with bytes behind
//! its end: some ignore them, and some read them as the next part.

use std::io::Read;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::content_coding::ContentCoding;

/// The largest window of Zstandard, as a power of two: 8 MiB (RFC 9659).
const WINDOW_LOG: u32 = 23;

/// The bytes that Brotli writes at a time.
const PIECE: usize = 8 * 1024;

/// A body of this size is accepted whatever it was compressed to: a few words repeated compress well.
const ALWAYS: usize = 4 * 1024;

/// Why a body is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flaw {
    /// It is cut off, or is not of the coding that the header names.
    Corrupt,
    /// It would be larger than the limits allow.
    TooLarge,
    /// There are bytes behind its end.
    Trailing,
}

/// The limits of the decompressed body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// In bytes.
    pub(super) size: usize,
    /// How many times as long as the compressed body.
    pub(super) ratio: usize,
}

/// Decompresses a body. It stops one byte beyond the limits.
///
/// # Errors
///
/// [`Flaw`]: the body is damaged, grows beyond its limit, or has bytes behind its end.
pub(super) fn decompress(
    coding: ContentCoding,
    body: &[u8],
    limits: Limits,
) -> Result<Vec<u8>, Flaw> {
    let most = body
        .len()
        .saturating_mul(limits.ratio)
        .max(ALWAYS)
        .min(limits.size);
    match coding {
        ContentCoding::Brotli => brotli(body, most),
        ContentCoding::Gzip => gzip(body, most),
        ContentCoding::Zstd => zstandard(body, most),
    }
}

/// Decompresses one member of gzip (RFC 1952). Bytes behind it are refused: other readers may see a
/// second text there.
///
/// # Errors
///
/// As [`decompress`].
fn gzip(body: &[u8], most: usize) -> Result<Vec<u8>, Flaw> {
    let mut decoder = flate2::bufread::GzDecoder::new(body);
    let plain = read(&mut decoder, most)?;
    refuse_rest(plain, decoder.into_inner())
}

/// Decompresses one frame of Zstandard (RFC 8878), with a window of bounded size. Bytes behind it
/// are refused.
///
/// # Errors
///
/// As [`decompress`], and for a frame whose window is larger than the limit.
fn zstandard(body: &[u8], most: usize) -> Result<Vec<u8>, Flaw> {
    let decoder = zstd::stream::read::Decoder::with_buffer(body);
    let mut decoder = decoder.map_err(|_| Flaw::Corrupt)?.single_frame();
    let window = decoder.window_log_max(WINDOW_LOG);
    window.map_err(|_| Flaw::Corrupt)?;
    let plain = read(&mut decoder, most)?;
    refuse_rest(plain, decoder.finish())
}

/// Reads at most so many bytes, and fails if there are more.
///
/// # Errors
///
/// [`Flaw::TooLarge`] at the first byte beyond the limit, [`Flaw::Corrupt`] for damaged content.
fn read(decoder: &mut impl Read, most: usize) -> Result<Vec<u8>, Flaw> {
    let mut plain = Vec::new();
    let beyond = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = decoder.take(beyond).read_to_end(&mut plain);
    if plain.len() > most {
        return Err(Flaw::TooLarge);
    }
    read.map(|_| plain).map_err(|_| Flaw::Corrupt)
}

/// Refuses bytes that a decoder left.
///
/// # Errors
///
/// [`Flaw::Trailing`] if there are any.
fn refuse_rest(plain: Vec<u8>, rest: &[u8]) -> Result<Vec<u8>, Flaw> {
    if rest.is_empty() {
        Ok(plain)
    } else {
        Err(Flaw::Trailing)
    }
}

/// Decompresses Brotli (RFC 7932). Bytes behind the stream are refused.
///
/// # Errors
///
/// As [`decompress`].
fn brotli(body: &[u8], most: usize) -> Result<Vec<u8>, Flaw> {
    let new = StandardAlloc::default;
    // Without the extension for windows of more than 16 MiB.
    let mut state = BrotliState::new_strict(new(), new(), new());
    let (mut left, mut at, mut total) = (body.len(), 0, 0);
    let mut plain = Vec::new();
    let mut piece = [0; PIECE];
    loop {
        let (mut space, mut written) = (PIECE, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut at,
            body,
            &mut space,
            &mut written,
            &mut piece,
            &mut total,
            &mut state,
        );
        plain.extend_from_slice(piece.get(..written).unwrap_or_default());
        if plain.len() > most {
            return Err(Flaw::TooLarge);
        }
        match result {
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultSuccess => {
                return refuse_rest(plain, body.get(at..).unwrap_or_default());
            }
            BrotliResult::NeedsMoreInput | BrotliResult::ResultFailure => {
                return Err(Flaw::Corrupt);
            }
        }
    }
}
