//! Characters of a document: references, layout, and those it may not hold.

use quick_xml::events::BytesRef;

use super::error::{At, SsmlProblem, malformed, shown};

/// Reads a reference to a character or to one of the five entities.
pub(super) fn character(reference: &BytesRef<'_>, offset: usize) -> At<char> {
    let number = reference
        .resolve_char_ref()
        .map_err(|error| malformed(offset, &error.to_string()))?;
    let c = match (number, reference.as_ref()) {
        (Some(c), _) => c,
        (None, "amp") => '&',
        (None, "apos") => '\'',
        (None, "gt") => '>',
        (None, "lt") => '<',
        (None, "quot") => '"',
        (None, name) => {
            let name = shown(name);
            return Err((offset, SsmlProblem::Entity { name }));
        }
    };
    legal(c.encode_utf8(&mut [0; 4]), offset)?;
    Ok(c)
}

/// Refuses characters that no XML document may hold, written out or as references.
pub(super) fn legal(text: &str, offset: usize) -> At<()> {
    let illegal = |c: &char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    match text.chars().find(illegal) {
        Some(c) => {
            let code = u32::from(c);
            Err(malformed(offset, &format!("the character U+{code:04X}")))
        }
        None => Ok(()),
    }
}

/// Makes one blank of a line break and the blanks around it: they are the layout of the document and end no sentence.
pub(super) fn unwrapped(text: &str) -> String {
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let last = lines.len().saturating_sub(1);
    let blank = |c| matches!(c, ' ' | '\t');
    let mut unwrapped = String::with_capacity(text.len());
    for (index, line) in lines.iter().enumerate() {
        let line = if index > 0 {
            line.trim_start_matches(blank)
        } else {
            line
        };
        let line = if index < last {
            line.trim_end_matches(blank)
        } else {
            line
        };
        if index > 0 && !unwrapped.ends_with(' ') {
            unwrapped.push(' ');
        }
        unwrapped.push_str(line);
    }
    unwrapped
}
