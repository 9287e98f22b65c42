//! Finds the sections of a PEM text (RFC 7468), for errors that name them.

/// Returns whether the text has a section with this label.
pub(crate) fn has(text: &str, label: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        let found = line
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"));
        found == Some(label)
    })
}
