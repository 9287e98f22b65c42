//! Pointers into a JSON text (RFC 6901), with `*` for every element or member.

/// The way to a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Step {
    Any,
    Named(Box<str>),
}

impl Path {
    /// Reads a pointer, or a plain name as the pointer to that member.
    pub(crate) fn parse(name: &str) -> Self {
        let Some(pointer) = name.strip_prefix('/') else {
            return Self(vec![Step::Named(name.into())]);
        };
        Self(pointer.split('/').map(Step::parse).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether the step at a depth leads to this member.
    pub(crate) fn leads_to_member(&self, depth: usize, name: &str) -> bool {
        self.0.get(depth).is_some_and(|step| match step {
            Step::Any => true,
            Step::Named(own) => **own == *name,
        })
    }

    /// Tells whether the step at a depth leads to this element.
    pub(crate) fn leads_to_element(&self, depth: usize, index: usize) -> bool {
        self.0.get(depth).is_some_and(|step| match step {
            Step::Any => true,
            Step::Named(own) => own.parse() == Ok(index),
        })
    }
}

impl Step {
    fn parse(step: &str) -> Self {
        match step {
            "*" => Self::Any,
            _ => Self::Named(step.replace("~1", "/").replace("~0", "~").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_pointers_and_escapes_are_read() {
        let named = |name: &str| Step::Named(name.into());
        assert_eq!(Path::parse("text").0, [named("text")]);
        assert_eq!(
            Path::parse("/a~1b/*/m~0n").0,
            [named("a/b"), Step::Any, named("m~n")]
        );
        assert_eq!(Path::parse("/").0, [named("")]);
    }
}
