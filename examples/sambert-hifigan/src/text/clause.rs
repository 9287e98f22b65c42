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
