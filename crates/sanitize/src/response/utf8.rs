//! Text from bytes in chunks, whose borders may be inside of a character.

/// Decodes UTF-8 in chunks. What is not UTF-8 becomes U+FFFD, as browsers do it.
///
/// At most 3 bytes are held back.
#[derive(Debug, Default)]
pub(super) struct Utf8Chunks {
    /// The beginning of a character.
    held: Vec<u8>,
}

impl Utf8Chunks {
    /// Takes a chunk and returns the characters that are whole.
    pub(super) fn push(&mut self, chunk: &[u8]) -> String {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let error = match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    break;
                }
                Err(error) => error,
            };
            let (valid, behind) = rest
                .split_at_checked(error.valid_up_to())
                .unwrap_or_default();
            text.push_str(std::str::from_utf8(valid).unwrap_or_default());
            let Some(wrong) = error.error_len() else {
                self.held = behind.to_vec();
                break;
            };
            text.push('\u{fffd}');
            rest = behind.get(wrong..).unwrap_or_default();
        }
        text
    }

    /// Returns what a text ends with that was cut off.
    pub(super) fn finish(&mut self) -> &'static str {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() { "" } else { "\u{fffd}" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_inside_of_characters_change_nothing() {
        let sent = b"a\xe5\xa5\xbd\xf0\x9f\x98\x80\xffb\xe5\xa5c\xed\xa0\x80\xf0\x9f\x98";
        let whole = String::from_utf8_lossy(sent);
        for size in 1..sent.len() {
            let mut chunks = Utf8Chunks::default();
            let mut text = String::new();
            for chunk in sent.chunks(size) {
                text.push_str(&chunks.push(chunk));
                assert!(chunks.held.len() < 4);
            }
            text.push_str(chunks.finish());
            assert_eq!(text, whole, "chunks of {size}");
        }
    }
}
