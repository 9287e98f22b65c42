//! The body of every refusal, and the words for its status.

use std::collections::BTreeSet;

use palisade::Rule;
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
    /// The line of the mark that is wrong, from 1.
    #[schema(nullable = false)]
    line: Option<u64>,
    /// The character of that line, from 1.
    #[schema(nullable = false)]
    column: Option<u64>,
    /// What the voice can express.
    #[schema(nullable = false)]
    emotions: Option<Vec<String>>,
    /// The kinds of file that the voice can be had in.
    #[schema(nullable = false)]
    formats: Option<Vec<String>>,
    /// The voices that there are.
    #[schema(nullable = false)]
    voices: Option<Vec<String>>,
    /// What a credential must allow.
    #[schema(nullable = false)]
    required_scopes: Option<Vec<String>>,
    /// The limits that are used up.
    #[schema(nullable = false, rename = "violated-policies")]
    violated_policies: Option<Vec<String>>,
}

/// The same in the manner of OpenAI, for the routes that their clients ask.
#[derive(ToSchema)]
#[schema(as = Error)]
#[expect(
    dead_code,
    reason = "it describes; what is sent is written by the stack"
)]
pub(crate) struct OpenAiError {
    error: OpenAiRefusal,
}

/// Why a request was refused, in the words of OpenAI.
#[derive(ToSchema)]
#[schema(as = Refusal)]
#[expect(
    dead_code,
    reason = "it describes; what is sent is written by the stack"
)]
pub(crate) struct OpenAiRefusal {
    /// What is wrong, for people.
    message: String,
    /// What kind of mistake it is.
    r#type: String,
    /// The field that is wrong.
    param: Option<String>,
    /// What is wrong, for programs. Stable.
    code: String,
}

/// Describes a refusal of one status with its codes.
pub(super) fn response(status: u16, codes: &BTreeSet<String>, rule: &Rule) -> Value {
    let (description, names) = words(status);
    let codes = json!({ "enum": codes });
    let (kind, name, own) = match rule.template().starts_with("/v1/") {
        true => {
            let own = json!({ "error": { "properties": { "code": codes } } });
            ("application/json", "Error", own)
        }
        false => {
            let own = json!({ "status": { "const": status }, "code": codes });
            ("application/problem+json", "Problem", own)
        }
    };
    let whole = json!({ "$ref": format!("#/components/schemas/{name}") });
    let schema = json!({ "allOf": [whole, { "properties": own }] });
    json!({
        "description": description,
        "headers": headers::some(names),
        "content": { kind: { "schema": schema } },
    })
}

/// What a status means here, and the headers that come with it.
fn words(status: u16) -> (&'static str, &'static [&'static str]) {
    match status {
        308 => ("Asked in clear: the page moves to HTTPS.", &["Location"]),
        400 => (
            "The request cannot be understood, or contradicts itself.",
            &["WWW-Authenticate"],
        ),
        401 => (
            "No credential was shown, or one that is not valid.",
            &["WWW-Authenticate"],
        ),
        403 => (
            "The credential does not allow this, or the request came in clear or from another site.",
            &["WWW-Authenticate"],
        ),
        404 => ("There is nothing here.", &[]),
        413 => ("The body is too large.", &[]),
        414 => ("The query is too long.", &[]),
        415 => (
            "The body is of a type that is not read, or compressed.",
            &["Accept", "Accept-Encoding"],
        ),
        416 => ("The part begins behind the end.", &["Content-Range"]),
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
