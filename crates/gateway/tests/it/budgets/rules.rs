//! Which models and paths may be used, and what a file may say.

use std::fs;

use palisade_gateway::{Settings, explain};
use serde_json::{Value, json};

use super::{ModelServer, WIDE, charged, document, prepare, start};
use crate::client::{run, status};

pub(super) async fn post(rules: &str, path: &str, body: &Value) -> (u16, String) {
    let server = ModelServer::start().await;
    let gateway = start(&server, rules).await;
    let response = gateway.post(path, body).await;
    let code = match status(&response) {
        200 => String::new(),
        _ => document(&response)["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    };
    (status(&response), code)
}

#[track_caller]
pub(super) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_model_that_no_rule_names_may_not_be_used() {
    let rules = "[[model_rules]]\nmodels = ['exact', 'llama*']\n\
                 [[model_rules]]\nprincipals = ['jwt:*']\nmodels = ['other']\n\
                 [[model_rules]]\npath = '/api'\nmodels = ['llama*']\n";
    let chat = "/v1/chat/completions";
    let body = |model: &str| json!({"model": model, "messages": []});
    assert_eq!(post(rules, chat, &body("exact")).await.0, 200);
    assert_eq!(
        post(rules, chat, &body("gpt")).await,
        refused(403, "model_not_allowed")
    );
    assert_eq!(
        post(rules, chat, &json!({})).await,
        refused(403, "model_not_allowed")
    );
    assert_eq!(
        post(rules, "/api/chat", &body("exact")).await,
        refused(403, "model_not_allowed")
    );
    assert_eq!(post(rules, "/api/chat", &body("llama3")).await.0, 200);
}

#[tokio::test]
async fn a_model_without_a_name_or_that_no_budget_counts_is_refused() {
    let budget = |models: &str| {
        format!("[[budgets]]\nname = 'a'\nunit = 'tokens'\namount = 9000\nwindow = 'day'\n{models}")
    };
    let named = budget("models = ['exact', 'any*']\n");
    let star = budget("models = ['*']\n");
    for (budgets, body, expected) in [
        (&named, json!({"model": "exact"}), 200),
        (&named, json!({"model": "other"}), 403),
        (&named, json!({}), 403),
        (&star, json!({"model": "other"}), 200),
        (&star, json!({"model": ""}), 403),
        (&budget(""), json!({}), 200),
        (&format!("{WIDE}{named}"), json!({"model": "other"}), 200),
    ] {
        let response = post(budgets, "/v1/chat/completions", &body).await;
        assert_eq!(response.0, expected, "{budgets} {body}");
    }
    let path = "/openai/deployments/other/chat/completions";
    assert_eq!(post(&named, path, &json!({})).await.0, 403);
}

#[tokio::test]
async fn a_body_that_is_written_anew_is_sent_as_json() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let request = super::request("/v1/chat/completions", &json!({"model": "exact"}));
    let request = request.replace("application/json", "application/x-www-form-urlencoded");
    let response = gateway.send(&request).await;
    assert_eq!(status(&response), 200, "{response}");
    assert_eq!(server.media_types(), ["application/json"]);
}

#[tokio::test]
async fn the_greatest_number_of_tokens_is_that_of_the_strictest_rule() {
    let rules =
        "[[model_rules]]\nmax_tokens = 50\n[[model_rules]]\nowners = ['*']\nmax_tokens = 9\n";
    let server = ModelServer::start().await;
    let gateway = start(&server, rules).await;
    let body = json!({"model": "exact", "max_tokens": 10, "messages": []});
    let response = gateway.post("/v1/chat/completions", &body).await;
    assert_eq!(status(&response), 400, "{response}");
    assert_eq!(document(&response)["max_tokens"], 9);
    let body = json!({"model": "exact", "messages": []});
    assert_eq!(
        status(&gateway.post("/v1/chat/completions", &body).await),
        200
    );
    assert_eq!(server.requests()[0]["max_tokens"], 9);
}

#[tokio::test]
async fn what_cannot_be_counted_is_refused() {
    let chat = "/v1/chat/completions";
    for (path, body, expected) in [
        (
            "/v1/images/generations",
            json!({}),
            refused(403, "path_not_metered"),
        ),
        (
            "/v1/chat/completions/",
            json!({}),
            refused(403, "path_not_metered"),
        ),
        (chat, json!([]), refused(400, "unreadable_request")),
        (
            chat,
            json!({"model": 7}),
            refused(400, "unreadable_request"),
        ),
        (
            "/v1/responses",
            json!({"background": true}),
            refused(400, "unreadable_request"),
        ),
    ] {
        assert_eq!(post(WIDE, path, &body).await, expected, "{path} {body}");
    }
}

#[tokio::test]
async fn free_paths_pass_uncounted() {
    let server = ModelServer::start().await;
    let file = format!("{WIDE}[metering]\nfree_paths = ['/v1/audio/*']\n");
    let prepared = prepare(&server, &file).await;
    let mut gateway = crate::client::start_file(prepared.folder, &prepared.file).await;
    gateway.key = prepared.key;
    assert_eq!(
        status(&gateway.post("/v1/audio/speech", &json!({})).await),
        200
    );
    assert_eq!(status(&gateway.get("/v1/models").await), 200);
    assert_eq!(status(&gateway.post("/v1/images", &json!({})).await), 403);
}

#[tokio::test]
async fn in_shadow_nothing_is_refused_or_changed_and_all_is_reported() {
    let server = ModelServer::start().await;
    let file = "[[budgets]]\nname = 'small'\nunit = 'tokens_out'\namount = 3000\nwindow = 'day'\n\
                [[model_rules]]\nmodels = ['exact']\n";
    let prepared = prepare(&server, file).await;
    let path = prepared.folder.path().join("gateway.toml");
    fs::write(&path, &prepared.file).unwrap();
    let settings = Settings::read(&path).unwrap().dangerously_only_shadow();
    let mut gateway = run(prepared.folder, settings, "tls").await;
    gateway.key = prepared.key;
    let bodies = [
        json!({"model": "exact", "stream": true, "max_tokens": 3001}),
        json!({"model": "other", "stream": true}),
        json!({"model": "exact", "stream": true, "max_tokens": 10}),
    ];
    for body in &bodies {
        let response = gateway.post("/v1/chat/completions", body).await;
        assert_eq!(status(&response), 200, "{response}");
    }
    assert_eq!(status(&gateway.post("/v1/images", &json!({})).await), 200);
    assert_eq!(server.requests()[..3], bodies);
    let report = gateway.report.to_string();
    for code in ["budget_exceeded", "model_not_allowed", "path_not_metered"] {
        assert!(report.contains(code), "{code}: {report}");
    }
    let folder = gateway.stop().await;
    // Without a usage, since the request was not changed: the text that passed.
    assert_eq!(charged(folder.path(), "small"), 5);
}

#[tokio::test]
async fn explain_names_the_budgets_and_opens_nothing() {
    let server = ModelServer::start().await;
    let prepared = prepare(&server, WIDE).await;
    let path = prepared.folder.path().join("gateway.toml");
    fs::write(&path, &prepared.file).unwrap();
    let text = explain(&Settings::read(&path).unwrap()).unwrap();
    assert!(
        text.contains("in: 1000000 tokens_in a month, by principal"),
        "{text}"
    );
    assert!(!prepared.folder.path().join("budgets.log").exists());
}

#[tokio::test]
async fn a_counter_file_in_use_is_told_at_the_start() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let path = gateway.folder.path().join("gateway.toml");
    let file = fs::read_to_string(&path).unwrap();
    fs::write(&path, file.replace("requests.jsonl", "second.jsonl")).unwrap();
    let problem = palisade_gateway::Gateway::prepare(Settings::read(&path).unwrap()).await;
    let problem = problem.unwrap_err().to_string();
    assert!(
        problem.contains("budgets.log: another process uses"),
        "{problem}"
    );
}

