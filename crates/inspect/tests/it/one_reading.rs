//! Two layers read one body: what the layer that cleans text accepts, the rules read in the same way.
//!
//! Bodies are made of pieces in which parsers differ: names and values with escapes, names twice, nested
//! names, byte order marks, other types, text behind the end. Each is given to `palisade-sanitize`, which
//! refuses a text with a tab, and to rules that look for a tab in the same field. A body that the first
//! accepts and in which the second finds a tab would be a way around the first, and the other way round.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use palisade_core::{BodyKind, BoxError, RequestBody, SecurityContext};
use palisade_inspect::{RequestView, RuleSet};
use palisade_sanitize::{Action, Class, Field, SanitizeLayer, Sanitizer};
use proptest::prelude::*;
use tower::{ServiceBuilder, ServiceExt};

/// What the layer that cleans text does with a body.
#[derive(Debug, Eq, PartialEq)]
enum Reading {
    /// The handler gets this.
    Accepted(Vec<u8>),
    /// The text of the field has a tab.
    HasTab,
    /// Something else is wrong.
    Refused,
}

/// A layer that cleans the field `text` and refuses a tab in it.
fn layer(kind: BodyKind) -> SanitizeLayer {
    let sanitizer = Sanitizer::builder().class(Class::Tab, Action::Refuse);
    let field = Field::optional("text", sanitizer.build().expect("a sanitizer"));
    let layer = SanitizeLayer::builder().field(field).body(kind);
    layer.refuse_near_names().build().expect("a layer")
}

/// Sends a body through the layer.
async fn read(layer: &SanitizeLayer, content_type: &str, body: &[u8]) -> Reading {
    let echo = async |request: Request<RequestBody<Full<Bytes>>>| {
        let body = request.into_body().collect().await?;
        Ok::<_, BoxError>(Response::new(Full::new(body.to_bytes())))
    };
    let request = Request::post("/").header("content-type", content_type);
    let request = request.body(Full::from(body.to_vec())).expect("a request");
    let (mut head, body) = request.into_parts();
    let _ = SecurityContext::find_or_create(&mut head);
    let service = ServiceBuilder::new().layer(layer.clone()).service_fn(echo);
    let response = service.oneshot(Request::from_parts(head, body)).await;
    let (head, body) = response.expect("a response").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let has_tab = String::from_utf8_lossy(&body).contains("text_forbidden");
    match head.status {
        StatusCode::OK => Reading::Accepted(body.to_vec()),
        StatusCode::UNPROCESSABLE_ENTITY if has_tab => Reading::HasTab,
        _ => Reading::Refused,
    }
}

/// Whether a rule that looks for a tab in the field matches.
fn finds_tab(rules: &RuleSet, content_type: &str, body: &[u8]) -> bool {
    let request = RequestView {
        method: b"POST",
        headers: vec![(b"content-type", content_type.as_bytes())],
        body,
        ..RequestView::default()
    };
    rules.inspect(&request, None).is_refused()
}

/// Reads a body with both, and compares.
fn compare(kind: BodyKind, target: &str, content_type: &str, body: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let reading = runtime
        .expect("a runtime")
        .block_on(read(&layer(kind), content_type, body));
    let rule = format!("SecRule {target} \"@rx \\t\" \"id:1,phase:2,deny,t:none\"");
    let rules = RuleSet::parse(&rule).expect("a rule");
    let shown = String::from_utf8_lossy(body);
    match reading {
        Reading::Accepted(seen) => {
            assert!(!finds_tab(&rules, content_type, body), "accepted: {shown}");
            assert!(!finds_tab(&rules, content_type, &seen), "cleaned: {shown}");
        }
        Reading::HasTab => assert!(finds_tab(&rules, content_type, body), "tab: {shown}"),
        Reading::Refused => {}
    }
}

/// A name in JSON, some of them the name of the field in another spelling.
fn json_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        r#""text""#,
        r#""text""#,
        r#""te\u0078t""#,
        r#""\u0074ext""#,
        r#""other""#,
        r#""a.text""#,
        r#""""#,
        r#""text\u0000""#,
    ])
}

