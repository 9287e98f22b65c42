//! Refusals in the form that OpenAI's clients read, for everything below `/v1/`: also those of the layers outside.

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use palisade::core::{Rejection, Renderer};
use serde::{Deserialize, Serialize};

/// Puts a refusal into the envelope that OpenAI's clients read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAiErrors;

#[derive(Serialize)]
struct Document<'a> {
    error: Refusal<'a>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<String>,
    code: &'static str,
}

/// What a refusal says of a field, among what it says for programs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members {
    field: Option<String>,
}

impl Renderer for OpenAiErrors {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let members: Members = serde_json::from_slice(&rejection.problem()).unwrap_or_default();
        let document = Document {
            error: Refusal {
                message: rejection.detail(),
                r#type: kind(rejection.status()),
                param: members.field,
                code: rejection.code(),
            },
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = rejection.status();
        let headers = response.headers_mut();
        headers.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in rejection.into_headers() {
            headers.append(name, value);
        }
        response
    }
}

fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}
