//! Fields that hold what a person wrote: a message, a text to speak, a document.
//!
//! People write about SQL, quote shell commands and paste markup. In such a field a match of a rule for
//! code says little, and it is counted apart.
//!
//! The names are those that the parsers of bodies give (see the module `body`):
//! `json.messages.array_0.content` for JSON, the plain name for forms and multipart.
//! [`PersonText::contains`] compares them with JSON pointers (RFC 6901) that were split once at
//! start-up.
//!
//! A field that is named here stays under all other rules, such as those against deserialization
//! and those about sizes. Only rules with a tag such as `attack-sqli`, `attack-xss` or
//! `attack-protocol` are recorded in place of deciding.
//!
//! An attacker can put text into such a field as well. Name only fields that the application
//! passes to a model or stores as text, never those that reach a shell, a query or a page.

use std::sync::Arc;

use crate::error::InspectBuildError;

/// The fields of the chat format of OpenAI, of Anthropic and of Ollama, and of text to speak.
///
/// `*` is an element of an array or any member of an object.
const CHAT: [&str; 12] = [
    "/messages/*/content",
    "/messages/*/content/*/text",
    "/messages/*/content/*/content",
    "/input",
    "/input/*",
    "/input/*/content",
    "/input/*/content/*/text",
    "/instructions",
    "/prompt",
    "/system",
    "/system/*/text",
    "/text",
];

/// One step of the path to a field.
///
/// The names in the body are flat, so an element is written `array_0`; a member that has such a
/// name looks the same.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Segment {
    /// A member of this name.
    ///
    /// The escapes `~1` (`/`) and `~0` (`~`) of RFC 6901 are decoded. Case counts, as in JSON.
    Name(Vec<u8>),
    /// Any member or element.
    ///
    /// It stands for exactly one step, not for any depth.
    Any,
}

/// Fields that hold what a person wrote. Default: none.
///
/// A field is given as JSON pointer or as name of a form field. Parameters of the query are never
/// among them, even with the same name: browsers and caches store queries, and people do not
/// write texts there.
///
/// Give it to [`InspectLayerBuilder::person_text`](crate::InspectLayerBuilder::person_text) or to
/// [`RuleSet::inspect_person_text`](crate::RuleSet::inspect_person_text). A clone shares the
/// fields and costs two reference counts.
///
/// ```
/// use palisade_inspect::PersonText;
///
/// let fields = PersonText::chat().field("/comment")?.field("message")?;
/// # let _ = fields;
/// # Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
///
/// A name that is no field is an error, and not a field that never matches:
///
/// ```
/// use palisade_inspect::PersonText;
///
/// assert!(PersonText::default().field("/messages/0/content").is_ok());
/// assert!(PersonText::default().field("").is_err());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PersonText {
    /// Fields of JSON bodies, each as its steps.
    pointers: Arc<Vec<Vec<Segment>>>,
    /// Fields of forms and multipart bodies, compared byte by byte.
    names: Arc<Vec<Vec<u8>>>,
    /// Whether pictures and sounds as `data:` URLs count too, in any field of a body.
    media: bool,
}

impl PersonText {
    /// The text fields of the APIs of OpenAI, Anthropic and Ollama, and `text`. Pictures and sounds as `data:`
    /// URLs count too, in any field of a body: their Base64 looks like commands.
    ///
    /// | API | Fields |
    /// |---|---|
    /// | Chat completions, Ollama chat | `/messages/*/content`, and `text` in its parts |
    /// | Anthropic messages | the same, with `/system` and `/system/*/text` |
    /// | Responses | `/input` in all its forms, `/instructions` |
    /// | Completions, Ollama generate | `/prompt`, `/system` |
    /// | Speech | `/input`, `/text`, and the form field `text` |
    ///
    /// Names of models, roles, tools and URLs are not in it.
    pub fn chat() -> Self {
        let pointers = CHAT.iter().filter_map(|pointer| parse(pointer)).collect();
        Self {
            pointers: Arc::new(pointers),
            names: Arc::new(vec![b"text".to_vec()]),
            media: true,
        }
    }

    /// Adds a field: a JSON pointer, in which `*` is any member or element, or the name of a field of
    /// a form.
    ///
    /// `/comment` is the member `comment` of a JSON object, `/items/*/note` the note of each
    /// item, `message` the field of a form or multipart body. Case counts. A member whose name
    /// has a dot cannot be named and stays under all rules.
    ///
    /// Parameters of the query are never meant.
    ///
    /// # Errors
    ///
    /// [`InspectBuildError::Field`] if it is empty, or a pointer with a wrong escape.
    pub fn field(mut self, field: &str) -> Result<Self, InspectBuildError> {
        let wrong = || InspectBuildError::Field(field.to_owned());
        if field.starts_with('/') {
            Arc::make_mut(&mut self.pointers).push(parse(field).ok_or_else(wrong)?);
        } else if field.is_empty() {
            return Err(wrong());
        } else {
            Arc::make_mut(&mut self.names).push(field.as_bytes().to_vec());
        }
        Ok(self)
    }

