//! JSON pointers (RFC 6901), with `*` for every element or member and `**` for everything below.
//!
//! Parsed when a layer is built, or for a field of a rule at its first JSON body. The scanner
//! compares them step by step while it reads.
//!
//! | pointer | selects |
//! |---|---|
//! | `text`, `/text` | the member `text` of the document |
//! | `/messages/*/content` | `content` of every element of `messages` |
//! | `/0/a~1b` | the member `a/b` of the first element |
//! | `/inputs/**` | every string below `inputs` |
//! | the empty name | the document itself, if it is a string |

use crate::request::near_name::near_key;

/// A parsed pointer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Path {
    /// Without the last step if that is `**`.
    steps: Box<[Step]>,
    /// Whether the pointer also selects everything below its value.
    deep: bool,
}

/// One step of a pointer.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Step {
    /// `*`: any member and any element.
    Any,
    Named {
        /// Compared byte for byte. RFC 6901 defines no normalization.
        name: Box<str>,
        /// The key by which lenient parsers compare the name.
        near: Box<str>,
        /// Set if the step is an array index.
        index: Option<usize>,
    },
    /// No member and no element.
    Nothing,
}

impl Path {
    /// Returns a path that leads nowhere, for what is not in JSON.
    pub(crate) fn nothing() -> Self {
        Self {
            steps: Box::new([Step::Nothing]),
            deep: false,
        }
    }

    /// Returns the path that leads to every string of a document.
    pub(crate) fn everything() -> Self {
        Self {
            steps: Box::new([]),
            deep: true,
        }
    }

    /// Parses a pointer, or a plain name as the pointer to that member. The empty name is the whole
    /// document.
    ///
    /// The error says what is wrong with the pointer and how to write it.
    ///
    /// # Errors
    ///
    /// `**` is not the last step, or `~` is not followed by 0 or 1.
    pub(crate) fn parse(name: &str) -> Result<Self, &'static str> {
        let Some(pointer) = name.strip_prefix('/') else {
            let step = (!name.is_empty()).then(|| Step::named(name.to_owned(), None));
            return Ok(Self {
                steps: step.into_iter().collect(),
                deep: false,
            });
        };
        let mut steps: Vec<&str> = pointer.split('/').collect();
        let deep = steps.last() == Some(&"**");
        if deep {
            steps.pop();
        }
        let steps: Result<Box<[Step]>, _> = steps.into_iter().map(Step::parse).collect();
        Ok(Self {
            steps: steps?,
            deep,
        })
    }

    /// Tells whether the pointer ends with `**`.
    pub(crate) fn is_deep(&self) -> bool {
        self.deep
    }

    /// Tells whether the pointer selects a value that was reached in this many steps.
    pub(crate) fn ends_at(&self, depth: usize) -> bool {
        depth == self.steps.len() || self.is_below(depth)
    }

    /// Tells whether values and names at this depth are below the pointer.
    pub(crate) fn is_below(&self, depth: usize) -> bool {
        self.deep && depth >= self.steps.len()
    }

    /// Tells whether the step at a depth leads to this member.
    pub(crate) fn leads_to_member(&self, depth: usize, name: &str) -> bool {
        match self.steps.get(depth) {
            None => self.deep,
            Some(Step::Any) => true,
            Some(Step::Nothing) => false,
            Some(Step::Named { name: own, .. }) => **own == *name,
        }
    }

    /// Tells whether a lenient parser would use this member for the one of the step.
    pub(crate) fn nearly_leads_to(&self, depth: usize, name: &str) -> bool {
        match self.steps.get(depth) {
            Some(Step::Named {
                name: own, near, ..
            }) => **own != *name && **near == *near_key(name),
            _ => false,
        }
    }

    /// Tells whether the step at a depth leads to this element.
    pub(crate) fn leads_to_element(&self, depth: usize, element: usize) -> bool {
        match self.steps.get(depth) {
            None => self.deep,
            Some(Step::Any) => true,
            Some(Step::Nothing) => false,
            Some(Step::Named { index, .. }) => *index == Some(element),
        }
    }
}

impl Step {
    /// # Errors
    ///
    /// `**` before the last step, or an invalid escape.
    fn parse(step: &str) -> Result<Self, &'static str> {
        match step {
            "*" => Ok(Self::Any),
            "**" => Err("`**` may only be the last step; write `*` for one level"),
            _ => Ok(Self::named(unescape(step)?, array_index(step))),
        }
    }

    /// The key for near names is computed once, not for each request.
    fn named(name: String, index: Option<usize>) -> Self {
        Self::Named {
            near: near_key(&name).into(),
            name: name.into(),
            index,
        }
    }
}

/// Decodes `~0` and `~1`, the only escapes of a JSON pointer.
///
/// # Errors
///
/// A `~` without `0` or `1` behind it (RFC 6901, section 3).
fn unescape(step: &str) -> Result<String, &'static str> {
    let mut parts = step.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match part.as_bytes().first() {
            Some(b'0') => ('~', part.get(1..)),
            Some(b'1') => ('/', part.get(1..)),
            _ => return Err("`~` must be followed by 0 or 1; write `~0` for `~` and `~1` for `/`"),
        };
        name.push(escaped);
        name.push_str(rest.unwrap_or_default());
    }
    Ok(name)
}

/// Reads an index as RFC 6901 defines it: `0`, or digits that do not begin with a zero.
fn array_index(step: &str) -> Option<usize> {
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    let index = digits && (step == "0" || !step.starts_with('0'));
    index.then(|| step.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, index: Option<usize>) -> Step {
        Step::named(name.to_owned(), index)
    }

    #[test]
    fn names_pointers_and_escapes_are_read() {
        let steps = |name: &str| Path::parse(name).unwrap().steps.into_vec();
        assert_eq!(steps("text"), [named("text", None)]);
        assert_eq!(
            steps("/a~1b/*/m~0n"),
            [named("a/b", None), Step::Any, named("m~n", None)]
        );
        assert_eq!(steps("/~01"), [named("~1", None)]);
        assert_eq!(steps("/"), [named("", None)]);
        assert_eq!(steps(""), []);
        assert_eq!(steps("/**"), []);
        assert!(Path::parse("/**").unwrap().is_deep() && !Path::parse("").unwrap().is_deep());
    }

    #[test]
    fn an_index_is_written_as_the_standard_has_it() {
        let element = |name: &str, index| Path::parse(name).unwrap().leads_to_element(0, index);
        assert!(element("/0", 0) && element("/10", 10));
        for name in ["/00", "/01", "/+1", "/-1", "/1 ", "/１", "/-", "/"] {
            assert!(!element(name, 1) && !element(name, 0), "{name}");
        }
    }

    #[test]
    fn other_escapes_and_inner_double_stars_are_refused() {
        for name in ["/~", "/~2", "/a~", "/~a/b", "/a/**/b", "/**/**"] {
            assert!(Path::parse(name).is_err(), "{name}");
        }
    }
}
