//! Characters one by one.

use crate::{numbers::cardinal::digits, table::rows};

const MARKS: &str = include_str!("../../../data/marks.tsv");

/// Returns the name of a mark.
fn mark(c: char) -> Option<&'static str> {
    let mut marks = rows(MARKS);
    let found = marks.find(|[mark, _]| mark.chars().eq([c]))?;
    let [_, name] = found;
    Some(name)
}

/// Reads characters one by one; nothing if there are none with a sound.
pub(super) fn each(text: &str, read: impl Fn(char) -> Option<String>) -> Option<String> {
    let spoken: String = text.chars().map(read).collect::<Option<_>>()?;
    spoken
        .contains(|c: char| c != '|' && !c.is_whitespace())
        .then_some(spoken)
}

/// Reads a digit with the one that is not mistaken for a seven.
pub(super) fn named(c: char) -> Option<String> {
    c.is_ascii_digit()
        .then(|| digits(&c.to_string()).replace('一', "幺"))
}

pub(super) fn character(c: char) -> Option<String> {
    if let Some(name) = mark(c) {
        return Some(format!(" {name} "));
    }
    // Blanks keep letters from becoming a word, and characters too.
    match c {
        c if c.is_whitespace() => Some(" ".to_owned()),
        c if c.is_alphanumeric() => Some(format!(" {} ", digits(&c.to_string()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{numbers::SayAs, table::lines};

    #[test]
    fn every_mark_is_said_by_its_name() {
        for [mark, name] in rows(MARKS) {
            let said = SayAs::Characters.read(mark, None).unwrap_or_default();
            assert_eq!(said.trim(), name, "{mark}");
        }
        assert_eq!(rows::<2>(MARKS).count(), lines(MARKS).count());
    }
}
