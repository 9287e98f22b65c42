//! One pass over a text that collects the traits of its characters.
//!
//! Sixty-four bytes are looked at together. Printable ASCII and the ideographs from U+4000 to U+9FFF
//! have no traits, and they are recognized by their bytes alone: in UTF-8, a character of that range
//! begins with E4 to E9, and no other does. All other characters are looked up.

use crate::characters::Traits;

/// The bytes that are looked at together.
const CHUNK: usize = 64;

/// Returns the traits of all characters of a text together.
pub(crate) fn traits_of(text: &str) -> Traits {
    let (chunks, rest) = text.as_bytes().as_chunks::<CHUNK>();
    let mut found = Traits::NONE;
    let mut at = 0;
    for chunk in chunks {
        // The compiler turns this into instructions for sixteen bytes at once. Most chunks end here.
        if chunk.iter().fold(false, |any, &byte| any | !is_plain(byte)) {
            found |= look_up(text, at, &mark(chunk));
        }
        at += CHUNK;
    }
    let mut last = [b' '; CHUNK];
    if let Some(start) = last.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    found | look_up(text, at, &mark(&last))
}

/// Marks the bytes with which characters begin that must be looked up.
fn mark(chunk: &[u8; CHUNK]) -> [u8; CHUNK] {
    let mut marked = [0; CHUNK];
    for (mark, &byte) in marked.iter_mut().zip(chunk) {
        *mark = u8::from(!is_plain(byte));
    }
    marked
}

/// Tells whether a byte is of printable ASCII without brackets, begins an ideograph from U+4000 to
/// U+9FFF, or is not the first of its character.
const fn is_plain(byte: u8) -> bool {
    let ascii_or_inner = byte.wrapping_sub(b' ') < 0xc0 - b' ';
    let ideograph = byte.wrapping_sub(0xe4) < 6;
    (ascii_or_inner | ideograph) & (byte != 0x7f) & (byte != b'<') & (byte != b'[') & (byte != b']')
}

/// Looks up the characters that begin at the marked bytes.
fn look_up(text: &str, start: usize, marked: &[u8; CHUNK]) -> Traits {
    let mut found = Traits::NONE;
    let (words, _) = marked.as_chunks::<8>();
    for (word, start) in words.iter().zip((start..).step_by(8)) {
        let mut left = u64::from_le_bytes(*word);
        while left != 0 {
            let at = start + left.trailing_zeros() as usize / 8;
            left &= left - 1;
            let first = text.get(at..).and_then(|rest| rest.chars().next());
            found |= first.map_or(Traits::ALL, Traits::of);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::{
        Action, Class, ModelFamily, Preset, Sanitizer, SanitizerBuilder, TemplateTokens, Whitespace,
    };

    /// Any text, with more of what has traits than chance would bring.
    fn hard_text() -> impl Strategy<Value = String> {
        let parts = [
            "\0",
            "\t",
            "\n",
            "\r\n",
            "\n\nHuman:",
            "\u{a0}",
            "\u{3000}",
            "\u{7f}",
            "\u{85}",
            "\u{ad}",
            "\u{200b}",
            "\u{200d}",
            "\u{202e}",
            "\u{2028}",
            "\u{301}",
            "\u{323}",
            "\u{fe0f}",
            "\u{e0041}",
            "\u{e000}",
            "\u{fffe}",
            "e\u{301}",
            "é",
            "が",
            "か\u{3099}",
            "\u{1100}\u{1161}",
            "각",
            "가\u{11a8}",
            "①",
            "ﬁ",
            "Ａ",
            "豈",
            "Å",
            "\u{340}",
            "<|im_start|>",
            "[INST]",
            "＜｜User｜＞",
            "<s>",
            "]~b]",
            "❤\u{fe0f}",
            "🏳\u{fe0f}\u{200d}🌈",
            "م\u{200c}خ",
            "क्\u{200d}ष",
            " ",
            "  ",
            "a",
            "今天天气很好，",
            "The train leaves at nine. ",
            "「あ」",
            "서울",
        ];
        let one = prop_oneof![
            6 => prop::sample::select(parts.to_vec()).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(one, 0..24).prop_map(|parts| parts.concat())
    }

    fn sanitizers() -> Vec<Sanitizer> {
        let classes = [Class::LineFeed, Class::Space, Class::Tab];
        let with = |action| {
            let mut builder = Sanitizer::builder()
                .class(Class::LineBreak, Action::Drop)
                .whitespace(Whitespace::Keep);
            for class in classes {
                builder = builder.class(class, action);
            }
            builder
        };
        let tokens = |builder: SanitizerBuilder, family| {
            builder.template_tokens([family], TemplateTokens::Drop)
        };
        let built = [
            with(Action::Flag),
            with(Action::Refuse),
            with(Action::Keep).max_marks(0),
            with(Action::Replace('<')).template_tokens(ModelFamily::ALL, TemplateTokens::Refuse),
            tokens(with(Action::Keep), ModelFamily::Claude),
            tokens(SanitizerBuilder::search_query(), ModelFamily::MiniMax),
        ];
        let built = built.into_iter().map(|builder| builder.build().unwrap());
        Preset::ALL
            .iter()
            .map(|preset| preset.sanitizer())
            .chain(built)
            .collect()
    }

    #[test]
    fn what_is_not_looked_up_has_no_traits() {
        for c in '\0'..=char::MAX {
            let first = c.encode_utf8(&mut [0; 4]).as_bytes()[0];
            assert!(
                !is_plain(first) || Traits::of(c) == Traits::NONE,
                "{:x}",
                u32::from(c)
            );
        }
        assert!((0x80..0xc0).all(is_plain), "inner bytes begin no character");
    }

    #[test]
    fn every_character_is_found_at_every_place() {
        for c in [
            '\n',
            '<',
            ']',
            '\u{7f}',
            '\u{301}',
            '，',
            '\u{200b}',
            '\u{e0041}',
            'é',
            '①',
        ] {
            for before in 0..70 {
                for text in ["a".repeat(before), "好".repeat(before)] {
                    let found = traits_of(&format!("{text}{c}{text}"));
                    assert_eq!(found, Traits::of(c), "{c:?} at {}", text.len());
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(512) })]

        #[test]
        fn a_step_that_is_left_out_would_change_nothing(text in hard_text()) {
            for sanitizer in sanitizers() {
                let outcome = |clean: Result<crate::CleanText<'_>, crate::Refused>| {
                    clean.map(|clean| (clean.text().to_owned(), clean.report().clone()))
                };
                let all = outcome(sanitizer.clean_with_every_step(&text));
                prop_assert_eq!(outcome(sanitizer.clean(&text)), all);
            }
        }

        #[test]
        fn traits_of_a_text_are_those_of_its_characters(text in any::<String>()) {
            let each = text.chars().map(Traits::of);
            prop_assert_eq!(traits_of(&text), each.fold(Traits::NONE, |all, one| all | one));
        }
    }
}
