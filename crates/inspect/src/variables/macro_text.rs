//! Text with `%{…}` references, split once when the rules are loaded.
//!
//! "Macro Expansion" in the reference manual describes them. They occur in the values of
//! `setvar`, in the arguments of operators and in names of variables. Case does not matter in a
//! reference.

use super::names::{Collection, TxNames};

/// A piece of a text that is completed for each request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Piece {
    /// Text as written.
    Literal(Vec<u8>),
    /// `%{tx.name}` of a name that is known when the rules are loaded.
    ///
    /// It is empty while the variable is not set.
    Tx(usize),
    /// `%{COLLECTION}` or `%{COLLECTION.key}`.
    ///
    /// The first value counts if there are several. It is empty if there is none. The key is in
    /// lower case; an empty key means any.
    Value(Collection, Vec<u8>),
}

/// A text that may refer to values of the request, such as `/%{tx.0}/`.
///
/// The pieces are written one after another. The default has none and is the empty text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct MacroText(pub(crate) Vec<Piece>);

impl MacroText {
    /// Splits the text.
    ///
    /// A `%{` that is never closed is text as written.
    ///
    /// # Errors
    ///
    /// The reason as text: a collection is unknown or has no value here. An empty text in its
    /// place would change what the rule compares or sets.
    pub(crate) fn parse(text: &str, names: &mut TxNames) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("%{") {
            let (before, from) = rest.split_at(start);
            let Some(end) = from.find('}') else { break };
            push_literal(&mut pieces, before);
            pieces.push(parse_reference(
                from.get(2..end).unwrap_or_default(),
                names,
            )?);
            rest = from.get(end + 1..).unwrap_or_default();
        }
        push_literal(&mut pieces, rest);
        Ok(Self(pieces))
    }

    /// Whether it refers to what a rule has matched.
    pub(crate) fn reads_matched(&self) -> bool {
        let matched =
            |piece: &Piece| matches!(piece, Piece::Value(collection, _) if collection.is_matched());
        self.0.iter().any(matched)
    }

    /// The text if it refers to nothing.
    ///
    /// It needs no work for a request, so callers ask for it first.
    pub(crate) fn literal(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(b""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

/// Adds a literal piece unless it is empty.
fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Literal(text.as_bytes().to_vec()));
    }
}

/// Reads what stands between `%{` and `}`.
///
/// Name and key are separated by a dot or a colon.
///
/// # Errors
///
/// A collection that is unknown, or that can only be a target.
fn parse_reference(text: &str, names: &mut TxNames) -> Result<Piece, String> {
    let (name, key) = text.split_once(['.', ':']).unwrap_or((text, ""));
    Ok(match Collection::supported(name)? {
        Collection::Tx => Piece::Tx(names.intern(key)),
        Collection::FullRequest | Collection::FullRequestLength => {
            return Err(format!("the collection {name} can only be a target"));
        }
        collection => Piece::Value(collection, key.to_ascii_lowercase().into_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_at_its_references() {
        let mut names = TxNames::default();
        let text = MacroText::parse("|%{tx.1}|%{REQUEST_HEADERS.Host}%{open", &mut names)
            .expect("known collections");
        let expected = vec![
            Piece::Literal(b"|".to_vec()),
            Piece::Tx(names.intern("1")),
            Piece::Literal(b"|".to_vec()),
            Piece::Value(Collection::RequestHeaders, b"host".to_vec()),
            Piece::Literal(b"%{open".to_vec()),
        ];
        assert_eq!(text.0, expected);
        let plain = MacroText::parse("plain", &mut names).expect("no reference");
        assert_eq!(plain.literal(), Some(&b"plain"[..]));
    }

    #[test]
    fn a_reference_without_a_value_is_an_error() {
        let mut names = TxNames::default();
        for (text, expected) in [
            ("%{nothing.x}", "the collection nothing is not supported"),
            (
                "a%{TIME_EPOCH}",
                "the collection TIME_EPOCH has no value here",
            ),
        ] {
            let error = MacroText::parse(text, &mut names).expect_err(text);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
