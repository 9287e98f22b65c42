//! Names of files: characters and names with a meaning to a file system, a shell or a decoder.
//!
//! The rules are the union of those of Windows ("Naming Files, Paths, and Namespaces") and of the
//! attacks on upload forms: a name is refused if any usual system reads it as something else than a
//! plain file in the folder where it is put.

use unicode_normalization::UnicodeNormalization;

use super::refused::Refused;

/// Characters that separate folders, drives or streams, or are wildcards or quotes.
const RESERVED: &[char] = &['/', '\\', ':', '*', '?', '"', '<', '>', '|'];

/// Characters that look like a slash, a backslash or a colon and have no such compatibility form, and
/// the currency signs that code pages of Japan and Korea map to a backslash.
const LOOK_ALIKE: &[char] = &[
    '\u{2044}', '\u{2215}', '\u{29f8}', '\u{2216}', '\u{29f5}', '\u{2236}', '\u{a789}', '\u{a5}',
    '\u{20a9}',
];

/// Names of devices on Windows, with or without an extension.
const DEVICES: [&str; 6] = ["AUX", "CON", "CONIN$", "CONOUT$", "NUL", "PRN"];

/// Checks a name.
///
/// # Errors
///
/// [`Refused::NotAllowed`] for a character, [`Refused::NotAFileName`] for the name as a whole. No
/// name is repaired: two could become one.
pub(super) fn check(name: &str) -> Result<(), Refused> {
    // Some programs normalize: a full-width slash becomes a slash, two dot leaders become dots.
    let folded: String = name.nfkc().collect();
    if name.contains(LOOK_ALIKE) || folded.contains(RESERVED) || has_escape(&folded) {
        return Err(Refused::NotAllowed);
    }
    let wrong_start = folded.starts_with(['.', '-', '~', ' ']);
    let wrong_end = folded.ends_with(['.', ' ']);
    if wrong_start || wrong_end || is_device(&folded) {
        return Err(Refused::NotAFileName);
    }
    Ok(())
}

/// Tells whether `%` stands before two hexadecimal digits.
fn has_escape(name: &str) -> bool {
    let mut escapes = name.as_bytes().windows(3);
    escapes.any(|three| {
        matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}

/// Tells whether Windows takes the name for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    let numbered = |prefix| {
        let number = stem.strip_prefix(prefix).map(str::as_bytes);
        matches!(number, Some([b'0'..=b'9']))
    };
    DEVICES.contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        for name in [
            "report.pdf",
            "报告（终稿）.docx",
            "a..b.tar.gz",
            "100%.txt",
            "console.log",
            "COM.txt",
            "com10.txt",
            "ノート丿.md",
            "été 2026_v1-2.png",
            "x~",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_a_system_reads_as_something_else_is_refused() {
        for name in [
            "a/b",
            "a\\b",
            "C:x",
            "a:stream",
            "a／b",
            "a＼b",
            "a∕b",
            "a⁄b",
            "a⧸b",
            "a﹨b",
            "a：b",
            "a꞉b",
            "what?",
            "*",
            "a|b",
            "%2e%2e%2fx",
            "a¥b",
            "a₩b",
            "＜x＞",
        ] {
            assert_eq!(check(name), Err(Refused::NotAllowed), "{name}");
        }
        for name in [
            ".",
            "..",
            ".htaccess",
            "-rf",
            "~root",
            "a.",
            "a․",
            "‥",
            "NUL",
            "nul.txt",
            "Com1",
            "lpt¹.log",
            "CON .x",
            "conin$",
            "．ssh",
        ] {
            assert_eq!(check(name), Err(Refused::NotAFileName), "{name}");
        }
    }
}
