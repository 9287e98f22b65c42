//! Broader scopes that include narrower ones, by a table of the service.

use std::collections::{BTreeMap, BTreeSet};

/// Which scopes include which others.
///
/// OAuth gives scopes no order (RFC 6749 section 3.3), so a service that wants `files:write` to
/// include `files:read` says so.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImpliedScopes(BTreeMap<Box<str>, Vec<Box<str>>>);

impl ImpliedScopes {
    /// Lets a scope include others.
    pub(crate) fn add(&mut self, broad: Box<str>, narrow: impl Iterator<Item = Box<str>>) {
        self.0.entry(broad).or_default().extend(narrow);
    }

    /// Returns the granted scopes with all that they include, also through others.
    pub(crate) fn expand<'a>(&'a self, granted: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        if self.0.is_empty() {
            return granted.collect();
        }
        let mut all = BTreeSet::new();
        let mut waiting: Vec<&str> = granted.collect();
        while let Some(scope) = waiting.pop() {
            if all.insert(scope) {
                let included = self.0.get(scope).into_iter().flatten();
                waiting.extend(included.map(AsRef::as_ref));
            }
        }
        all.into_iter().collect()
    }

    /// Returns a name that cannot be a scope, if there is one.
    pub(crate) fn malformed(&self) -> Option<&str> {
        let narrow = self.0.values().flatten();
        let mut names = self.0.keys().chain(narrow);
        names.find(|name| !is_scope(name)).map(AsRef::as_ref)
    }
}

/// Tells whether a text is a scope (RFC 6749 section 3.3). A scope cannot end the quotes of a
/// challenge.
pub(crate) fn is_scope(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    !text.is_empty() && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> ImpliedScopes {
        let mut table = ImpliedScopes::default();
        table.add("admin".into(), ["write".into()].into_iter());
        table.add("write".into(), ["read".into(), "list".into()].into_iter());
        table.add("list".into(), ["write".into()].into_iter()); // a circle
        table
    }

    #[test]
    fn a_broader_scope_includes_narrower_ones_through_others() {
        let table = table();
        let check = |granted: &[&'static str], expected: &[&str]| {
            assert_eq!(table.expand(granted.iter().copied()), expected);
        };
        check(&["admin"], &["admin", "list", "read", "write"]);
        check(&["read"], &["read"]);
        check(&["write"], &["list", "read", "write"]);
        check(&["other", "Admin"], &["Admin", "other"]);
        check(&[], &[]);
    }

    #[test]
    fn a_name_that_is_no_scope_is_found() {
        assert_eq!(table().malformed(), None);
        for odd in ["", "a b", "a\"", "a\\", "\u{e9}", "a\n"] {
            let mut table = table();
            table.add("read".into(), [odd.into()].into_iter());
            assert_eq!(table.malformed(), Some(odd));
        }
    }
}
