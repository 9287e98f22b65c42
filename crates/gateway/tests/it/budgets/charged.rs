//! What is charged: by the usage, or by what passed.

use serde_json::{Value, json};

use super::{ModelServer, WIDE, charged, start, trail};
use crate::client::status;

/// Every interface with a request, whole and streamed.
fn requests(model: &str) -> Vec<(&'static str, Value)> {
    let chat =
        json!({"model": model, "messages": [{"role": "user", "content": "a long question"}]});
    let responses = json!({"model": model, "input": "a long question"});
    let bodies = [
        ("/v1/chat/completions", chat.clone()),
        ("/v1/responses", responses),
        ("/v1/messages", chat.clone()),
        ("/api/chat", chat),
    ];
    let both = |(path, body): (&'static str, Value)| {
        [false, true].map(|streams| {
            let mut body = body.clone();
            body["stream"] = json!(streams);
            (path, body)
        })
    };
    bodies.into_iter().flat_map(both).collect()
}

#[tokio::test]
async fn every_interface_is_charged_by_its_usage_whole_and_streamed() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    for (path, body) in requests("exact") {
        let response = gateway.post(path, &body).await;
        assert_eq!(status(&response), 200, "{path}: {response}");
        assert!(response.contains("hel"), "{path}: {response}");
        assert!(response.contains("ratelimit: \"in\";r="), "{response}");
    }
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "in"), 8 * 7);
    assert_eq!(charged(folder.path(), "out"), 8 * 3);
    let trail = trail(folder.path());
    assert_eq!(trail.matches("\"tokens_in\":7").count(), 8, "{trail}");
    assert_eq!(
        trail.matches("\"reserved\":{\"tokens_in\":").count(),
        8,
        "{trail}"
    );
    assert!(!trail.contains("budget_estimated"), "{trail}");
}

#[tokio::test]
async fn the_trail_has_how_much_of_a_body_was_read() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let (path, body) = &requests("exact")[0];
    assert_eq!(status(&gateway.post(path, body).await), 200);
    let refused =
        "POST /v1/chat/completions HTTP/1.1\r\nHOSTX-API-Key: no\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(status(&gateway.send(refused).await), 401);
    let folder = gateway.stop().await;
    let trail = trail(folder.path());
    let length = body.to_string().len();
    for (declared, read) in [(length, length), (5, 0)] {
        let declared = format!("\"request_bytes\":{declared},");
        let mut lines = trail.lines();
        let line = lines.find(|line| line.contains(&declared)).unwrap();
        let read = format!("\"request_bytes_read\":{read},");
        assert!(line.contains(&read), "{line}");
    }
}

#[tokio::test]
async fn without_a_usage_what_passed_is_charged_and_marked() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let mut bytes = 0;
    for (path, body) in requests("silent") {
        bytes += body.to_string().len() as u64;
        assert_eq!(status(&gateway.post(path, &body).await), 200, "{path}");
    }
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "in"), bytes);
    // A stream has 5 bytes of text. A document counts whole, up to its limit of 20.
    assert_eq!(charged(folder.path(), "out"), 4 * 5 + 4 * 20);
    let trail = trail(folder.path());
    assert_eq!(trail.matches("no_usage").count(), 8, "{trail}");
}

#[tokio::test]
async fn a_usage_that_is_no_number_is_left_out() {
    let server = ModelServer::start().await;
    for model in ["negative", "words"] {
        let gateway = start(&server, WIDE).await;
        let mut bytes = 0;
        for (path, body) in requests(model) {
            bytes += body.to_string().len() as u64;
            assert_eq!(status(&gateway.post(path, &body).await), 200, "{path}");
        }
        let folder = gateway.stop().await;
        assert_eq!(charged(folder.path(), "in"), bytes, "{model}");
        assert_eq!(charged(folder.path(), "out"), 4 * 5 + 4 * 20, "{model}");
        let trail = trail(folder.path());
        assert_eq!(trail.matches("wrong_usage").count(), 8, "{model}: {trail}");
    }
}

#[tokio::test]
async fn a_usage_above_the_reserve_is_charged_and_ends_the_window() {
    let server = ModelServer::start().await;
    for (path, body) in requests("huge") {
        let gateway = start(&server, WIDE).await;
        assert_eq!(status(&gateway.post(path, &body).await), 200, "{path}");
        assert_eq!(status(&gateway.post(path, &body).await), 402, "{path}");
        let folder = gateway.stop().await;
        assert_eq!(charged(folder.path(), "in"), 1 << 31, "{path}");
        assert_eq!(charged(folder.path(), "out"), 1 << 31, "{path}");
        let trail = trail(folder.path());
        assert_eq!(trail.matches("above_reserve").count(), 1, "{path}: {trail}");
    }
}