#[tokio::test]
async fn the_configuration_of_the_book_is_accepted() {
    let page = include_str!("../../../../../docs/src/how-to/gateway-budgets.md");
    let example = page.split_once("```toml\n").unwrap().1;
    let example = example.split_once("```").unwrap().0;
    let server = ModelServer::start().await;
    let prepared = prepare(&server, example).await;
    let path = prepared.folder.path().join("gateway.toml");
    fs::write(&path, &prepared.file).unwrap();
    let text = explain(&Settings::read(&path).unwrap()).unwrap();
    for line in [
        "team-month: 25.00 money a month, by owner",
        "key-minute: 40000 tokens a minute, by principal",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[tokio::test]
async fn budgets_of_a_file_that_is_read_again_keep_their_counters() {
    let server = ModelServer::start().await;
    let file = |amount| {
        format!("[[budgets]]\nname = 'a'\nunit = 'requests'\namount = {amount}\nwindow = 'month'\n")
    };
    let gateway = start(&server, &file(2)).await;
    let path = gateway.folder.path().join("gateway.toml");
    for expected in [200, 200, 402] {
        assert_eq!(status(&gateway.get("/v1/models").await), expected);
    }
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&file(2), &file(3))).unwrap();
    assert_eq!(
        gateway.reloader.reload().await.unwrap(),
        ["budgets[0].amount"]
    );
    for expected in [200, 402] {
        assert_eq!(status(&gateway.get("/v1/models").await), expected);
    }
    let moved = format!("{}file = 'other.log'\n", fs::read_to_string(&path).unwrap());
    fs::write(&path, moved).unwrap();
    let problem = gateway.reloader.reload().await.unwrap_err().to_string();
    assert!(problem.contains("metering.file"), "{problem}");
}
