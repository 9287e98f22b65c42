//! Which sections a PEM text (RFC 7468) has, for errors that name them.

/// Returns whether a section of this label begins in the text.
pub(crate) fn has(text: &str, label: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        let found = line
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"));
        found == Some(label)
    })
}
