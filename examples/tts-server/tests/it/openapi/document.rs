//! What the description says, and that it is sound in itself.

use serde_json::{Value, json};

use super::{description, resolve};
use crate::support::{CONFIG, TestRequest, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_public_and_names_the_limits_and_voices_of_this_server() {
    let config = format!("{CONFIG}\n[text]\nmax_graphemes = 77\n");
    let server = TestServer::start_as(&config).await;
    let document = description(&server).await;
    assert_eq!(document["openapi"], "3.1.0");
    let fields = &document["components"]["schemas"]["TtsRequest"]["properties"];
    assert_eq!(fields["text"]["x-max-graphemes"], 77);
    assert_eq!(fields["emotion"]["enum"], json!(["happy", "neutral", null]));
    assert_eq!(
        (&fields["speed"]["minimum"], &fields["speed"]["maximum"]),
        (&json!(0.5), &json!(2.0))
    );
    let page = server.client.send(TestRequest::get("/")).await;
    assert!(String::from_utf8_lossy(&page.body).contains("href=\"/openapi.json\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere_and_nothing_is_left_empty() {
    let server = TestServer::start().await;
    let document = description(&server).await;
    let mut rest = vec![&document];
    let mut seen = 0;
    while let Some(value) = rest.pop() {
        seen += usize::from(value["$ref"].is_string());
        assert!(!resolve(&document, value).is_null());
        match value {
            Value::Array(values) => rest.extend(values),
            Value::Object(members) => {
                for (name, member) in members {
                    assert!(!member.is_null(), "{name} is null");
                    // A choice may well hold nothing.
                    rest.extend((name != "enum").then_some(member));
                }
            }
            _ => {}
        }
    }
    assert!(seen > 50, "{seen} references");
}
