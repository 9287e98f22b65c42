//! What a rule does with its matches.

use super::Match;
use crate::text::source_map::SourceMap;

/// What is done with a match.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Keeps it and counts it.
    Flag,
    /// Replaces it with the name of its kind in square brackets.
    Label,
    /// Replaces each of its characters with this one.
    Mask(char),
    /// Inserts a space after its first character.
    Neutralize,
    /// Refuses the text.
    Refuse,
    /// Replaces it with this text.
    Replace(Box<str>),
}

impl Effect {
    /// Returns the text with each match replaced, and records the replacements.
    pub(super) fn replace_all(&self, text: &str, matches: &[Match], map: &mut SourceMap) -> String {
        let mut changed = String::with_capacity(text.len());
        let mut done = 0;
        for Match { label, place, .. } in matches {
            changed.push_str(text.get(done..place.start).unwrap_or_default());
            let found = text.get(place.clone()).unwrap_or_default();
            let start = changed.len();
            self.write(found, label, &mut changed);
            if changed.get(start..) != Some(found) {
                map.record(place.clone(), changed.len() - start);
            }
            done = place.end;
        }
        changed.push_str(text.get(done..).unwrap_or_default());
        changed
    }

    /// Writes what replaces a match.
    fn write(&self, found: &str, label: &str, out: &mut String) {
        match self {
            Self::Label => {
                out.push('[');
                out.push_str(label);
                out.push(']');
            }
            Self::Flag | Self::Refuse => out.push_str(found),
            Self::Mask(with) => out.extend(found.chars().map(|_| with)),
            Self::Neutralize => {
                let mut chars = found.chars();
                out.extend(chars.next());
                out.push(' ');
                out.push_str(chars.as_str());
            }
            Self::Replace(by) => out.push_str(by),
        }
    }
}
