//! Characters one by one.

use crate::numbers::cardinal::digits;

/// Names of marks.
const MARKS: [(char, &str); 22] = [
    ('.', "点"),
    (',', "逗号"),
    ('-', "杠"),
    ('_', "下划线"),
    ('/', "斜杠"),
    ('\\', "反斜杠"),
    (':', "冒号"),
    (';', "分号"),
    ('@', "艾特"),
    ('#', "井号"),
    ('*', "星号"),
    ('%', "百分号"),
    ('+', "加号"),
    ('=', "等号"),
    ('&', "和号"),
    ('!', "感叹号"),
    ('?', "问号"),
    ('(', "左括号"),
    (')', "右括号"),
    ('<', "小于号"),
    ('>', "大于号"),
    ('$', "美元符号"),
];

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
    if let Some((_, name)) = MARKS.iter().find(|(mark, _)| *mark == c) {
        return Some(format!(" {name} "));
    }
    // Blanks keep letters from becoming a word, and characters too.
    match c {
        c if c.is_whitespace() => Some(" ".to_owned()),
        c if c.is_alphanumeric() => Some(format!(" {} ", digits(&c.to_string()))),
        _ => None,
    }
}
