//! What is wrong with the marks of a text, in words that repeat nothing of it.

use sambert_hifigan::{SsmlError, SsmlProblem};

use super::SpeechError;

/// Says where the first mistake is, and what is allowed there.
pub(super) fn fault(error: &SsmlError) -> SpeechError {
    let place = error.position();
    SpeechError::Marks {
        line: place.line,
        column: place.column,
        why: words(error.problem()),
    }
}

fn words(problem: &SsmlProblem) -> String {
    match problem {
        SsmlProblem::Attribute {
            element, allowed, ..
        } => {
            let allowed = allowed.join(", ");
            format!("<{element}> has an attribute that is not one of: {allowed}")
        }
        SsmlProblem::Content {
            element, allowed, ..
        } => format!("<{element}> has content that is not supported; it takes {allowed}"),
        SsmlProblem::Element { allowed, .. } => {
            format!("there is no such element; there are {}", allowed.join(", "))
        }
        SsmlProblem::Entity { .. } => {
            "there is no such entity; there are amp, apos, gt, lt, quot".to_owned()
        }
        SsmlProblem::Value {
            element,
            attribute,
            allowed,
            ..
        } => format!("`{attribute}` of <{element}> has a value that is not one of: {allowed}"),
        // These contain only our own names.
        SsmlProblem::Markup { .. }
        | SsmlProblem::Missing { .. }
        | SsmlProblem::Misplaced { .. }
        | SsmlProblem::TooMuch { .. }
        | SsmlProblem::Unsupported { .. } => problem.to_string(),
        _ => "the document is not well-formed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sambert_hifigan::{Style, Voice};

    use super::*;

    #[test]
    fn a_mistake_is_told_with_what_is_allowed_and_without_what_was_written() {
        let voice = Voice::demo().unwrap();
        for (document, expected) in [
            ("<speak><break canary='1s'/></speak>", "attribute"),
            ("<speak><break time='canary'/></speak>", "`time` of <break>"),
            ("<speak><canary/></speak>", "break, emotion"),
            ("<speak>&canary;</speak>", "amp, apos"),
            ("<speak><phoneme ph='canary'>好</phoneme></speak>", "`ph`"),
            ("<speak>canary", "well-formed"),
            ("<!DOCTYPE canary><speak/>", "read"),
            ("<speak><speak>canary</speak></speak>", "<speak>"),
        ] {
            let error = voice.plan_ssml(document, &Style::default()).unwrap_err();
            let words = words(error.problem());
            assert!(words.contains(expected), "{document}: {words}");
            assert!(!words.contains("canary"), "{document}: {words}");
        }
    }
}
