//! The scopes of a token: `scope` and `scp`, and what an issuer writes elsewhere.

use serde_json::Value;

use crate::{claims::ClaimPath, error::InvalidToken, token::json::Object};

/// A token with more is refused: each request carries them.
const MOST_SCOPES: usize = 256;
/// Before the name of a role among scopes, so that a role is never taken for a scope.
const ROLE_PREFIX: &str = "role:";

/// Which claims of a token grant scopes.
#[derive(Clone, Debug)]
pub(crate) struct ScopeSources(Vec<ScopeSource>);

#[derive(Clone, Debug)]
struct ScopeSource {
    path: ClaimPath,
    kind: SourceKind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum SourceKind {
    /// Names of roles: each is granted as `role:NAME`.
    Roles,
    /// Text with spaces between scopes, or an array of scopes.
    Scopes,
    /// Text only: what RFC 8693 section 4.2 says of `scope`.
    ScopesAsText,
}

impl Default for ScopeSources {
    /// `scope` as text, `scp` as text or array.
    fn default() -> Self {
        let source = |name: &str, kind| ScopeSource {
            path: ClaimPath::new(name),
            kind,
        };
        Self(vec![
            source("scope", SourceKind::ScopesAsText),
            source("scp", SourceKind::Scopes),
        ])
    }
}

impl ScopeSources {
    /// Also reads scopes from this claim, as text or as an array.
    pub(crate) fn add_scopes(&mut self, path: ClaimPath) {
        self.0.retain(|source| source.path != path);
        let kind = SourceKind::Scopes;
        self.0.push(ScopeSource { path, kind });
    }

    /// Also reads roles from this claim.
    pub(crate) fn add_roles(&mut self, path: ClaimPath) {
        let kind = SourceKind::Roles;
        self.0.push(ScopeSource { path, kind });
    }

    /// Reads the scopes of a claims set, sorted and without duplicates.
    ///
    /// A token with several of the claims is granted the scopes of all of them.
    ///
    /// # Errors
    ///
    /// A claim is neither text nor an array of text, or there are too many scopes.
    pub(super) fn read(&self, all: &Object) -> Result<Box<[Box<str>]>, InvalidToken> {
        let mut scopes: Vec<Box<str>> = Vec::new();
        for source in &self.0 {
            let Some(value) = source.path.find(all) else {
                continue;
            };
            let malformed = InvalidToken::ClaimMalformed(source.name());
            let listed = source.listed(value).ok_or(malformed)?;
            if scopes.len() + listed.len() > MOST_SCOPES {
                return Err(malformed);
            }
            scopes.extend(listed);
        }
        scopes.sort_unstable();
        scopes.dedup();
        Ok(scopes.into())
    }
}

impl ScopeSource {
    /// The name of the claim in an error that must not allocate.
    fn name(&self) -> &'static str {
        match (self.path.as_str(), self.kind) {
            ("scope", _) => "scope",
            ("scp", _) => "scp",
            (_, SourceKind::Roles) => "a claim with roles",
            _ => "a claim with scopes",
        }
    }

    /// The scopes of a value; `None` if it has another form.
    fn listed(&self, value: &Value) -> Option<Vec<Box<str>>> {
        match (self.kind, value) {
            (SourceKind::Roles, Value::String(role)) => Some(granted_roles([role])),
            (SourceKind::Roles, Value::Array(roles)) => {
                let roles: Option<Vec<_>> = roles.iter().map(Value::as_str).collect();
                Some(granted_roles(roles?))
            }
            // Some issuers write an object whose members are the roles.
            (SourceKind::Roles, Value::Object(roles)) => Some(granted_roles(roles.keys())),
            (SourceKind::Scopes | SourceKind::ScopesAsText, Value::String(line)) => {
                checked(line.split(' ').filter(|scope| !scope.is_empty()))
            }
            (SourceKind::Scopes, Value::Array(items)) => {
                let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
                checked(texts?)
            }
            _ => None,
        }
    }
}

/// Refuses a list in which one entry is no scope. Leaves out those that have the form of a role: clients choose the
/// scopes that they ask for, and a scope `role:admin` must not open what is for the role `admin`.
fn checked<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Option<Vec<Box<str>>> {
    let scopes = scopes
        .into_iter()
        .filter(|scope| !scope.starts_with(ROLE_PREFIX));
    scopes
        .map(|scope| is_scope(scope).then(|| scope.into()))
        .collect()
}

/// Turns roles into scopes. A role that cannot be a scope (one with a space, for example) is left
/// out: no rule could name it.
fn granted_roles<S: AsRef<str>>(roles: impl IntoIterator<Item = S>) -> Vec<Box<str>> {
    let roles = roles.into_iter();
    roles
        .filter(|role| is_scope(role.as_ref()))
        .map(|role| format!("{ROLE_PREFIX}{}", role.as_ref()).into())
        .collect()
}

