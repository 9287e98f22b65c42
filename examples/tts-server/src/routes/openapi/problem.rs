//! The body of every refusal, and the words for its status.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::headers;

/// Why a request was refused (RFC 9457). Repeats nothing of the request.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes; what is sent is written by the stack"
)]
pub(crate) struct Problem {
    /// A URI of the kind of problem; `about:blank` where the status says it all.
    r#type: String,
    /// The words of the status.
    title: String,
    /// The status.
    status: u16,
    /// What is wrong, for people.
    detail: String,
    /// What is wrong, for programs. Stable.
    code: String,
    /// The field that is wrong.
    #[schema(nullable = false)]
    field: Option<String>,
    /// The bound that was passed.
    #[schema(nullable = false)]
    limit: Option<u64>,
    /// What the bound counts.
    #[schema(nullable = false)]
    unit: Option<String>,
    /// The least and the most that is accepted.
    #[schema(nullable = false)]
    range: Option<Vec<f64>>,
    /// What the voice can express.
    #[schema(nullable = false)]
    emotions: Option<Vec<String>>,
    /// What a credential must allow.
    #[schema(nullable = false)]
    required_scopes: Option<Vec<String>>,
    /// The limits that are used up.
    #[schema(nullable = false, rename = "violated-policies")]
    violated_policies: Option<Vec<String>>,
}

/// Describes a refusal of one status with its codes.
pub(super) fn response(status: u16, codes: &BTreeSet<String>) -> Value {
    let (description, names) = words(status);
    let own = json!({ "properties": { "status": { "const": status }, "code": { "enum": codes } } });
    let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/Problem" }, own] });
    json!({
        "description": description,
        "headers": headers::some(names),
        "content": { "application/problem+json": { "schema": schema } },
    })
}

/// What a status means here, and the headers that come with it.
fn words(status: u16) -> (&'static str, &'static [&'static str]) {
    match status {
        308 => ("Asked in clear: the page moves to HTTPS.", &["Location"]),
        400 => (
            "The request cannot be understood, or contradicts itself.",
            &[],
        ),
        401 => (
            "No credential was shown, or one that is not valid.",
            &["WWW-Authenticate"],
        ),
        403 => (
            "The credential does not allow this, or the request came in clear or from another site.",
            &[],
        ),
        404 => ("There is nothing here.", &[]),
        413 => ("The body is too large.", &[]),
        414 => ("The query is too long.", &[]),
        415 => (
            "The body is of a type that is not read, or compressed.",
            &["Accept", "Accept-Encoding"],
        ),
        421 => ("The host that was asked for is not served here.", &[]),
        422 => ("A field is understood, and not acceptable.", &[]),
        429 => (
            "A limit is used up.",
            &["RateLimit", "RateLimit-Policy", "Retry-After"],
        ),
        503 => ("Not now. Come again.", &["Retry-After"]),
        _ => ("Something went wrong in the server.", &[]),
    }
}
