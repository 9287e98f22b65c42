//! Where a claim stands: a name, or a JSON pointer into nested objects (RFC 6901).

use std::fmt;

use serde_json::Value;

use crate::token::json::Object;

/// The place of a claim. A text that begins with `/` is a JSON pointer (`/realm_access/roles`).
/// Any other text is the name of a claim, also one with slashes in it (`https://tts.example/roles`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ClaimPath(Box<str>);

impl ClaimPath {
    pub(crate) fn new(path: impl Into<Box<str>>) -> Self {
        Self(path.into())
    }

    /// Finds the claim in a claims set.
    pub(crate) fn find<'a>(&self, all: &'a Object) -> Option<&'a Value> {
        find(all, &self.0)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Finds a claim by its name or by a JSON pointer.
pub(crate) fn find<'a>(all: &'a Object, path: &str) -> Option<&'a Value> {
    let Some(pointer) = path.strip_prefix('/') else {
        return all.get(path);
    };
    let end = pointer.find('/').unwrap_or(pointer.len());
    let (first, rest) = pointer.split_at_checked(end)?;
    // RFC 6901 section 4: `~1` is a slash, `~0` is a tilde, in this order.
    let name = first.replace("~1", "/").replace("~0", "~");
    all.get(&name)?.pointer(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &Option<Value>) {
        let claims = json!({
            "plan": "gold",
            "https://tts.example/roles": ["admin"],
            "realm_access": { "roles": ["speak"], "a/b": 1, "m~n": 2 },
            "a/b": 3,
        });
        let found = ClaimPath::new(path).find(claims.as_object().unwrap());
        assert_eq!(found, expected.as_ref(), "{path}");
    }

    #[test]
    fn a_name_is_a_name_and_a_pointer_leads_inwards() {
        check("plan", &Some(json!("gold")));
        check("/plan", &Some(json!("gold")));
        check("https://tts.example/roles", &Some(json!(["admin"])));
        check("/realm_access/roles", &Some(json!(["speak"])));
        check("/realm_access/roles/0", &Some(json!("speak")));
        check("/realm_access/a~1b", &Some(json!(1)));
        check("/realm_access/m~0n", &Some(json!(2)));
        check("/a~1b", &Some(json!(3)));
        check("realm_access/roles", &None);
        check("/realm_access/none/roles", &None);
        check("/", &None);
        check("", &None);
    }
}