    /// Whether a parameter of a body, by the name that rules see, is such a field.
    ///
    /// The time grows with the number of fields and the length of the name. The value is read
    /// only for `data:` URLs.
    pub(crate) fn contains(&self, name: &[u8], value: &[u8]) -> bool {
        if self.media && is_media(value) {
            return true;
        }
        if self.names.iter().any(|known| known == name) {
            return true;
        }
        let Some(path) = name.strip_prefix(b"json.") else {
            return false;
        };
        self.pointers.iter().any(|pointer| matches(pointer, path))
    }
}

/// Whether a value is a picture, a sound or a video as `data:` URL, and nothing but Base64 follows. A format
/// that is markup, such as SVG, is none.
///
/// SVG and other types with a `+` in their name are excluded because a browser runs scripts in
/// them. Every byte of the data must be of the Base64 alphabet (RFC 4648, both alphabets), so
/// that no text can follow the picture.
fn is_media(value: &[u8]) -> bool {
    let media = |value: &'_ [u8]| -> Option<bool> {
        let rest = value.strip_prefix(b"data:")?;
        let at = memchr::memmem::find(rest, b";base64,")?;
        let (kind, data) = (rest.get(..at)?, rest.get(at + 8..)?);
        let kinds: [&[u8]; 3] = [b"image/", b"audio/", b"video/"];
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/.-".contains(byte);
        let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte);
        Some(
            kinds.iter().any(|known| kind.starts_with(known))
                && kind.iter().all(plain)
                && data.iter().all(base64),
        )
    };
    media(value).unwrap_or(false)
}

/// Whether a path such as `messages.array_0.content` is meant by a pointer. A dot in the name of a
/// member looks like a step, and then nothing is meant: such a field stays under all rules.
///
/// Pointer and path must have the same number of steps.
fn matches(pointer: &[Segment], path: &[u8]) -> bool {
    let mut steps = path.split(|byte| *byte == b'.');
    let same = pointer.iter().all(|segment| match (segment, steps.next()) {
        (Segment::Any, Some(_)) => true,
        (Segment::Name(name), Some(step)) => name == step,
        (_, None) => false,
    });
    same && steps.next().is_none()
}

/// Reads a JSON pointer.
///
/// `None` if it does not start with `/`, has an empty step, or has `~` without `0` or `1` after
/// it.
fn parse(pointer: &str) -> Option<Vec<Segment>> {
    let steps = pointer.strip_prefix('/')?.split('/');
    let segment = |step: &str| -> Option<Segment> {
        if step == "*" {
            return Some(Segment::Any);
        }
        let plain = step.replace("~1", "").replace("~0", "");
        let name = step.replace("~1", "/").replace("~0", "~");
        (!plain.contains('~') && !step.is_empty()).then(|| Segment::Name(name.into_bytes()))
    };
    steps.map(segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_chat_apis_are_meant() {
        let fields = PersonText::chat();
        for name in [
            "json.messages.array_12.content",
            "json.input",
            "json.prompt",
            "text",
            "json.text",
        ] {
            assert!(fields.contains(name.as_bytes(), b"x"), "{name}");
        }
        for name in [
            "json.messages.array_0.role",
            "json.model",
            "messages",
            "json.messages.array_0.content.x.y",
            "q",
        ] {
            assert!(!fields.contains(name.as_bytes(), b"x"), "{name}");
        }
    }

    #[test]
    fn only_pictures_and_sounds_in_base64_are_media() {
        for value in [
            "data:image/png;base64,iVBORw0KGgo=",
            "data:audio/wav;base64,UklGRg",
        ] {
            assert!(
                PersonText::chat().contains(b"any", value.as_bytes()),
                "{value}"
            );
            assert!(
                !PersonText::default().contains(b"any", value.as_bytes()),
                "{value}"
            );
        }
        for value in [
            "data:image/svg+xml;base64,PHN2Zz4=",
            "data:text/html;base64,PHN2Zz4=",
            "data:image/png;base64,iVB;id",
            "data:image/png;base64,' or 1=1",
            "data:image/png,x",
        ] {
            assert!(
                !PersonText::chat().contains(b"any", value.as_bytes()),
                "{value}"
            );
        }
    }

    #[test]
    fn a_wrong_pointer_is_refused() {
        for field in ["", "/a~2", "/a//b"] {
            assert!(PersonText::default().field(field).is_err(), "{field}");
        }
        let fields = PersonText::default().field("/a~1b/*").expect("valid");
        assert!(fields.contains(b"json.a/b.array_0", b"x") && !fields.contains(b"json.a/b", b"x"));
    }
}
