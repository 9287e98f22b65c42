//! What a rule does with its matches.

use palisade_core::Secret;

use super::Match;
use super::data_forms::{same_form, write_code};
use super::rewrite::Rewriter;
use crate::text::source_map::SourceMap;

/// What is done with a match.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Keeps it and counts it.
    Flag,
    /// Replaces it with the name of its kind and a code by this key, in square brackets.
    Hash(Secret),
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
    /// Replaces it with what a function makes of it.
    Rewrite(Rewriter),
    /// Replaces it with data of the same form that belongs to no one.
    StandIn,
}

impl Effect {
    /// Returns the text with each match replaced, and records the replacements.
    pub(super) fn replace_all(&self, text: &str, matches: &[Match], map: &mut SourceMap) -> String {
        let mut changed = String::with_capacity(text.len());
        let mut done = 0;
        for matched in matches {
            let place = &matched.place;
            changed.push_str(text.get(done..place.start).unwrap_or_default());
            let found = text.get(place.clone()).unwrap_or_default();
            let start = changed.len();
            self.write(found, matched, &mut changed);
            if changed.get(start..) != Some(found) {
                map.record(place.clone(), changed.len() - start);
            }
            done = place.end;
        }
        changed.push_str(text.get(done..).unwrap_or_default());
        changed
    }

    /// Returns the word for what is done, as metrics name it.
    #[cfg(feature = "metrics")]
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Flag => "flagged",
            Self::Hash(_) => "hashed",
            Self::Label => "labelled",
            Self::Mask(_) => "masked",
            Self::Neutralize => "neutralized",
            Self::Refuse => "refused",
            Self::Replace(by) if by.is_empty() => "dropped",
            Self::Replace(_) => "replaced",
            Self::Rewrite(_) => "rewritten",
            Self::StandIn => "stand_in",
        }
    }

    /// Writes what replaces a match.
    fn write(&self, found: &str, matched: &Match, out: &mut String) {
        let label = matched.label;
        match self {
            Self::Hash(key) => write_code(key, label, found, out),
            Self::Rewrite(rewriter) => out.push_str(&rewriter.apply(found)),
            Self::StandIn => match matched.stand_in {
                Some(stand_in) => out.push_str(&same_form(found, stand_in)),
                None => out.extend(found.chars().map(|_| '*')),
            },
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
