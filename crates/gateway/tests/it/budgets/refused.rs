//! What does not fit is refused before the upstream gets it.

use std::fs;

use serde_json::{Value, json};

use super::{ModelServer, charged, document, start, trail};
use crate::{client::status, upstream::field};

fn body(model: &str, max_tokens: u64) -> Value {
    json!({"model": model, "max_tokens": max_tokens, "messages": [], "stream": true})
}

fn budget(name: &str, unit: &str, amount: u64, window: &str) -> String {
    format!(
        "[[budgets]]\nname = '{name}'\nunit = '{unit}'\namount = {amount}\nwindow = '{window}'\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_streams_at_once_as_many_run_as_there_is_room_for() {
    let server = ModelServer::start().await;
    let body = body("gated", 100);
    let each = body.to_string().len() as u64 + 100;
    let gateway =
        std::sync::Arc::new(start(&server, &budget("team", "tokens", 10 * each, "month")).await);
    let ask = |_| {
        let (gateway, body) = (std::sync::Arc::clone(&gateway), body.clone());
        tokio::spawn(async move { gateway.post("/v1/chat/completions", &body).await })
    };
    let asked: Vec<_> = (0..50).map(ask).collect();
    let mut refused = 0;
    let mut running = Vec::new();
    // Forty are answered while the others run.
    server.has_requests(10).await;
    for asked in asked {
        running.push(asked);
    }
    let (sender, mut responses) = tokio::sync::mpsc::unbounded_channel();
    for asked in running {
        let sender = sender.clone();
        tokio::spawn(async move {
            let _ = sender.send(asked.await.unwrap());
        });
    }
    while refused < 40 {
        let response = responses.recv().await.unwrap();
        assert_eq!(status(&response), 402, "{response}");
        // Others only have to be settled.
        assert_eq!(field(&response, "retry-after"), Some("1"), "{response}");
        refused += 1;
    }
    assert_eq!(server.requests().len(), 10);
    server.open_gate();
    for _ in 0..10 {
        let response = responses.recv().await.unwrap();
        assert_eq!(status(&response), 200, "{response}");
    }
    let gateway = std::sync::Arc::into_inner(gateway).unwrap();
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "team"), 10 * 10);
    // At no time was more charged than there is.
    let file = fs::read_to_string(folder.path().join("budgets.log")).unwrap();
    let mut sum = 0;
    for line in file.lines() {
        sum += line.rsplit('\t').next().unwrap().parse::<i64>().unwrap();
        assert!(sum <= i64::try_from(10 * each).unwrap(), "{file}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_is_left_and_when_there_is_more() {
    let server = ModelServer::start().await;
    for (window, expected) in [("minute", 429), ("hour", 429), ("day", 402), ("month", 402)] {
        let gateway = start(&server, &budget("team", "tokens_out", 30, window)).await;
        let first = gateway
            .post("/v1/chat/completions", &body("exact", 28))
            .await;
        assert_eq!(status(&first), 200, "{first}");
        let refused = gateway
            .post("/v1/chat/completions", &body("exact", 28))
            .await;
        assert_eq!(status(&refused), expected, "{refused}");
        let head = refused.split_once("\r\n\r\n").unwrap().0;
        let wait: u64 = field(head, "retry-after").unwrap().parse().unwrap();
        assert!((1..=31 * 86_400).contains(&wait), "{wait}");
        assert!(head.contains("\"team\";r=27;t="), "{head}");
        assert!(head.contains("\"team\";q=30;w="), "{head}");
        let document = document(&refused);
        assert_eq!(document["code"], "budget_exceeded");
        let violated = &document["violated-budgets"][0];
        assert_eq!(violated["budget"], "team");
        assert_eq!(violated["left"], "27");
        assert_eq!(violated["needed"], "28");
        assert!(
            violated["resets_at"].as_str().unwrap().ends_with('Z'),
            "{violated}"
        );
    }
}

#[tokio::test]
async fn a_request_larger_than_the_budget_is_not_told_to_come_again() {
    let server = ModelServer::start().await;
    let gateway = start(&server, &budget("team", "tokens_out", 30, "day")).await;
    let refused = gateway
        .post("/v1/chat/completions", &body("exact", 31))
        .await;
    assert_eq!(status(&refused), 402, "{refused}");
    assert!(
        !refused.to_ascii_lowercase().contains("retry-after"),
        "{refused}"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn one_budget_that_does_not_fit_leaves_all_as_they_are() {
    let server = ModelServer::start().await;
    let budgets =
        budget("wide", "tokens_out", 1000, "month") + &budget("narrow", "tokens_out", 30, "day");
    let gateway = start(&server, &budgets).await;
    let refused = gateway
        .post("/v1/chat/completions", &body("exact", 31))
        .await;
    assert_eq!(
        document(&refused)["violated-budgets"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let folder = gateway.stop().await;
    assert_eq!(charged(folder.path(), "wide"), 0);
    let named = r#""code":"budget_exceeded","policy":"narrow""#;
    assert!(trail(folder.path()).contains(named));
}

#[tokio::test]
async fn money_is_counted_by_the_price_of_the_model() {
    let server = ModelServer::start().await;
    let budgets = "[[budgets]]\nname = 'money'\nunit = 'money'\namount = '0.10'\nwindow = 'month'\n\
                   [[prices]]\nmodels = ['exa*']\ninput = '1000'\noutput = '3000.5'\n";
    let gateway = start(&server, budgets).await;
    // 7 tokens in and 3 out are 0.007 and 0.0090015.
    let first = gateway
        .post("/v1/chat/completions", &body("exact", 1))
        .await;
    assert_eq!(status(&first), 200, "{first}");
    let refused = gateway
        .post("/v1/chat/completions", &body("exact", 30))
        .await;
    assert_eq!(status(&refused), 402, "{refused}");
    let document = document(&refused);
    let violated = &document["violated-budgets"][0];
    assert_eq!(
        (&violated["amount"], &violated["unit"]),
        (&json!("0.10"), &json!("money"))
    );
    let unpriced = gateway
        .post("/v1/chat/completions", &body("other", 1))
        .await;
    assert_eq!(status(&unpriced), 403, "{unpriced}");
    assert!(unpriced.contains("model_not_priced"), "{unpriced}");
    let folder = gateway.stop().await;
    // The usage of 3 is above the limit of 1, and is charged.
    assert_eq!(charged(folder.path(), "money"), 7_000 + 9_002);
}

#[tokio::test]
async fn requests_are_counted_on_every_path() {
    let server = ModelServer::start().await;
    let gateway = start(&server, &budget("requests", "requests", 3, "day")).await;
    assert_eq!(status(&gateway.get("/v1/models").await), 200);
    assert_eq!(status(&gateway.post("/any/path", &json!({})).await), 200);
    assert_eq!(
        status(
            &gateway
                .post("/v1/messages", &json!({"model": "exact"}))
                .await
        ),
        200
    );
    assert_eq!(status(&gateway.get("/v1/models").await), 402);
}