#[tokio::test]
async fn the_usage_of_a_stream_is_shown_only_to_clients_that_asked() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let mut body = json!({"model": "exact", "stream": true, "messages": []});
    let hidden = gateway.post("/v1/chat/completions", &body).await;
    assert!(!hidden.contains("usage"), "{hidden}");
    assert!(
        hidden.contains("hel") && hidden.contains("[DONE]"),
        "{hidden}"
    );
    body["stream_options"] = json!({"include_usage": true});
    let shown = gateway.post("/v1/chat/completions", &body).await;
    assert!(shown.contains("\"prompt_tokens\":7"), "{shown}");
    let asked = server.requests();
    assert!(
        asked
            .iter()
            .all(|body| body["stream_options"]["include_usage"] == json!(true))
    );
}

#[tokio::test]
async fn a_client_that_leaves_pays_the_reserve() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let mut bytes = 0;
    for (path, body) in requests("endless")
        .into_iter()
        .filter(|(_, body)| body["stream"] == json!(true))
    {
        if path == "/v1/messages" {
            continue; // Its second event has all the text.
        }
        bytes += body.to_string().len() as u64;
        drop(gateway.begin(path, &body, "\"lo\"").await);
        server.is_idle().await;
    }
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "in"), bytes);
    assert_eq!(charged(folder.path(), "out"), 3 * 20);
    let trail = trail(folder.path());
    assert_eq!(trail.matches("\"budget_estimated\"").count(), 3, "{trail}");
    assert!(trail.contains("cut"), "{trail}");
}

/// Some servers tell in every event how many tokens there were so far.
#[tokio::test]
async fn a_client_that_leaves_pays_the_reserve_whatever_was_told_before_the_end() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let body = json!({"model": "early", "stream": true, "messages": []});
    drop(gateway.begin("/v1/chat/completions", &body, "\"lo\"").await);
    server.is_idle().await;
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "in"), 7);
    assert_eq!(charged(folder.path(), "out"), 20);
    let trail = trail(folder.path());
    assert!(
        trail.contains("\"budget_estimated\"") && trail.contains("cut"),
        "{trail}"
    );
}

/// No event of them has text under a name that is known.
#[tokio::test]
async fn the_bytes_of_a_stream_that_cannot_be_read_are_charged_as_text() {
    let server = ModelServer::start().await;
    for model in ["lines_end_with_cr", "unknown_keys"] {
        let gateway = start(&server, WIDE).await;
        let body = json!({"model": model, "stream": true, "messages": []});
        let response = gateway.post("/v1/chat/completions", &body).await;
        assert!(response.contains("hel"), "{model}: {response}");
        let folder = gateway.stop().await;
        assert_eq!(charged(folder.path(), "out"), 20, "{model}");
        let trail = trail(folder.path());
        assert!(trail.contains("no_usage"), "{model}: {trail}");
    }
}

#[tokio::test]
async fn an_upstream_that_fails_is_not_free_unless_nothing_ran() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let body = |model: &str| json!({"model": model, "stream": model == "breaks", "messages": []});
    let mut bytes = 0;
    for model in ["fails", "breaks", "busy"] {
        let body = body(model);
        if model != "busy" {
            bytes += body.to_string().len() as u64;
        }
        gateway.post("/v1/chat/completions", &body).await;
    }
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "in"), bytes);
    assert_eq!(charged(folder.path(), "out"), 2 * 20);
}

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_costs_the_request_alone() {
    let server = ModelServer::start().await;
    let budgets = format!(
        "{WIDE}[[budgets]]\nname = 'requests'\nunit = 'requests'\namount = 10\nwindow = 'day'\n"
    );
    let budgets = budgets.as_str();
    let prepared = super::prepare(&server, &format!("{budgets}{}", super::METERING)).await;
    let closed = server.address.to_string();
    // A port that nothing listens on.
    let port = palisade_internal::free_port::choose(std::net::Ipv4Addr::LOCALHOST.into()).unwrap();
    let file = prepared.file.replace(&closed, &format!("127.0.0.1:{port}"));
    let mut gateway = crate::client::start_file(prepared.folder, &file).await;
    gateway.key = prepared.key;
    let response = gateway
        .post("/v1/messages", &json!({"model": "exact"}))
        .await;
    assert_eq!(status(&response), 502, "{response}");
    assert_eq!(status(&gateway.get("/v1/models").await), 502);
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "in"), 0);
    assert_eq!(charged(folder.path(), "requests"), 2);
}

