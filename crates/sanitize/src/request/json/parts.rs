//! The strings of one list, put together as templates of chats do it.
//!
//! `[{"text":"<|im_"},{"text":"start|>"}]` has no token in any of its strings. A template writes them one after the
//! other, and then there is one. So the end of each string is kept, as far as a token may begin in it, and compared
//! together with the next string of its list.

use std::collections::HashMap;

use palisade_core::Rejection;

use super::found::PartOf;
use crate::text::{LONGEST_TOKEN, may_begin_token};

/// The ends of the strings so far in which a token may begin.
#[derive(Debug, Default)]
pub(super) struct JoinedParts<'t>(HashMap<PartOf<'t>, String>);

impl<'t> JoinedParts<'t> {
    /// Adds the next string of a list. `check` gets the end of the strings before it, and the string.
    ///
    /// # Errors
    ///
    /// Those of `check`.
    pub(super) fn push(
        &mut self,
        part: PartOf<'t>,
        text: &str,
        check: impl FnOnce(&str, &str) -> Result<(), Box<Rejection>>,
    ) -> Result<(), Box<Rejection>> {
        let before = self.0.remove(&part).unwrap_or_default();
        if !before.is_empty() {
            check(&before, text)?;
        }
        if let Some(end) = end_of(before, text) {
            self.0.insert(part, end);
        }
        Ok(())
    }
}

/// Returns the end of both texts together from where a token may begin. `None` if there is none.
fn end_of(before: String, text: &str) -> Option<String> {
    let last = text.char_indices().rev().nth(LONGEST_TOKEN);
    let end = match last {
        Some((start, _)) => text.get(start..).unwrap_or_default().to_owned(),
        None if before.is_empty() && !text.contains(may_begin_token) => return None,
        None => before + text,
    };
    let excess = end.chars().count().saturating_sub(LONGEST_TOKEN);
    let mut characters = end.char_indices().skip(excess);
    let (begin, _) = characters.find(|(_, c)| may_begin_token(*c))?;
    end.get(begin..).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_from_where_a_token_may_begin() {
        let check = |before: &str, text: &str, expected: Option<&str>| {
            let end = end_of(before.to_owned(), text);
            assert_eq!(end.as_deref(), expected, "{before:?} {text:?}");
        };
        check("", "plain text", None);
        check("", "a <|im_", Some("<|im_"));
        check("<|im_", "start", Some("<|im_start"));
        check("<|im_", &"x".repeat(200), None);
        let far = format!("<{}", "x".repeat(LONGEST_TOKEN));
        check("", &far, None);
        check("", &far[..LONGEST_TOKEN], Some(&far[..LONGEST_TOKEN]));
        check("<", &far[1..], None);
        check("", &format!("{}<|", "好".repeat(300)), Some("<|"));
    }
}
