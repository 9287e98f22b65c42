//! The metadata document of a resource (RFC 9728 section 2): where clients get tokens for it, and
//! how they send them.

use palisade_core::PublicDocument;
use serde_json::{Map, Value};

use super::uri::ResourceUri;

/// What the document says besides the identifier of the resource.
#[derive(Clone, Debug, Default)]
pub(super) struct Description {
    /// `authorization_servers`: the names of the issuers.
    pub(super) authorization_servers: Vec<Box<str>>,
    /// `scopes_supported`. Left out if empty.
    pub(super) scopes: Vec<Box<str>>,
    /// `resource_name`.
    pub(super) name: Option<Box<str>>,
    /// `dpop_signing_alg_values_supported`, and whether every token must be bound.
    pub(super) dpop: Option<(Vec<&'static str>, bool)>,
    /// `resource_documentation`.
    pub(super) documentation: Option<Box<str>>,
}

impl Description {
    /// Makes the document for its well-known path.
    pub(super) fn document(&self, uri: &ResourceUri) -> PublicDocument {
        let mut members = Map::new();
        let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
        add("resource", uri.as_str().into());
        add("authorization_servers", list(&self.authorization_servers));
        add("bearer_methods_supported", vec!["header"].into());
        if !self.scopes.is_empty() {
            add("scopes_supported", list(&self.scopes));
        }
        if let Some((algorithms, required)) = &self.dpop {
            add(
                "dpop_signing_alg_values_supported",
                algorithms.clone().into(),
            );
            add("dpop_bound_access_tokens_required", (*required).into());
        }
        if let Some(name) = self.name.as_deref() {
            add("resource_name", name.into());
        }
        if let Some(url) = self.documentation.as_deref() {
            add("resource_documentation", url.into());
        }
        PublicDocument::json(uri.metadata_path(), Value::Object(members).to_string())
    }
}

fn list(texts: &[Box<str>]) -> Value {
    texts
        .iter()
        .map(AsRef::as_ref)
        .collect::<Vec<&str>>()
        .into()
}