#[tokio::test]
async fn a_response_that_cannot_be_read_is_charged_as_the_reserve() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let body = json!({"model": "zipped", "messages": []});
    assert_eq!(
        status(&gateway.post("/v1/chat/completions", &body).await),
        200
    );
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "out"), 20);
    assert!(trail(folder.path()).contains("unreadable"));
}

#[tokio::test]
async fn after_a_kill_the_reserve_is_charged() {
    let server = ModelServer::start().await;
    let gateway = start(&server, WIDE).await;
    let body = json!({"model": "endless", "stream": true, "messages": []});
    let open = gateway.begin("/v1/chat/completions", &body, "\"lo\"").await;
    // What a killed process leaves: the file as it is.
    let left = std::fs::read(gateway.folder.path().join("budgets.log")).unwrap();
    let killed = tempfile::tempdir().unwrap();
    std::fs::write(killed.path().join("budgets.log"), left).unwrap();
    assert_eq!(charged(killed.path(), "in"), body.to_string().len() as u64);
    assert_eq!(charged(killed.path(), "out"), 20);
    drop(open);
}

#[tokio::test]
async fn a_gateway_that_was_killed_and_started_again_counts_the_reserve_of_open_streams() {
    let server = ModelServer::start().await;
    let budget = "[[budgets]]\nname = 'out'\nunit = 'tokens_out'\namount = 50\nwindow = 'month'\n";
    let prepared = super::prepare(&server, &format!("{budget}{}", super::METERING)).await;
    let (file, key) = (prepared.file, prepared.key);
    let mut gateway = crate::client::start_file(prepared.folder, &file).await;
    gateway.key.clone_from(&key);
    let body = json!({"model": "endless", "stream": true, "messages": []});
    let first = gateway.begin("/v1/chat/completions", &body, "\"lo\"").await;
    let second = gateway.begin("/v1/messages", &body, "hello").await;
    // What a killed process leaves: the file as it is.
    let left = std::fs::read(gateway.folder.path().join("budgets.log")).unwrap();
    let restarted = tempfile::tempdir().unwrap();
    std::fs::write(restarted.path().join("budgets.log"), left).unwrap();
    let file = file.replace("requests.jsonl", "restarted.jsonl");
    let mut restarted = crate::client::start_file(restarted, &file).await;
    restarted.key = key;
    // Two reserves of 20 are charged, so 10 of 50 are left.
    let refused = restarted.post("/v1/chat/completions", &body).await;
    assert_eq!(status(&refused), 402, "{refused}");
    let violated = &super::document(&refused)["violated-budgets"][0];
    assert_eq!(
        (&violated["used"], &violated["left"]),
        (&json!("40"), &json!("10"))
    );
    let small = json!({"model": "exact", "max_tokens": 10, "messages": []});
    let response = restarted.post("/v1/chat/completions", &small).await;
    assert_eq!(status(&response), 200, "{response}");
    drop((first, second));
}

/// Clients of four interfaces, at once and with every ending: what is granted is never more than the budget, and what is
/// charged in the end is the sum of what each request used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_requests_with_every_ending_the_sum_is_charged_and_never_more_than_the_budget() {
    let server = ModelServer::start().await;
    let budget = "[[budgets]]\nname = 'out'\nunit = 'tokens_out'\namount = 200\nwindow = 'month'\n";
    let gateway = std::sync::Arc::new(start(&server, budget).await);
    let endings = [
        "exact", "silent", "negative", "fails", "breaks", "busy", "exact",
    ];
    let paths = [
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/messages",
        "/api/chat",
    ];
    let mut running = Vec::new();
    for number in 0..56 {
        let (path, model) = (paths[number % 4], endings[number % 7]);
        let body = json!({"model": model, "stream": model != "fails" && model != "busy", "messages": [], "input": ""});
        let gateway = std::sync::Arc::clone(&gateway);
        running.push(tokio::spawn(async move {
            let response = gateway.post(path, &body).await;
            // What it used, by the ending: told, the text that passed, the reserve, or nothing.
            match (status(&response), model) {
                (402, _) | (_, "busy") => 0,
                (_, "exact") => 3,
                (_, "silent" | "negative") => 5,
                _ => 20,
            }
        }));
    }
    let mut used = 0;
    for request in running {
        used += request.await.unwrap();
    }
    let gateway = std::sync::Arc::into_inner(gateway).unwrap();
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "out"), used);
    assert!((1..=200).contains(&used), "{used}");
}
