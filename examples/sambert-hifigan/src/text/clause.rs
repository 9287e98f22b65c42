//! Cuts text at its punctuation.

use super::word::Break;

/// Text between two marks, and how strongly it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) text: String,
    pub(crate) after: Break,
}

/// Splits text into clauses; a run of marks counts as its strongest.
pub(crate) fn split(text: &str) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut current = String::new();
    let mut characters = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = characters.next() {
        let next = characters.peek().copied().unwrap_or('\n');
        match strength(last, c, next) {
            None => current.push(c),
            Some(after) => {
                close(&mut clauses, &mut current, after);
            }
        }
        last = c;
    }
    close(&mut clauses, &mut current, Break::Sentence);
    clauses
}

/// Tells whether a text's last mark, if nothing speakable follows it, ends a sentence.
pub(crate) fn ends_sentence(text: &str) -> bool {
    let mut last = '\n';
    for c in text.chars().rev() {
        match strength(' ', c, last) {
            Some(after) => return after == Break::Sentence,
            None if c == '.' => return true,
            None if c.is_alphanumeric()
                || !c.is_ascii() && !c.is_whitespace() && !CLOSING.contains(c) =>
            {
                return false;
            }
            None => last = c,
        }
    }
    false
}

/// Marks that may follow the one that ends a sentence.
const CLOSING: &str = "”’」』》〉";

fn close(clauses: &mut Vec<Clause>, current: &mut String, after: Break) {
    if current.trim().is_empty() {
        current.clear();
        if let Some(before) = clauses.last_mut() {
            before.after = before.after.max(after);
        }
        return;
    }
    clauses.push(Clause {
        text: std::mem::take(current),
        after,
    });
}

/// Returns how strongly a mark divides, or nothing for what belongs to the text.
fn strength(last: char, c: char, next: char) -> Option<Break> {
    match c {
        '。' | '!' | '?' | ';' | '…' | '\n' | '｡' => Some(Break::Sentence),
        ',' | '，' | ':' | '、' | '—' | '(' | ')' | '[' | ']' | '{' | '}' | '【' | '】' | '〔'
        | '〕' | '|' => Some(Break::Clause),
        '.' if !next.is_alphanumeric() && !last.is_whitespace() => Some(Break::Sentence),
        _ => None,
    }
}
