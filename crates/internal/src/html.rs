//! Text in a page of HTML.
//!
//! Reports show what clients and services sent. It must never become markup.

/// Escapes what has a meaning in HTML, in elements and in quoted attributes: `&`, `<`, `>`, `"` and
/// `'` (OWASP, Cross Site Scripting Prevention, HTML contexts).
///
/// Control characters stay: see [`escape_visibly`].
///
/// ```
/// use palisade_internal::html::escape;
///
/// assert_eq!(escape("<b title='a'>"), "&lt;b title=&#39;a&#39;&gt;");
/// ```
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// Escapes as [`escape`] does, and shows characters that cannot be seen, or that turn the reading
/// direction, as their code.
///
/// ```
/// use palisade_internal::html::escape_visibly;
///
/// assert_eq!(escape_visibly("a\u{202e}<b>\n"), r"a\u{202e}&lt;b&gt;\n");
/// ```
#[must_use]
pub fn escape_visibly(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // `escape_debug` would put a backslash in front of these.
            '"' | '\'' | '\\' => visible.push(character),
            _ => visible.extend(character.escape_debug()),
        }
    }
    escape(&visible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escape("<a b='c\"'>&"), "&lt;a b=&#39;c&quot;&#39;&gt;&amp;");
    }

    #[test]
    fn markup_and_invisible_characters_are_escaped() {
        assert_eq!(escape_visibly("a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&#39;c");
        assert_eq!(
            escape_visibly("a\u{202e}b\n\u{1b}[31m"),
            r"a\u{202e}b\n\u{1b}[31m"
        );
        assert_eq!(escape_visibly("Größe 你好 \\d"), "Größe 你好 \\d");
    }
}
