//! Tags of HTML in plain text: copied from a page or written by a program, and not meant to be read aloud.

/// Elements that part what they stand between.
const PARTING: [&str; 17] = [
    "br",
    "blockquote",
    "dd",
    "div",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "tr",
    "ul",
];
/// Elements in the flow of a line.
const INLINE: [&str; 21] = [
    "a", "abbr", "b", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "mark", "s",
    "small", "span", "strong", "sub", "sup", "u", "td",
];
/// Characters of the longest tag that is looked for.
const LONGEST: usize = 200;

/// Takes the tags of common elements out of a text; those that part lines become line ends.
pub(super) fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        plain.push_str(before);
        rest = match tag(from) {
            Some((between, after)) => {
                plain.push_str(between);
                after
            }
            None => {
                plain.push('<');
                from.strip_prefix('<').unwrap_or_default()
            }
        };
    }
    plain.push_str(rest);
    plain
}

/// Reads a tag; returns what stands for it, and what follows.
fn tag(text: &str) -> Option<(&'static str, &str)> {
    let inside = text.strip_prefix('<')?;
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric())?;
    let (name, attributes) = inside.split_at(end);
    let mut ahead = attributes.char_indices().take(LONGEST);
    let (close, _) = ahead.find(|(_, c)| matches!(c, '<' | '>'))?;
    let (attributes, after) = attributes.split_at(close);
    let after = after.strip_prefix('>')?;
    if !(attributes.is_empty() || attributes.starts_with([' ', '/', '\t', '\n'])) {
        return None;
    }
    let is = |elements: &[&str]| {
        elements
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    };
    if is(&PARTING) {
        Some(("\n", after))
    } else {
        is(&INLINE).then_some(("", after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, plain: &str) {
        assert_eq!(without_tags(text), plain);
    }

    #[test]
    fn tags_of_common_elements_are_not_read() {
        check("这是<b>粗</b>字", "这是粗字");
        check("一<br>二<BR/>三<br />四", "一\n二\n三\n四");
        check("<p class=\"a\">好</p>", "\n好\n");
        check("<a href='https://a.example/?b=1&c'>这里</a>", "这里");
        check("<span\nid=x>好</span>", "好");
    }

    #[test]
    fn signs_that_are_no_tags_stay() {
        for text in [
            "3<5",
            "a<b",
            "a < b > c",
            "<bold>",
            "1<2>0",
            "<",
            "<>",
            "</>",
            "<b",
            "x<y>z",
            "<b<i>",
            "《<三>》",
        ] {
            let plain = text.replace("<i>", "");
            check(text, &plain);
        }
        let long = format!("<b {}>", "x".repeat(300));
        check(&long, &long);
    }
}
