//! The layer in a stack: what passes, what is refused, and what the record says.

use std::convert::Infallible;
use std::fs;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use palisade_core::{BoxError, Fact, RebuildBody, RequestBody, SecurityContext};
use palisade_inspect::{
    Exclusion, InspectBuildError, InspectLayer, InspectLayerBuilder, PersonText,
};
use tower::{ServiceBuilder, ServiceExt};

const RULES: &str = r#"
SecAction "id:1,phase:1,nolog,pass,setvar:tx.blocking_inbound_anomaly_score=0"
SecRule ARGS|ARGS_NAMES "@detectSQLi" "id:2,phase:2,pass,tag:'attack-sqli',severity:CRITICAL,\
    setvar:tx.blocking_inbound_anomaly_score=+5"
SecRule REQUEST_HEADERS:X-Bad "@rx ." "id:3,phase:1,deny,tag:'attack-protocol'"
SecRule TX:blocking_inbound_anomaly_score "@ge 5" "id:4,phase:2,deny,tag:'anomaly-evaluation'"
"#;

const ATTACK: &str = r#"{"q":"1' OR '1'='1"}"#;

/// A folder with rules, removed at the end.
fn folder(rules: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("rules")).expect("a folder");
    fs::write(folder.path().join("rules/a.conf"), rules).expect("a file");
    folder
}

/// What came of a request: status, the body the handler saw, facts, and refusals in shadow.
struct ReceivedResponse {
    status: StatusCode,
    seen: String,
    notes: Vec<(String, String)>,
    shadow: Vec<String>,
}

/// Sends a request through the layer to a service that returns the body it sees.
async fn send<B>(layer: &InspectLayer, request: Request<B>) -> ReceivedResponse
where
    B: RebuildBody<Data = Bytes, Error: Into<BoxError>>,
{
    let echo = async |request: Request<B>| {
        let body = request
            .into_body()
            .collect()
            .await
            .map_err(Into::into)?
            .to_bytes();
        Ok::<_, BoxError>(Response::new(Full::new(body)))
    };
    let (mut head, body) = request.into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let service = ServiceBuilder::new().layer(layer.clone()).service_fn(echo);
    let response = service
        .oneshot(Request::from_parts(head, body))
        .await
        .expect("a response");
    let status = response.status();
    let seen = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let note = |fact| match fact {
        Fact::Noted { key, value } => Some((key.to_owned(), value.into_owned())),
        _ => None,
    };
    ReceivedResponse {
        status,
        seen: String::from_utf8_lossy(&seen).into_owned(),
        notes: cx.facts().into_iter().filter_map(note).collect(),
        shadow: cx.with_observations(|seen| {
            seen.shadow_refusals()
                .iter()
                .map(|r| r.value.code.to_owned())
                .collect()
        }),
    }
}

fn json(body: &str) -> Request<Full<Bytes>> {
    let request = Request::post("/search").header("content-type", "application/json");
    request
        .body(Full::from(body.to_owned()))
        .expect("a request")
}

fn layer(change: impl FnOnce(InspectLayerBuilder) -> InspectLayerBuilder) -> InspectLayer {
    let folder = folder(RULES);
    change(InspectLayer::builder().rules(folder.path()))
        .build()
        .expect("a layer")
}

#[tokio::test]
async fn an_attack_is_refused_and_the_record_names_the_rules() {
    let layer = layer(InspectLayerBuilder::enforce);
    let response = send(&layer, json(ATTACK)).await;
    assert_eq!(response.status, StatusCode::FORBIDDEN);
    assert!(response.seen.contains("inspected"), "{}", response.seen);
    for hint in ["OR", "sqli", "2", "5", "score"] {
        assert!(
            !response.seen.replace("403", "").contains(hint),
            "{hint} in {}",
            response.seen
        );
    }
    let noted =
        |key: &str, value: &str| response.notes.contains(&(key.to_owned(), value.to_owned()));
    assert!(
        noted("inspect_rules", "2,4")
            && noted("inspect_score", "5")
            && noted("inspect_severity", "critical")
            && noted("inspect_attacks", "sqli"),
        "{:?}",
        response.notes
    );
    assert!(
        response
            .notes
            .iter()
            .all(|(_, value)| !value.contains("OR")),
        "{:?}",
        response.notes
    );
}

#[tokio::test]
async fn without_enforcement_the_request_passes_and_is_recorded() {
    let response = send(&layer(|builder| builder), json(ATTACK)).await;
    assert_eq!(
        (response.status, response.seen.as_str()),
        (StatusCode::OK, ATTACK)
    );
    assert_eq!(response.shadow, ["inspected"]);
}

#[tokio::test]
async fn a_clean_request_passes_byte_for_byte_and_leaves_no_note() {
    let body = "{\"q\": \"hello\" }\n";
    let response = send(&layer(InspectLayerBuilder::enforce), json(body)).await;
    assert_eq!(
        (response.status, response.seen.as_str()),
        (StatusCode::OK, body)
    );
    assert_eq!(response.notes, []);
}

