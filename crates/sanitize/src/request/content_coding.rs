//! What `Content-Encoding` says of a body (RFC 9110, section 8.4).

use std::fmt;
use std::str::FromStr;

use http::{HeaderMap, HeaderValue, header};

/// A compression of bodies, as `Content-Encoding` names it.
///
/// Given to `SanitizeLayerBuilder::accept_compressed`, which exists with the feature `compression`.
///
/// ```
/// use palisade_sanitize::ContentCoding;
///
/// assert_eq!("br".parse(), Ok(ContentCoding::Brotli));
/// assert_eq!("X-Gzip".parse(), Ok(ContentCoding::Gzip));
/// assert_eq!(ContentCoding::Zstd.to_string(), "zstd");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ContentCoding {
    /// `br` (RFC 7932).
    Brotli,
    /// `gzip` (RFC 1952), and its older name `x-gzip`.
    Gzip,
    /// `zstd` (RFC 8878), with a window of at most 8 MiB (RFC 9659).
    Zstd,
}

impl ContentCoding {
    /// All codings.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Zstd];

    /// Returns the name, such as `gzip`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for ContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no [`ContentCoding`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnknownContentCoding;

impl fmt::Display for UnknownContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown content coding; use one of br, gzip, zstd")
    }
}

impl std::error::Error for UnknownContentCoding {}

impl FromStr for ContentCoding {
    type Err = UnknownContentCoding;

    /// Reads a name, without regard to case.
    fn from_str(name: &str) -> Result<Self, UnknownContentCoding> {
        match name.to_ascii_lowercase().as_str() {
            "br" => Ok(Self::Brotli),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(UnknownContentCoding),
        }
    }
}

/// What the headers say about compression.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Encoding {
    /// The body is as it is.
    Identity,
    /// One known coding.
    Known(ContentCoding),
    /// Another coding, or several: of those, readers may undo only the first.
    Other,
}

/// Reads `Content-Encoding`.
///
/// Two codings are `Other` even if they are known, in one line or in two.
pub(crate) fn encoding_of(headers: &HeaderMap) -> Encoding {
    let mut lines = headers.get_all(header::CONTENT_ENCODING).iter();
    let is_identity = |line: &HeaderValue| {
        line.as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"identity")
    };
    match (lines.next(), lines.next()) {
        (None, _) => Encoding::Identity,
        (Some(line), None) if !is_identity(line) => {
            let name = line.to_str().unwrap_or_default().trim();
            name.parse().map_or(Encoding::Other, Encoding::Known)
        }
        _ if headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .all(is_identity) =>
        {
            Encoding::Identity
        }
        _ => Encoding::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_known_coding_is_read_and_several_are_not() {
        let check = |lines: &[&'static str], expected| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::CONTENT_ENCODING, line.parse().unwrap());
            }
            assert_eq!(encoding_of(&headers), expected, "{lines:?}");
        };
        check(&[], Encoding::Identity);
        check(&["identity"], Encoding::Identity);
        check(&["Identity", " identity "], Encoding::Identity);
        for coding in ContentCoding::ALL {
            check(&[coding.name()], Encoding::Known(coding));
        }
        check(&[" GZIP "], Encoding::Known(ContentCoding::Gzip));
        check(&["x-gzip"], Encoding::Known(ContentCoding::Gzip));
        for lines in [
            &["gzip, gzip"][..],
            &["gzip", "gzip"],
            &["gzip, identity"],
            &["identity", "gzip"],
            &["deflate"],
            &[""],
            &["gzip;q=1"],
            &["gzip,"],
            &["compress"],
            &["aes128gcm"],
        ] {
            check(lines, Encoding::Other);
        }
    }
}