/// A scope token (RFC 6749 section 3.3): printable ASCII without space, quote and backslash.
fn is_scope(scope: &str) -> bool {
    let fits = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    !scope.is_empty() && scope.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(all: &Object) -> Result<Box<[Box<str>]>, InvalidToken> {
        ScopeSources::default().read(all)
    }

    fn names(prefix: &str, number: usize) -> Vec<String> {
        (0..number)
            .map(|index| format!("{prefix}{index}"))
            .collect()
    }

    /// Reads claims with so many names in `scope` and in `scp`.
    fn count(scope: usize, scp: usize) -> Result<usize, InvalidToken> {
        let claims = json!({ "scope": names("a", scope).join(" "), "scp": names("b", scp) });
        read(claims.as_object().unwrap()).map(|scopes| scopes.len())
    }

    #[test]
    fn both_claims_together_hold_256_scopes_and_not_one_more() {
        assert_eq!(count(MOST_SCOPES, 0), Ok(256));
        assert_eq!(count(0, MOST_SCOPES), Ok(256));
        assert_eq!(count(128, 128), Ok(256));
        assert_eq!(
            count(MOST_SCOPES + 1, 0),
            Err(InvalidToken::ClaimMalformed("scope"))
        );
        assert_eq!(
            count(0, MOST_SCOPES + 1),
            Err(InvalidToken::ClaimMalformed("scp"))
        );
        assert_eq!(count(128, 129), Err(InvalidToken::ClaimMalformed("scp")));
        // Names that are in both count before they are put together.
        let both = json!({ "scope": names("a", 200).join(" "), "scp": names("a", 56) });
        assert_eq!(
            read(both.as_object().unwrap()).map(|all| all.len()),
            Ok(200)
        );
        let over = json!({ "scope": names("a", 200).join(" "), "scp": names("a", 57) });
        assert!(read(over.as_object().unwrap()).is_err());
    }

    #[test]
    fn a_scope_is_printable_ascii_without_space_quote_and_backslash() {
        for byte in 0..=127_u8 {
            let text = char::from(byte).to_string();
            let fits = (0x21..=0x7e).contains(&byte) && byte != b'"' && byte != b'\\';
            assert_eq!(is_scope(&text), fits, "{byte:#04x}");
        }
        assert!(!is_scope("") && !is_scope("é") && !is_scope("a b"));
        assert!(read(json!({ "scp": [""] }).as_object().unwrap()).is_err());
        assert!(read(json!({ "scp": ["a b"] }).as_object().unwrap()).is_err());
    }

    #[test]
    fn only_scp_may_be_an_array() {
        assert_eq!(count_of(&json!({ "scp": ["a", "b"] })), Ok(2));
        assert_eq!(count_of(&json!({ "scp": "a b" })), Ok(2));
        assert_eq!(count_of(&json!({ "scope": "" })), Ok(0));
        assert!(count_of(&json!({ "scope": ["a"] })).is_err());
    }

    fn count_of(claims: &Value) -> Result<usize, InvalidToken> {
        read(claims.as_object().unwrap()).map(|scopes| scopes.len())
    }

    #[track_caller]
    fn check(sources: &ScopeSources, claims: &Value, expected: Option<&[&str]>) {
        let scopes = sources.read(claims.as_object().unwrap()).ok();
        let scopes = scopes.as_deref();
        let scopes = scopes.map(|all| all.iter().map(AsRef::as_ref).collect::<Vec<&str>>());
        assert_eq!(scopes.as_deref(), expected, "{claims}");
    }

    #[test]
    fn a_scope_in_the_form_of_a_role_is_no_role() {
        let mut sources = ScopeSources::default();
        sources.add_scopes(ClaimPath::new("permissions"));
        for claims in [
            json!({ "scope": "x role:admin" }),
            json!({ "scp": ["x", "role:admin"] }),
            json!({ "permissions": ["role:admin", "x", "role:"] }),
        ] {
            check(&sources, &claims, Some(&["x"]));
        }
        sources.add_roles(ClaimPath::new("roles"));
        let both = json!({ "scope": "role:admin roles:read", "roles": ["editor"] });
        check(&sources, &both, Some(&["role:editor", "roles:read"]));
    }

    #[test]
    fn a_configured_claim_may_be_text_or_an_array() {
        let mut sources = ScopeSources::default();
        sources.add_scopes(ClaimPath::new("scope"));
        sources.add_scopes(ClaimPath::new("permissions"));
        check(&sources, &json!({ "scope": ["a", "b"] }), Some(&["a", "b"]));
        check(
            &sources,
            &json!({ "scope": "a b", "permissions": ["c"] }),
            Some(&["a", "b", "c"]),
        );
        for wrong in [
            json!(7),
            json!({ "a": 1 }),
            json!(["a", 1]),
            json!(["a b"]),
            json!(null),
        ] {
            check(&sources, &json!({ "permissions": wrong }), None);
        }
    }

    #[test]
    fn a_role_is_never_a_scope_of_the_same_name() {
        let mut sources = ScopeSources::default();
        sources.add_roles(ClaimPath::new("/realm_access/roles"));
        let roles = |roles: Value| json!({ "scope": "x", "realm_access": { "roles": roles } });
        check(
            &sources,
            &roles(json!(["admin"])),
            Some(&["role:admin", "x"]),
        );
        check(&sources, &roles(json!("admin")), Some(&["role:admin", "x"]));
        check(
            &sources,
            &roles(json!({ "admin": { "org": "d" } })),
            Some(&["role:admin", "x"]),
        );
        // No rule can name it, and the user keeps the others.
        check(
            &sources,
            &roles(json!(["two words", "b"])),
            Some(&["role:b", "x"]),
        );
        for wrong in [json!(7), json!([7]), json!(null), json!(true)] {
            check(&sources, &roles(wrong), None);
        }
        check(&sources, &json!({ "realm_access": {} }), Some(&[]));
    }
}