/// A value in JSON, some with a tab and some that are no text.
fn json_value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        r#""plain""#,
        r#""a\tb""#,
        r#""a\u0009b""#,
        r#""a\\tb""#,
        r#""\ud83d\ude00\t""#,
        r#""\\""#,
        r#""\"\t""#,
        r#"["x\ty"]"#,
        r#"{"text":"x\ty"}"#,
        "\"a\tb\"",
        "1",
        "null",
        "true",
        "{}",
    ])
}

/// JSON, mostly valid.
fn json() -> impl Strategy<Value = String> {
    let member = (
        json_name(),
        json_value(),
        prop::sample::select(vec!["", " ", "\n", "\t"]),
    );
    let members = proptest::collection::vec(member, 0..4);
    let around = prop::sample::select(vec![
        ("", ""),
        ("\u{feff}", ""),
        (" ", "\n"),
        ("", " x"),
        ("[", "]"),
    ]);
    (members, around).prop_map(|(members, (before, after))| {
        let member =
            |(name, value, blank): &(&str, &str, &str)| format!("{blank}{name}{blank}:{value}");
        let members: Vec<String> = members.iter().map(member).collect();
        format!("{before}{{{}}}{after}", members.join(","))
    })
}

/// A form, with names and values in several encodings.
fn form() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "text", "text", "te%78t", "other", "", "+text", "text%00",
    ]);
    let value = prop::sample::select(vec![
        "",
        "=plain",
        "=a%09b",
        "=a%2509b",
        "=a+b",
        "=%",
        "=a=b%09",
        "=a;text=%09",
        "=%c3%a9",
    ]);
    let pairs = proptest::collection::vec((name, value), 0..4);
    (pairs, prop::sample::select(vec!["&", "&&", ";"])).prop_map(|(pairs, separator)| {
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}{value}"))
            .collect();
        pairs.join(separator)
    })
}

/// A multipart body, with headers and ends in several spellings.
fn multipart() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "name=\"text\"",
        "name=text",
        "name=\"other\"",
        "name=\"text\"; filename=\"a\"",
        "NAME=\"text\"",
        "name=\"text\"; name=\"other\"",
    ]);
    let value = prop::sample::select(vec!["plain", "a\tb", "", "a\r\n\tb", "--b\t", "\r\n"]);
    let line = prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\n"]);
    let parts = proptest::collection::vec((name, value, line), 0..4);
    (
        parts,
        prop::sample::select(vec!["--b--\r\n", "--b--", "--b\r\n", ""]),
    )
        .prop_map(|(parts, end)| {
            let part = |(name, value, line): &(&str, &str, &str)| {
                format!("--b{line}Content-Disposition: form-data; {name}{line}{line}{value}{line}")
            };
            let parts: String = parts.iter().map(part).collect();
            parts + end
        })
}

proptest! {
    #[test]
    fn json_is_read_alike_by_the_layer_that_cleans_text_and_by_rules(body in json()) {
        compare(BodyKind::Json, "ARGS:json.text", "application/json", body.as_bytes());
    }

    #[test]
    fn forms_are_read_alike_by_the_layer_that_cleans_text_and_by_rules(body in form()) {
        compare(BodyKind::Form, "ARGS:text", "application/x-www-form-urlencoded", body.as_bytes());
    }

    #[test]
    fn multipart_is_read_alike_by_the_layer_that_cleans_text_and_by_rules(body in multipart()) {
        compare(BodyKind::Multipart, "ARGS:text", "multipart/form-data; boundary=b", body.as_bytes());
    }
}

#[test]
fn a_tab_in_the_field_is_seen_by_both() {
    for (kind, target, content_type, body) in [
        (
            BodyKind::Json,
            "ARGS:json.text",
            "application/json",
            "{\"te\\u0078t\":\"a\\tb\"}",
        ),
        (
            BodyKind::Form,
            "ARGS:text",
            "application/x-www-form-urlencoded",
            "te%78t=a%09b",
        ),
        (
            BodyKind::Multipart,
            "ARGS:text",
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na\tb\r\n--b--\r\n",
        ),
    ] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let reading = runtime.block_on(read(&layer(kind), content_type, body.as_bytes()));
        assert_eq!(reading, Reading::HasTab, "{body}");
        compare(kind, target, content_type, body.as_bytes());
    }
}
