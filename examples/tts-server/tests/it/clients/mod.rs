//! What clients of OpenAI's speech route send: a file for each in `shapes`, written from public documentation.
//! Every shape is answered by a server without settings.

use serde::Deserialize;
use serde_json::Value;

use std::{collections::BTreeMap, fs, path::Path};

use http::Method;

use crate::support::{TestRequest, TestResponse, TestServer};

/// A client, and what it sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    client: String,
    source: String,
    requests: Vec<Exchange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    expect: Expected,
}

/// What the response has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Expected {
    status: u16,
    content_type: String,
    /// The members that are named as ignored. Default: none.
    ignored: Option<String>,
    /// The voice that is named as another than the client's. Default: none.
    voice: Option<String>,
    /// A member that a list has.
    has: Option<String>,
    /// Whether the response has a length.
    #[serde(default)]
    length: bool,
}

impl Exchange {
    fn request(&self, key: &str) -> TestRequest {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        let bearer = format!("Bearer {key}");
        let mut request = TestRequest::new(method, &self.path).header("authorization", &bearer);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match &self.body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        }
    }
}

impl Expected {
    #[track_caller]
    fn check(&self, response: &TestResponse, at: &str) {
        assert_eq!(response.status.as_u16(), self.status, "{at}: {response:?}");
        assert_eq!(response.header("content-type"), self.content_type, "{at}");
        assert!(!response.body.is_empty(), "{at}");
        let ignored = self.ignored.as_deref().unwrap_or_default();
        assert_eq!(response.header("x-ignored-members"), ignored, "{at}");
        let voice = self.voice.as_deref().unwrap_or_default();
        assert_eq!(response.header("x-voice"), voice, "{at}");
        assert_eq!(
            response.headers.contains_key("content-length"),
            self.length || self.has.is_some(),
            "{at}"
        );
        if let Some(place) = &self.has {
            let list = response.json();
            assert!(
                list.pointer(place).is_some_and(Value::is_string),
                "{at}: {list}"
            );
        }
    }
}

/// Sends what a client sends, to a server of its own.
async fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/shapes");
    let shape = fs::read(folder.join(format!("{name}.json"))).unwrap();
    let shape: Shape = serde_json::from_slice(&shape).unwrap();
    assert!(shape.source.starts_with("https://") && !shape.requests.is_empty());
    let server = TestServer::start().await;
    for (number, exchange) in shape.requests.iter().enumerate() {
        let at = format!("{}, request {}", shape.client, number + 1);
        let response = server.client.send(exchange.request(&server.key)).await;
        exchange.expect.check(&response, &at);
    }
    let trail = server.finish().await;
    for (record, exchange) in trail.requests.iter().zip(&shape.requests) {
        let record = record.to_string();
        for noted in [&exchange.expect.ignored, &exchange.expect.voice] {
            let noted = noted.as_deref().unwrap_or_default();
            assert!(record.contains(noted), "{record}");
        }
    }
}

/// Each file is a test, and no file is left out.
macro_rules! shapes {
    ($($test:ident = $file:literal,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                check($file).await;
            }
        )*

        #[test]
        fn every_shape_has_a_test() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/shapes");
            let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
            let mut files: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
            files.sort();
            let mut tested = vec![$(format!("{}.json", $file)),*];
            tested.sort();
            assert_eq!(files, tested);
        }
    };
}

shapes! {
    agents_that_talk_are_answered = "voice-agents",
    anythingllm_is_answered = "anythingllm",
    curl_is_answered = "curl",
    home_assistant_is_answered = "home-assistant",
    kokoro_clients_are_answered = "kokoro",
    librechat_is_answered = "librechat",
    open_webui_is_answered = "open-webui",
    page_readers_are_answered = "page-reader",
    sillytavern_is_answered = "sillytavern",
    the_node_package_is_answered = "openai-node",
    the_python_package_is_answered = "openai-python",
}
