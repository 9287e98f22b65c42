//! The requests, good and bad, and the decision about each.

/// A request, and what is decided about it.
pub(super) struct Case {
    /// Its bytes. `HOST`, `RIGHT`, `NARROW` and `OVER` stand for header lines.
    pub(super) request: String,
    pub(super) status: u16,
    /// Empty: it is admitted.
    pub(super) code: &'static str,
}

/// Lines of a request before the empty line, its body, and the decision.
type Row = (&'static str, &'static str, u16, &'static str);

/// Requests without a body. The lines end with `|`.
const WITHOUT_BODY: [Row; 58] = [
    ("GET /health", "HOST", 200, ""),
    ("GET /health?a=b", "HOST", 200, ""),
    ("GET /health", "HOSTRIGHT", 200, ""),
    ("GET /health", "HOSTNARROW", 200, ""),
    ("GET /health", "HOSTOVER", 401, "unauthenticated"),
    (
        "GET /health",
        "HOSTX-API-Key: psk_wrong|",
        401,
        "unauthenticated",
    ),
    ("GET /voices", "HOST", 401, "unauthenticated"),
    ("GET /voices", "HOSTRIGHT", 200, ""),
    ("GET /voices", "HOSTNARROW", 200, ""),
    ("GET /voices", "HOSTOVER", 401, "unauthenticated"),
    ("GET /voices", "HOSTX-API-Key: |", 401, "unauthenticated"),
    (
        "GET /voices",
        "HOSTX-API-Key: psk_live_0000000000000000|",
        401,
        "unauthenticated",
    ),
    (
        "GET /voices",
        "HOSTRIGHTNARROW",
        400,
        "credentials_ambiguous",
    ),
    (
        "GET /voices",
        "HOSTRIGHTAuthorization: Bearer x|",
        400,
        "credentials_ambiguous",
    ),
    (
        "GET /voices",
        "HOSTAuthorization: Bearer x|",
        401,
        "unauthenticated",
    ),
    (
        "GET /voices",
        "HOSTAuthorization: Basic YTpi|",
        401,
        "unauthenticated",
    ),
    (
        "GET /voices?api_key=psk_live_x",
        "HOST",
        401,
        "unauthenticated",
    ),
    (
        "GET /voices",
        "HOSTCookie: session=x|",
        401,
        "unauthenticated",
    ),
    ("GET /tts?text=hello", "HOST", 401, "unauthenticated"),
    (
        "GET /tts?text=hello",
        "HOSTNARROW",
        403,
        "insufficient_scope",
    ),
    ("GET /tts?text=hello", "HOSTOVER", 401, "unauthenticated"),
    ("GET /tts?text=hello", "HOSTRIGHT", 200, ""),
    ("GET /tts?text=%E4%BD%A0%E5%A5%BD", "HOSTRIGHT", 200, ""),
    ("GET /tts?text=a%E2%80%8Bb", "HOSTRIGHT", 200, ""),
    ("GET /tts?text=+a+", "HOSTRIGHT", 200, ""),
    ("GET /tts?voice=a", "HOSTRIGHT", 200, ""),
    ("GET /tts", "HOSTRIGHT", 200, ""),
    (
        "GET /tts?text=a&text=b",
        "HOSTRIGHT",
        400,
        "field_duplicated",
    ),
    ("GET /tts?text=%FF", "HOSTRIGHT", 400, "query_malformed"),
    ("GET /tts?text=%4", "HOSTRIGHT", 400, "query_malformed"),
    ("GET /tts?text=", "HOSTRIGHT", 200, ""),
    ("GET /tts?text=%00", "HOSTRIGHT", 422, "text_nothing_left"),
    (
        "GET /tts?text=0123456789012345678901234567890123456789",
        "HOSTRIGHT",
        200,
        "",
    ),
    (
        "GET /tts?text=01234567890123456789012345678901234567890",
        "HOSTRIGHT",
        422,
        "text_too_long",
    ),
    ("PUT /tts?text=a", "HOSTRIGHT", 405, "method_not_allowed"),
    ("DELETE /tts?text=a", "HOSTRIGHT", 405, "method_not_allowed"),
    ("TRACE /health", "HOST", 405, "method_not_allowed"),
    ("OPTIONS /voices", "HOSTRIGHT", 405, "method_not_allowed"),
    ("PURGE /voices", "HOSTRIGHT", 405, "method_not_allowed"),
    ("get /voices", "HOSTRIGHT", 405, "method_not_allowed"),
    ("GET /nothing", "HOST", 404, "not_found"),
    ("GET /nothing", "HOSTRIGHT", 404, "not_found"),
    ("GET /", "HOSTRIGHT", 404, "not_found"),
    ("GET /TTS?text=a", "HOSTRIGHT", 404, "not_found"),
    ("GET /tts/?text=a", "HOSTRIGHT", 404, "not_found"),
    ("GET /files", "HOSTRIGHT", 404, "not_found"),
    ("GET /files/a/b", "HOSTRIGHT", 200, ""),
    ("GET /files/a", "HOST", 401, "unauthenticated"),
    ("DELETE /files/a", "HOSTRIGHT", 200, ""),
    ("PATCH /files/a", "HOSTRIGHT", 405, "method_not_allowed"),
    ("GET /scarce", "HOSTRIGHT", 200, ""),
    ("GET /scarce", "HOSTRIGHT", 429, "quota_exceeded"),
    ("GET /scarce", "HOSTNARROW", 200, ""),
    (
        "GET /health",
        "Host: rebound.example|",
        421,
        "host_not_served",
    ),
    (
        "GET /voices",
        "Host: rebound.example|RIGHT",
        421,
        "host_not_served",
    ),
    (
        "GET /health",
        "Host: localhost.example|",
        421,
        "host_not_served",
    ),
    ("GET /health", "HOSTX-Forwarded-For: 203.0.113.7|", 200, ""),
    (
        "GET /health",
        "HOSTForwarded: for=203.0.113.7;proto=http|",
        200,
        "",
    ),
];

const JSON: &str = "HOSTRIGHTContent-Type: application/json|";
const FORM: &str = "HOSTRIGHTContent-Type: application/x-www-form-urlencoded|";
const GRPC: &str = "HOSTRIGHTContent-Type: application/grpc|TE: trailers|";

/// Posts to `/tts`: header lines, body, and the decision.
const POSTS: [Row; 18] = [
    (JSON, r#"{"text":"hello"}"#, 200, ""),
    (JSON, r#"{"text":"a\u200bb"}"#, 200, ""),
    (JSON, r#"{"voice":"a"}"#, 200, ""),
    (JSON, r#"{"text":"a","text":"b"}"#, 400, "json_malformed"),
    (JSON, r#"{"text":5}"#, 422, "field_not_text"),
    (JSON, r#"{"text":["a"]}"#, 422, "field_not_text"),
    (JSON, r#"{"text":"a""#, 400, "json_malformed"),
    (JSON, "\u{FEFF}{}", 200, ""),
    (JSON, r#"{"text":""}"#, 200, ""),
    (FORM, "text=hello+you", 200, ""),
    (FORM, "text=a&text=b", 400, "field_duplicated"),
    (FORM, "text=%FF", 400, "form_malformed"),
    (FORM, "voice=a", 200, ""),
    (
        "HOSTRIGHTContent-Type: text/plain|",
        "text=a",
        415,
        "content_type_unsupported",
    ),
    ("HOSTRIGHT", "text=a", 415, "content_type_unsupported"),
    (
        "HOSTRIGHTContent-Type: application/json|Content-Encoding: gzip|",
        "{}",
        415,
        "content_encoding_unsupported",
    ),
    (
        "HOSTContent-Type: application/json|",
        r#"{"text":"hello"}"#,
        401,
        "unauthenticated",
    ),
    (
        "HOSTNARROWContent-Type: application/json|",
        r#"{"text":"hello"}"#,
        403,
        "insufficient_scope",
    ),
];

/// Calls of gRPC, whose refusals are statuses of gRPC.
const CALLS: [(&str, &str, u16, &str); 5] = [
    ("/palisade.example.Echo/Say", GRPC, 200, ""),
    (
        "/palisade.example.Echo/Say",
        "HOSTContent-Type: application/grpc|TE: trailers|",
        200,
        "grpc 16",
    ),
    (
        "/palisade.example.Echo/Say",
        "HOSTNARROWContent-Type: application/grpc|TE: trailers|",
        200,
        "grpc 7",
    ),
    ("/palisade.example.Echo/Other", GRPC, 200, "grpc 12"),
    (
        "/palisade.example.Echo/Say",
        "Host: rebound.example|Content-Type: application/grpc|",
        200,
        "grpc 3",
    ),
];

/// All requests.
pub(super) fn cases() -> Vec<Case> {
    let case = |line: &str, headers: &str, body: &str, status, code| {
        let headers = headers.replace('|', "\r\n");
        let length = match body.is_empty() {
            true => String::new(),
            false => format!("Content-Length: {}\r\n", body.len()),
        };
        Case {
            request: format!("{line} HTTP/1.1\r\n{headers}{length}Connection: close\r\n\r\n{body}"),
            status,
            code,
        }
    };
    let gets = WITHOUT_BODY
        .iter()
        .map(|(line, headers, status, code)| case(line, headers, "", *status, *code));
    let posts = POSTS
        .iter()
        .map(|(headers, body, status, code)| case("POST /tts", headers, body, *status, *code));
    let calls = CALLS.iter().map(|(path, headers, status, code)| {
        case(
            &format!("POST {path}"),
            headers,
            "\0\0\0\0\0",
            *status,
            *code,
        )
    });
    gets.chain(posts).chain(calls).collect()
}
