//! Cuts text at its punctuation.

use crate::{
    symbol::{Symbol, text_of},
    word::Break,
};

/// Text between two marks, and how strongly it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause<'a> {
    pub(crate) symbols: Vec<Symbol<'a>>,
    pub(crate) after: Break,
}

/// Splits text into clauses; a run of marks counts as its strongest.
pub(crate) fn split(text: Vec<Symbol<'_>>) -> Vec<Clause<'_>> {
    let mut clauses = Vec::new();
    let mut current = Vec::new();
    let mut symbols = text.into_iter().peekable();
    let mut last = Some(' ');
    while let Some(symbol) = symbols.next() {
        let next = symbols.peek().and_then(Symbol::character).unwrap_or('\n');
        let c = symbol.character();
        match c.and_then(|c| divides(&current, last, c, next)) {
            None => current.push(symbol),
            Some(after) => close(&mut clauses, &mut current, after),
        }
        last = c;
    }
    close(&mut clauses, &mut current, Break::Sentence);
    clauses
}

/// Returns how strongly a mark divides what stands around it.
fn divides(current: &[Symbol<'_>], last: Option<char>, c: char, next: char) -> Option<Break> {
    if is_ellipsis(last, c, next) || is_item(current, c) {
        return Some(Break::Clause);
    }
    strength(last.is_some_and(char::is_whitespace), c, next)
}

/// Tells whether a mark is part of an ellipsis: a hesitation, unless the text ends with it.
fn is_ellipsis(last: Option<char>, c: char, next: char) -> bool {
    c == '…' || c == '.' && (last == Some('.') || next == '.')
}

/// Tells whether a point stands behind the number of an item in a list.
fn is_item(current: &[Symbol<'_>], c: char) -> bool {
    if c != '.' || !current.iter().all(Symbol::is_usual) {
        return false;
    }
    let text = text_of(current);
    let number = text.trim();
    let numeral = |c: char| "零一二三四五六七八九十百".contains(c);
    !number.is_empty() && number.chars().count() <= 3 && number.chars().all(numeral)
}

/// Tells whether a text's last mark, if nothing speakable follows it, ends a sentence.
#[must_use]
pub fn ends_sentence(text: &str) -> bool {
    let mut last = '\n';
    for c in text.chars().rev() {
        match strength(true, c, last) {
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

/// Tells whether a text begins with a mark that ends the sentence before it.
#[must_use]
pub fn begins_with_end(text: &str) -> bool {
    let skipped = |c: char| c != '\n' && (c.is_whitespace() || CLOSING.contains(c));
    let first = text.chars().find(|c| !skipped(*c));
    first.is_some_and(|c| c == '.' || strength(true, c, ' ') == Some(Break::Sentence))
}

/// Marks that may follow the one that ends a sentence.
const CLOSING: &str = "”’」』》〉";

fn close<'a>(clauses: &mut Vec<Clause<'a>>, current: &mut Vec<Symbol<'a>>, after: Break) {
    if current.iter().all(Symbol::is_blank) {
        current.clear();
        if let Some(before) = clauses.last_mut() {
            before.after = before.after.max(after);
        }
        return;
    }
    clauses.push(Clause {
        symbols: std::mem::take(current),
        after,
    });
}

/// Returns how strongly a mark divides, or nothing for what belongs to the text.
fn strength(after_blank: bool, c: char, next: char) -> Option<Break> {
    match c {
        '。' | '!' | '?' | ';' | '…' | '\n' | '｡' => Some(Break::Sentence),
        ',' | '，' | ':' | '、' | '—' | '(' | ')' | '[' | ']' | '{' | '}' | '【' | '】' | '〔'
        | '〕' | '|' => Some(Break::Clause),
        '.' if !next.is_alphanumeric() && !after_blank => Some(Break::Sentence),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, clauses: &str) {
        let mark = |clause: &Clause<'_>| match clause.after {
            Break::Clause => ',',
            _ => '.',
        };
        let symbols = text.chars().map(Symbol::usual).collect();
        let shown = split(symbols).iter().fold(String::new(), |shown, clause| {
            let text = text_of(&clause.symbols);
            format!("{shown}{}{}", text.trim(), mark(clause))
        });
        assert_eq!(shown, clauses, "{text}");
    }

    #[test]
    fn marks_divide_and_quotes_do_not() {
        check("他说:\"你好!", "他说,\"你好.");
        check(
            "《红楼梦》、《西游记》是名著。",
            "《红楼梦》,《西游记》是名著.",
        );
        check("苹果(又叫智慧果)很好", "苹果,又叫智慧果,很好.");
        check("人生——就是旅行", "人生,就是旅行.");
        check("床前明月光\n疑是地上霜", "床前明月光.疑是地上霜.");
        check("真的吗?!", "真的吗.");
    }

    #[test]
    fn an_ellipsis_hesitates_and_ends_what_it_stands_behind() {
        check("他...他走了...", "他,他走了.");
        check("他……他走了……\n再见", "他,他走了.再见.");
    }

    #[test]
    fn the_number_of_an_item_is_no_sentence() {
        check("一. 请勿吸烟;\n十二. 请安静。", "一,请勿吸烟.十二,请安静.");
        check("今天. 明天", "今天.明天.");
    }
}
