//! Splits a compact serialisation into its parts (RFC 7515 section 7.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::error::InvalidToken;

/// The three parts of a token, still encoded.
#[derive(Clone, Copy)]
pub(crate) struct CompactParts<'a> {
    /// The protected header.
    pub(crate) header: &'a str,
    /// The payload.
    pub(crate) claims: &'a str,
    /// Never empty.
    pub(crate) signature: &'a str,
    /// What was signed: the first two parts with the dot between them.
    pub(crate) signed: &'a str,
}

impl<'a> CompactParts<'a> {
    /// Splits at the dots. The length limit is checked first.
    pub(crate) fn split(token: &'a str, most: usize) -> Result<Self, InvalidToken> {
        if token.len() > most {
            return Err(InvalidToken::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(InvalidToken::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(InvalidToken::Shape)?;
        // A further dot is in none of the alphabets, so five parts (an encrypted token) end here
        // too.
        let dotted = claims.contains('.');
        if dotted || header.is_empty() || signature.is_empty() {
            return Err(InvalidToken::Shape);
        }
        Ok(Self {
            header,
            claims,
            signature,
            signed,
        })
    }
}

/// Decodes base64url as RFC 7515 section 2 requires: no padding, no white space, no unused bits.
pub(crate) fn base64url(text: &str) -> Result<Vec<u8>, InvalidToken> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| InvalidToken::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_and_no_other_number() {
        assert!(CompactParts::split("a.b.c", 5).is_ok());
        for wrong in [
            "",
            ".",
            "..",
            "a",
            "a.b",
            "a.b.",
            ".b.c",
            "a.b.c.d",
            "a.b.c.d.e",
            "{\"payload\":\"\"}",
        ] {
            let error = CompactParts::split(wrong, 100).map(drop).unwrap_err();
            assert_eq!(error, InvalidToken::Shape, "{wrong:?}");
        }
    }

    #[test]
    fn one_byte_over_the_cap_is_too_large() {
        assert_eq!(
            CompactParts::split("a.b.c", 4).map(drop),
            Err(InvalidToken::TooLarge)
        );
    }

    #[test]
    fn padding_white_space_other_alphabets_and_unused_bits_are_refused() {
        assert_eq!(base64url("Zm8"), Ok(b"fo".to_vec()));
        for wrong in ["Zm8=", "Zm9", "Zm8 ", "Z m8", "Zm8\n", "+/+/", "Z", "é"] {
            let outcome = base64url(wrong);
            if wrong == "Zm9" {
                assert_eq!(outcome, Err(InvalidToken::Base64), "unused bits");
            } else {
                assert_eq!(outcome, Err(InvalidToken::Base64), "{wrong:?}");
            }
        }
    }
}
