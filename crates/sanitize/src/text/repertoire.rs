//! Which characters a text may consist of, beside the classes of characters.

use unicode_normalization::char::is_public_assigned;

use super::refused::Refused;
use super::{file_name, identifier};

/// The set of characters that a text may consist of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Repertoire {
    /// All that the classes let pass.
    Any,
    /// Those that Unicode has assigned, and no blank ones.
    Assigned,
    /// Those of names of files.
    FileName,
    /// Those of identifiers.
    Identifier,
}

impl Repertoire {
    /// Refuses a text with a character outside the set.
    ///
    /// # Errors
    ///
    /// [`Refused::NotAllowed`], and for names and identifiers what their module says.
    pub(crate) fn check(self, text: &str) -> Result<(), Refused> {
        match self {
            Self::Any => Ok(()),
            Self::Assigned if text.chars().all(is_visible) => Ok(()),
            Self::Assigned => Err(Refused::NotAllowed),
            Self::FileName if text.chars().all(is_visible) => file_name::check(text),
            Self::FileName => Err(Refused::NotAllowed),
            Self::Identifier => identifier::check(text),
        }
    }
}

/// Tells whether a character is assigned, and is not blank unless it is the space. U+2800 is a
/// Braille pattern without dots: a name of it shows nothing.
fn is_visible(c: char) -> bool {
    is_public_assigned(c) && c != '\u{2800}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_assigned_is_not_in_a_display_name() {
        let check = |text| Repertoire::Assigned.check(text);
        assert_eq!(check("Bob (he/him) 🎉"), Ok(()));
        assert_eq!(check("a\u{378}"), Err(Refused::NotAllowed));
        assert_eq!(check("a\u{2800}b"), Err(Refused::NotAllowed));
    }
}
