//! The sanitizer: what it lets out it lets out again unchanged, is never over a limit, and is reported as
//! changed exactly where it was.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use palisade_sanitize::{
    Action, Class, Normalization, OverLength, Sanitizer, SanitizerBuilder, TextRule, Whitespace,
};
use unicode_segmentation::UnicodeSegmentation;

/// A sanitizer, and the most bytes, code points and graphemes that it may let out.
struct Kind(Sanitizer, usize, usize, usize);

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let any = usize::MAX;
    let rule = |pattern| TextRule::new("rule", pattern);
    let kind = |builder: SanitizerBuilder, bytes, chars, graphemes| {
        Kind(
            builder.build().expect("a sanitizer"),
            bytes,
            chars,
            graphemes,
        )
    };
    let builder = Sanitizer::builder;
    let cut = || builder().over_length(OverLength::Cut);
    let nfkc = || builder().normalization(Normalization::Nfkc);
    vec![
        kind(SanitizerBuilder::speech(), 16 * 1024, 4000, 500),
        kind(SanitizerBuilder::prompt(), 64 * 1024, 32_000, 8000),
        kind(SanitizerBuilder::identifier(), 1024, 256, 64),
        kind(SanitizerBuilder::display_name(), 1024, 256, 64),
        kind(
            nfkc().whitespace(Whitespace::FoldLines).max_chars(30),
            any,
            30,
            any,
        ),
        kind(cut().max_graphemes(7), any, any, 7),
        kind(cut().max_bytes(20).max_chars(9).max_marks(0), 20, 9, any),
        kind(
            cut()
                .normalization(Normalization::Nfkc)
                .max_bytes(40)
                .whitespace(Whitespace::Fold),
            40,
            any,
            any,
        ),
        kind(
            builder()
                .class(Class::Control, Action::Replace(' '))
                .class(Class::Joiner, Action::Replace('-')),
            any,
            any,
            any,
        ),
        kind(
            builder()
                .normalization(Normalization::None)
                .min_graphemes(0),
            any,
            any,
            any,
        ),
        kind(
            builder()
                .rule(rule("a").drop())
                .rule(rule("b ").replace("ʼn"))
                .rule(rule("[0-9]").mask('*'))
                .rule(TextRule::mainland_phone())
                .rule(TextRule::bank_card())
                .rule(TextRule::email()),
            any,
            any,
            any,
        ),
    ]
});

// The first letter chooses the sanitizer, so that each grows a corpus of its own.
fuzz_target!(|text: &str| {
    let Some(first) = text.chars().next() else {
        return;
    };
    let text = &text[first.len_utf8()..];
    let Kind(sanitizer, bytes, chars, graphemes) = &KINDS[first as usize % KINDS.len()];
    let Ok(once) = sanitizer.clean(text) else {
        return;
    };
    assert_eq!(once.report().is_changed(), once.text() != text);
    let out = once.text();
    assert!(
        out.len() <= *bytes
            && out.chars().count() <= *chars
            && out.graphemes(true).count() <= *graphemes
    );
    let twice = sanitizer
        .clean(out)
        .expect("what was let out is let out again");
    assert_eq!(out, twice.text());
});
