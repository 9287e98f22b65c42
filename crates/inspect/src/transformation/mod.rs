//! Transformations: what `t:` does to a value before the operator sees it.
//!
//! Each returns `None` if the value does not change, which is the common case and costs no copy.
//! [`Transformation::triggers`] names the bytes without which nothing can change, so that most
//! values need not even be read.
//!
//! "Transformation functions" in the reference manual describes each. They undo what an attacker
//! does to hide a text: encodings, comments, quotes, case. A rule lists those that the program
//! behind would undo too.
//!
//! None of them fails; each tells what it does with a wrong encoding. The result is never much
//! longer than the value, except for `hexEncode`, `urlEncode`, `base64Encode` and
//! `utf8toUnicode`, which multiply it by a small constant.

mod codes;
mod escapes;
mod path;
mod unicode;
mod url;
mod words;

use crate::byte_set::ByteSet;

/// Defines the transformations: their names in SecLang, their function and what triggers them.
///
/// One list gives the enum, the names and the functions. A transformation without triggers runs
/// on each text.
macro_rules! transformations {
    ($($(#[$doc:meta])* $variant:ident = $($name:literal)|+, $function:path, $triggers:expr;)+) => {
        /// One transformation.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub(crate) enum Transformation { $($(#[$doc])* $variant,)+ }

        impl Transformation {
            /// Finds a transformation by its name, in any case.
            pub(crate) fn parse(name: &str) -> Option<Self> {
                match name.to_ascii_lowercase().as_str() {
                    $($($name)|+ => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Transforms a value. `None` if nothing changes.
            pub(crate) fn apply(self, value: &[u8]) -> Option<Vec<u8>> {
                match self { $(Self::$variant => $function(value),)+ }
            }

            /// The bytes without which nothing changes. Empty: always apply.
            const fn trigger_bytes(self) -> &'static [u8] {
                match self { $(Self::$variant => $triggers,)+ }
            }
        }
    };
}

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
/// Blanks as ModSecurity counts them, with the non-breaking space of Latin 1.
const BLANKS: &[u8] = b" \t\n\r\x0b\x0c\xa0";
/// The bytes with which a comment or its mark may start.
const COMMENTS: &[u8] = b"/*<->#";
/// What [`Transformation::CmdLine`] removes or replaces.
const COMMAND: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\"'\\^,; \t\r\n";
/// The same without letters, of which it changes only the case.
const COMMAND_SYNTAX: &[u8] = b"\"'\\^,; \t\r\n";
/// No trigger: each text may change.
const ALWAYS: &[u8] = b"";

transformations! {
    /// Decodes Base64 up to the first character outside its alphabet.
    ///
    /// The alphabets of RFC 4648, sections 4 and 5, are both known.
    Base64Decode = "base64decode", codes::base64_decode, ALWAYS;
    /// Decodes Base64 and skips what is outside its alphabet.
    ///
    /// It finds text that PHP decodes, whose function skips such bytes.
    Base64DecodeExt = "base64decodeext", codes::base64_decode_lenient, ALWAYS;
    /// Encodes as Base64.
    ///
    /// With `=` at the end where needed.
    Base64Encode = "base64encode", codes::base64_encode, ALWAYS;
    /// Removes the quoting of Windows and Unix command lines.
    ///
    /// For rules against commands of a shell.
    CmdLine = "cmdline", words::command_line, COMMAND;
    /// Makes one blank of several.
    ///
    /// Each kind of blank becomes a space.
    CompressWhitespace = "compresswhitespace", words::compress_whitespace, BLANKS;
    /// Decodes `\41` of CSS.
    ///
    /// Up to six digits and one blank (CSS 2.1, section 4.1.3).
    CssDecode = "cssdecode", escapes::css, b"\\";
    /// Decodes the escapes of ANSI C.
    ///
    /// An unknown escape keeps its backslash.
    EscapeSeqDecode = "escapeseqdecode", escapes::ansi_c, b"\\";
    /// Decodes pairs of hexadecimal digits.
    ///
    /// What is no pair is left out.
    HexDecode = "hexdecode", codes::hex_decode, ALWAYS;
    /// Encodes as hexadecimal digits.
    ///
    /// In lower case.
    HexEncode = "hexencode", codes::hex_encode, ALWAYS;
    /// Decodes `&lt;` and `&#60;`.
    ///
    /// Only numbers and `quot`, `amp`, `lt`, `gt`, `nbsp`; the semicolon may be missing.
    HtmlEntityDecode = "htmlentitydecode", escapes::html, b"&";
    /// Decodes the escapes of JavaScript.
    ///
    /// An unknown escape loses its backslash.
    JsDecode = "jsdecode", escapes::javascript, b"\\";
    /// The length as a decimal number.
    ///
    /// In bytes.
    Length = "length", codes::length, ALWAYS;
    /// Lower case.
    ///
    /// Only ASCII letters.
    Lowercase = "lowercase", words::lowercase, UPPER;
    /// Resolves `.`, `..` and repeated slashes.
    ///
    /// It may not leave the root: `/../a` is `/a`.
    NormalizePath = "normalizepath" | "normalisepath", path::normalize, b"./";
    /// The same, where a backslash is a slash.
    NormalizePathWin = "normalizepathwin" | "normalisepathwin", path::normalize_windows, b"./\\";
    /// Removes comments of C, SQL and HTML.
    ///
    /// A comment that does not end reaches to the end.
    RemoveComments = "removecomments", words::remove_comments, COMMENTS;
    /// Removes the marks of comments.
    ///
    /// The text between the marks stays.
    RemoveCommentsChar = "removecommentschar", words::remove_comment_marks, COMMENTS;
    /// Removes null bytes.
    RemoveNulls = "removenulls", words::remove_nulls, b"\0";
    /// Removes blanks.
    RemoveWhitespace = "removewhitespace", words::remove_whitespace, BLANKS;
    /// Replaces each comment of C by a blank.
    ///
    /// Several comments in a row give several blanks.
    ReplaceComments = "replacecomments", words::replace_comments, b"/";
    /// Replaces null bytes by blanks.
    ReplaceNulls = "replacenulls", words::replace_nulls, b"\0";
    /// The SHA-1 of the value, as bytes.
    ///
    /// It is used for sampling, not for safety.
    Sha1 = "sha1", codes::sha1, ALWAYS;
    /// Decodes `0x414243` of SQL.
    ///
    /// Other text stays as it is.
    SqlHexDecode = "sqlhexdecode", codes::sql_hex_decode, b"xX";
    /// Removes blanks at both ends.
    Trim = "trim", words::trim, BLANKS;
    /// Removes blanks at the start.
    TrimLeft = "trimleft", words::trim_start, BLANKS;
    /// Removes blanks at the end.
    TrimRight = "trimright", words::trim_end, BLANKS;
    /// Upper case.
    ///
    /// Only ASCII letters.
    Uppercase = "uppercase", words::uppercase, LOWER;
    /// Decodes `%41` and `+`.
    ///
    /// Once: `%2541` becomes `%41`.
    UrlDecode = "urldecode", url::decode, b"%+";
    /// Decodes `%41`, `%u0041` and `+`.
    ///
    /// `%uXXXX` is an old form of Microsoft's servers. Code points become the ASCII character
    /// they resemble.
    UrlDecodeUni = "urldecodeuni", url::decode_unicode, b"%+";
    /// Encodes what is no letter or digit.
    ///
    /// `*` stays and a blank becomes `+`.
    UrlEncode = "urlencode", url::encode, ALWAYS;
    /// Writes characters beyond ASCII as `%uXXXX`.
    ///
    /// `urlDecodeUni` after it turns full-width letters into ASCII.
    Utf8ToUnicode = "utf8tounicode", unicode::to_percent_u, ALWAYS;
}

impl Transformation {
    /// The bytes of which at least one must be in a value for it to change.
    ///
    /// All bytes if it may change any text, even an empty one.
    pub(crate) fn triggers(self) -> ByteSet {
        match (self, self.trigger_bytes()) {
            (Self::Utf8ToUnicode, _) => ByteSet::range(0x80, 0xff),
            (_, []) => ByteSet::all(),
            (_, bytes) => ByteSet::of(bytes),
        }
    }

    /// The bytes of which at least one must be in a value for more to change than the case of
    /// letters.
    ///
    /// All bytes if it may change any text.
    pub(crate) fn triggers_beyond_case(self) -> ByteSet {
        match self {
            Self::Lowercase | Self::Uppercase => ByteSet::default(),
            Self::CmdLine => ByteSet::of(COMMAND_SYNTAX),
            _ => self.triggers(),
        }
    }

    /// The bytes that the result may have although the value has none of them, in either case.
    ///
    /// Most remove or move bytes. Decoders can make any, and so can what is not listed.
    pub(crate) fn creates(self) -> ByteSet {
        let bytes: &[u8] = match self {
            Self::Lowercase
            | Self::Uppercase
            | Self::NormalizePath
            | Self::RemoveComments
            | Self::RemoveCommentsChar
            | Self::RemoveNulls
            | Self::RemoveWhitespace
            | Self::Trim
            | Self::TrimLeft
            | Self::TrimRight => b"",
            Self::CmdLine
            | Self::CompressWhitespace
            | Self::ReplaceComments
            | Self::ReplaceNulls => b" ",
            Self::NormalizePathWin => b"/",
            _ => return ByteSet::all(),
        };
        ByteSet::of(bytes)
    }
}

/// Returns the new value unless it equals the old one.
///
/// The comparison lets later steps share the old text.
fn changed(old: &[u8], new: Vec<u8>) -> Option<Vec<u8>> {
    (new != old).then_some(new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [&str; 32] = [
        "base64Decode",
        "base64DecodeExt",
        "base64Encode",
        "cmdLine",
        "compressWhitespace",
        "cssDecode",
        "escapeSeqDecode",
        "hexDecode",
        "hexEncode",
        "htmlEntityDecode",
        "jsDecode",
        "length",
        "lowercase",
        "normalizePath",
        "normalisePathWin",
        "removeComments",
        "removeCommentsChar",
        "removeNulls",
        "removeWhitespace",
        "replaceComments",
        "replaceNulls",
        "sha1",
        "sqlHexDecode",
        "trim",
        "trimLeft",
        "trimRight",
        "uppercase",
        "urlDecode",
        "urlDecodeUni",
        "urlEncode",
        "utf8toUnicode",
        "normalizePathWin",
    ];

    proptest! {
        #[test]
        fn a_value_without_a_trigger_does_not_change(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            for name in ALL {
                let transformation = Transformation::parse(name).expect("known");
                if !transformation.triggers().intersects(&ByteSet::of(&value)) && !value.is_empty() {
                    prop_assert_eq!(transformation.apply(&value), None, "{}", name);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn only_the_case_changes_without_a_trigger_and_only_known_bytes_are_created(
            value in proptest::collection::vec(
                prop_oneof![any::<u8>(), prop::sample::select(b" \t/.\\-<>!*#^'\",;aZ%&+\xa0".to_vec())],
                0..40,
            ),
        ) {
            for name in ALL {
                let transformation = Transformation::parse(name).expect("known");
                let result = transformation.apply(&value).unwrap_or_else(|| value.clone());
                let present = ByteSet::of(&value);
                if !transformation.triggers_beyond_case().intersects(&present) && !value.is_empty() {
                    prop_assert!(result.eq_ignore_ascii_case(&value), "{}", name);
                }
                let most = present.union(&transformation.creates()).both_cases();
                prop_assert!(!ByteSet::of(&result).exceeds(&most), "{}", name);
            }
        }
    }

    #[test]
    fn a_single_dot_is_resolved() {
        let resolve = Transformation::parse("normalizePath").expect("known");
        assert_eq!(resolve.apply(b"."), Some(Vec::new()));
        assert!(resolve.triggers().intersects(&ByteSet::of(b".")));
    }

    #[test]
    fn an_unknown_name_is_no_transformation() {
        assert_eq!(Transformation::parse("rot13"), None);
    }
}