#[tokio::test]
async fn a_head_alone_is_inspected() {
    let layer = layer(InspectLayerBuilder::enforce);
    let request = Request::get("/")
        .header("x-bad", "1")
        .body(Full::default())
        .expect("a request");
    assert_eq!(send(&layer, request).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let small = |builder: InspectLayerBuilder| builder.max_body(10);
    let long = json(r#"{"q":"a long and harmless text"}"#);
    let response = send(&layer(|builder| small(builder).enforce()), long.clone()).await;
    assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE);
    let response = send(&layer(small), long).await;
    assert_eq!(
        (response.status, response.shadow),
        (StatusCode::OK, vec!["payload_too_large".to_owned()])
    );
}

/// A body without a declared length, in pieces.
fn in_pieces(
    pieces: &[&'static str],
) -> RequestBody<impl Body<Data = Bytes, Error = Infallible> + use<>> {
    let frames = pieces
        .iter()
        .map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
    let frames: Vec<Result<_, Infallible>> = frames.collect();
    RequestBody::inner(StreamBody::new(futures_util::stream::iter(frames)))
}

#[tokio::test]
async fn a_long_body_of_unknown_length_is_passed_on_whole_while_the_layer_observes() {
    let pieces = &["{\"q\":", "\"a long", " and harmless text\"", "}"];
    let request = || {
        let request = Request::post("/search").header("content-type", "application/json");
        request.body(in_pieces(pieces)).expect("a request")
    };
    let response = send(&layer(|builder| builder.max_body(10)), request()).await;
    assert_eq!(
        (response.status, response.seen),
        (StatusCode::OK, pieces.concat())
    );
    assert_eq!(response.shadow, ["payload_too_large"]);
    let response = send(&layer(|builder| builder.max_body(10).enforce()), request()).await;
    assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn of_grpc_only_the_head_is_inspected_if_the_owner_says_so() {
    let request = || {
        let request = Request::post("/search").header("content-type", "application/grpc+json");
        request.body(Full::from(ATTACK)).expect("a request")
    };
    // A refusal of gRPC is in its trailers, so the body tells whether the handler was called.
    let strict = layer(InspectLayerBuilder::enforce);
    assert_eq!(send(&strict, request()).await.seen, "");
    let heads = layer(|builder| builder.enforce().only_heads_of_grpc());
    assert_eq!(send(&heads, request()).await.seen, ATTACK);
    let mut bad = request();
    bad.headers_mut()
        .insert("x-bad", http::HeaderValue::from_static("1"));
    assert_eq!(send(&heads, bad).await.seen, "");
}

#[tokio::test]
async fn a_long_text_of_a_person_uses_up_no_work_of_rules_that_decide() {
    // Each rule has a list of transformations of its own, so each reads the text again.
    let steps = [
        "urlDecodeUni",
        "htmlEntityDecode",
        "jsDecode",
        "cssDecode",
        "replaceComments",
        "compressWhitespace",
    ];
    let mut rules = String::new();
    for (index, first) in steps.iter().enumerate() {
        for (other, second) in steps
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
        {
            rules.push_str(&format!(
                "SecRule ARGS|REQUEST_BODY \"@rx word{index}{other}[^b]*end\" \"id:{index}{other}1,phase:2,deny,\
                 tag:'attack-sqli',t:none,t:{first},t:{second},t:lowercase\"\n"
            ));
        }
    }
    rules.push_str("SecRule ARGS:json.model \"@rx ev[i]l\" \"id:7,phase:2,deny\"");
    let folder = folder(&rules);
    let layer = InspectLayer::builder().rules(folder.path()).enforce();
    let layer = layer
        .person_text(PersonText::chat())
        .build()
        .expect("a layer");
    let markdown =
        "# Notes\\n\\n* `SELECT a &amp; b` -- 50% \\\\u0041  /* x */ \\\\41\\n".repeat(1000);
    let chat = |model: &str| {
        let messages = format!(r#"[{{"role":"user","content":"{markdown}"}}]"#);
        json(&format!(r#"{{"model":"{model}","messages":{messages}}}"#))
    };
    let clean = send(&layer, chat("m-1")).await;
    assert_eq!(clean.status, StatusCode::OK, "{:?}", clean.notes);
    let incomplete = ("inspect_text_incomplete".to_owned(), "true".to_owned());
    assert!(clean.notes.contains(&incomplete), "{:?}", clean.notes);
    assert_eq!(
        send(&layer, chat("evil")).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn what_a_person_wrote_is_counted_apart() {
    let words = |builder: InspectLayerBuilder| builder.enforce().person_text(PersonText::chat());
    let layer = layer(words);
    let chat = json(r#"{"messages":[{"role":"user","content":"1' OR '1'='1"}]}"#);
    let response = send(&layer, chat).await;
    assert_eq!(response.status, StatusCode::OK);
    assert!(
        response
            .notes
            .contains(&("inspect_text_rules".to_owned(), "2".to_owned())),
        "{:?}",
        response.notes
    );
    let role = json(r#"{"messages":[{"role":"1' OR '1'='1","content":"hello"}]}"#);
    assert_eq!(send(&layer, role).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn paths_and_fields_are_excluded() {
    let skipped = layer(|builder| builder.enforce().skip_path("/search"));
    assert_eq!(send(&skipped, json(ATTACK)).await.status, StatusCode::OK);
    for path in ["/search/../x", "/search/%2e%2e/x", "/searching"] {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.body(Full::from(ATTACK)).expect("a request");
        assert_eq!(
            send(&skipped, request).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    let field = Exclusion::tag("attack-sqli")
        .on_path("/search")
        .for_target("ARGS:json.q");
    let excluded = layer(|builder| builder.enforce().exclude(field));
    assert_eq!(send(&excluded, json(ATTACK)).await.status, StatusCode::OK);
    let other = ATTACK.replace("\"q\"", "\"r\"");
    assert_eq!(
        send(&excluded, json(&other)).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn rules_are_read_again_all_or_none() {
    let folder = folder(RULES);
    let file = folder.path().join("rules/a.conf");
    let layer = InspectLayer::builder()
        .rules(folder.path())
        .enforce()
        .build()
        .expect("a layer");
    fs::write(&file, format!("{RULES}SecRule ARGS \"@rx (?=a)\" \"id:9\"")).expect("a file");
    assert!(matches!(
        layer.reload(),
        Err(InspectBuildError::NotLoaded { count: 1, .. })
    ));
    assert_eq!(
        send(&layer, json(ATTACK)).await.status,
        StatusCode::FORBIDDEN
    );
    fs::write(&file, "SecRule ARGS \"@rx hello\" \"id:9,phase:2,deny\"").expect("a file");
    assert_eq!(layer.reload().expect("the rules load").rules, 1);
    assert_eq!(send(&layer, json(ATTACK)).await.status, StatusCode::OK);
    assert_eq!(
        send(&layer, json(r#"{"q":"hello"}"#)).await.status,
        StatusCode::FORBIDDEN
    );
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let missing = InspectLayer::builder().rules("/nonexistent").build();
    assert!(matches!(missing, Err(InspectBuildError::Folder { .. })));
    let paranoia = InspectLayer::builder()
        .rules(folder(RULES).path())
        .paranoia(5)
        .build();
    assert!(matches!(paranoia, Err(InspectBuildError::Paranoia(5))));
    let exclusion = InspectLayer::builder()
        .exclude(Exclusion::tag("a\",deny"))
        .build();
    assert!(matches!(exclusion, Err(InspectBuildError::Exclusion(_))));
    assert!(InspectLayer::builder().build().is_ok());
}

#[tokio::test]
async fn a_request_that_reaches_a_bound_is_refused_though_no_rule_does() {
    let doubling = "SecAction \"id:1,phase:1,pass,setvar:tx.a=0123456789\"\n\
        SecRule ARGS \"@rx x\" \"id:2,phase:2,pass,setvar:tx.a=%{tx.a}%{tx.a}\"";
    let folder = folder(doubling);
    let layer = InspectLayer::builder().rules(folder.path()).enforce();
    let layer = layer.build().expect("a layer");
    let many = serde_json::json!(vec!["x"; 40]).to_string();
    assert_eq!(
        send(&layer, json(&many)).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(send(&layer, json("[\"x\"]")).await.status, StatusCode::OK);
}

#[test]
fn a_paranoia_level_needs_a_folder_of_rules() {
    let error = InspectLayer::builder().paranoia(2).build().err();
    assert_eq!(error, Some(InspectBuildError::ParanoiaWithoutRules));
}

#[test]
fn a_file_that_changes_is_read_again_once() {
    let folder = folder("SecAction \"id:1,phase:1,pass\"");
    let layer = InspectLayer::builder().rules(folder.path());
    let layer = layer.build().expect("a layer");
    assert!(layer.reload_if_changed().is_none());
    let write = |text| fs::write(folder.path().join("rules/b.conf"), text).expect("a file");
    write("SecAction \"id:2,phase:1,pass\"");
    let report = layer.reload_if_changed().expect("a new file");
    assert_eq!(report.expect("valid rules").rules, 2);
    write("SecRule ARGS \"@rx (?=x)\" \"id:2\"");
    assert!(layer.reload_if_changed().expect("a change").is_err());
    assert!(layer.reload_if_changed().is_none(), "it is tried once");
    assert_eq!(layer.report().rules, 2);
}
