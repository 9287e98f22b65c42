#![allow(clippy::unwrap_used)]

mod names;

use serde_json::{Value, json};

use super::*;

const METERING: Metering = Metering {
    max_tokens: 500,
    overhead_tokens: 10,
    reference_tokens: 1000,
    max_body: 1 << 20,
    free_paths: Vec::new(),
    output_field: "max_tokens",
    ask_for_usage: true,
};

/// The address of a request. `path` may have a query.
fn uri(path: &str) -> Uri {
    let path = if path.is_empty() { "/" } else { path };
    path.parse().unwrap()
}

/// Reads a request, and returns its bound of tokens out and the body for the upstream.
fn bound(api: Api, body: &Value, limit: Option<u64>) -> Result<(u64, Value), &'static str> {
    let raw = Bytes::from(body.to_string());
    let bound = |mut request: ModelRequest| {
        let tokens = request.bound_tokens(&METERING, limit)?;
        let sent = serde_json::from_slice(&request.into_body()).unwrap();
        Ok((tokens.tokens_out, sent))
    };
    let read = ModelRequest::parse(api, &uri(""), &raw).and_then(bound);
    read.map_err(|rejection| rejection.code())
}

#[track_caller]
fn check(api: Api, body: &Value, expected: u64) {
    assert_eq!(bound(api, body, None).unwrap().0, expected, "{body}");
}

#[test]
fn the_greatest_limit_is_reserved_for_each_response() {
    check(Api::OpenAiChat, &json!({"max_tokens": 7}), 7);
    check(
        Api::OpenAiChat,
        &json!({"max_tokens": 7, "max_completion_tokens": 9}),
        9,
    );
    check(Api::OpenAiChat, &json!({"max_tokens": 7, "n": 3}), 21);
    // What a prediction has beside the response counts as tokens out.
    let predicted = json!({"max_tokens": 7, "prediction": {"type": "content", "content": "abc"}});
    let bytes = predicted.to_string().len() as u64;
    check(Api::OpenAiChat, &predicted, 7 + bytes);
    check(
        Api::OpenAiCompletions,
        &json!({"max_tokens": 7, "best_of": 4, "n": 2}),
        28,
    );
    check(
        Api::OpenAiCompletions,
        &json!({"max_tokens": 7, "prompt": ["a", "b"]}),
        14,
    );
    check(
        Api::OpenAiCompletions,
        &json!({"max_tokens": 7, "prompt": [1, 2, 3]}),
        7,
    );
    check(Api::OpenAiResponses, &json!({"max_output_tokens": 7}), 7);
    check(Api::AnthropicMessages, &json!({"max_tokens": 7}), 7);
    check(Api::OllamaChat, &json!({"options": {"num_predict": 7}}), 7);
    check(Api::OpenAiEmbeddings, &json!({"input": "a"}), 0);
}

#[test]
fn a_request_without_a_limit_gets_one() {
    for (api, body, path) in [
        (Api::OpenAiChat, json!({"max_tokens": null}), "/max_tokens"),
        (Api::OpenAiResponses, json!({}), "/max_output_tokens"),
        (Api::AnthropicMessages, json!({}), "/max_tokens"),
        (Api::OllamaGenerate, json!({}), "/options/num_predict"),
        (
            Api::OllamaChat,
            json!({"options": {"num_predict": -1, "seed": 3}}),
            "/options/num_predict",
        ),
    ] {
        let (tokens, sent) = bound(api, &body, None).unwrap();
        assert_eq!(
            (tokens, sent.pointer(path)),
            (500, Some(&json!(500))),
            "{body}"
        );
        let (tokens, sent) = bound(api, &body, Some(60)).unwrap();
        assert_eq!(
            (tokens, sent.pointer(path)),
            (60, Some(&json!(60))),
            "{body}"
        );
    }
    let (_, sent) = bound(Api::OllamaChat, &json!({"options": {"seed": 3}}), None).unwrap();
    assert_eq!(sent, json!({"options": {"seed": 3, "num_predict": 500}}));
}

#[test]
fn limits_that_are_none_are_refused() {
    let refused = |api, body: Value| bound(api, &body, Some(60)).unwrap_err();
    assert_eq!(
        refused(Api::OpenAiChat, json!({"max_tokens": 61})),
        "max_tokens_exceeded"
    );
    for body in [
        json!({"max_tokens": -1}),
        json!({"max_tokens": 1.5}),
        json!({"max_tokens": "5"}),
        json!({"max_tokens": 1_u64 << 40}),
        json!({"max_tokens": 5, "n": 0}),
        json!({"max_tokens": 5, "n": 1000}),
        json!({"model": 5}),
        json!({"model": "x".repeat(201)}),
        json!({"model": "m\u{0}"}),
        json!({"background": true}),
        json!([]),
    ] {
        assert_eq!(
            refused(Api::OpenAiChat, body.clone()),
            "unreadable_request",
            "{body}"
        );
    }
}

#[test]
fn tokens_in_are_bounded_by_bytes_and_by_what_is_only_named() {
    for (body, references) in [
        (json!({"messages": [{"content": "hello"}]}), 0),
        (json!({"previous_response_id": "resp_1"}), 1),
        (json!({"previous_response_id": null}), 0),
        (
            json!({"input": [{"type": "input_image", "image_url": "https://a"}, {"file_id": "f"}]}),
            2,
        ),
        (
            json!({"messages": [{"content": [{"type": "image", "source": {"url": "https://a"}}]}]}),
            1,
        ),
        (
            json!({"tools": [{"type": "function"}, {"type": "web_search"}, {"name": "own"}]}),
            1,
        ),
        (json!({"prompt": {"id": "pmpt_1"}}), 1),
        (
            json!({"input": [{"video_url": {"url": "https://a"}}, {"audio_url": "https://a"}]}),
            2,
        ),
        (
            json!({"input": [{"input_video": {}}, {"video": "a"}, {"images": ["a", "b"]}]}),
            4,
        ),
        (
            json!({"input": [{"clip_url": "https://a", "some_file": "a", "item_id": "b"}]}),
            3,
        ),
        (json!({"input": [{"type": "item_reference", "id": "a"}]}), 1),
        (
            json!({"input": [{"tool_call_id": "a", "call_id": "b", "tool_use_id": "c"}]}),
            0,
        ),
        (json!({"metadata": {"user_id": "a", "case_id": "b"}}), 0),
        (
            json!({"tools": [{"parameters": {"properties": {"case_id": {"type": "string"}}}}]}),
            0,
        ),
        (
            json!({"input": [{"type": "tool_use", "input": {"case_id": "b"}}]}),
            0,
        ),
    ] {
        let raw = Bytes::from(body.to_string());
        let mut request = ModelRequest::parse(Api::OpenAiResponses, &uri(""), &raw).unwrap();
        let tokens = request.bound_tokens(&METERING, None).unwrap();
        let text = raw.len() as u64 + 1000 * references;
        assert_eq!((tokens.text, tokens.tokens_in), (text, text + 10), "{body}");
    }
}

#[test]
fn only_a_stream_whose_client_did_not_ask_hides_its_usage() {
    for (api, body, asked, hides) in [
        (Api::OpenAiChat, json!({"stream": true}), true, true),
        (
            Api::OpenAiChat,
            json!({"stream": true, "stream_options": {"include_usage": false}}),
            true,
            true,
        ),
        (
            Api::OpenAiChat,
            json!({"stream": true, "stream_options": {"include_usage": true}}),
            true,
            false,
        ),
        (Api::OpenAiChat, json!({"stream": false}), false, false),
        (Api::OpenAiResponses, json!({"stream": true}), false, false),
        (Api::OllamaChat, json!({"stream": true}), false, false),
    ] {
        let raw = Bytes::from(body.to_string());
        let mut request = ModelRequest::parse(api, &uri(""), &raw).unwrap();
        let _ = request.bound_tokens(&METERING, None).unwrap();
        assert_eq!(request.hides_usage(), hides, "{body}");
        let sent: Value = serde_json::from_slice(&request.into_body()).unwrap();
        let told = sent.pointer("/stream_options/include_usage") == Some(&json!(true));
        assert_eq!(told, asked, "{body}");
    }
}

#[test]
fn the_bound_is_in_the_one_field_that_the_interface_reads() {
    let all = json!({"max_tokens": 0, "max_completion_tokens": 0, "max_output_tokens": 1});
    for (api, body, expected, path) in [
        (
            Api::OpenAiChat,
            json!({"max_output_tokens": 1}),
            500,
            "/max_tokens",
        ),
        (Api::OpenAiChat, all.clone(), 500, "/max_tokens"),
        (
            Api::OpenAiChat,
            json!({"max_completion_tokens": 9}),
            9,
            "/max_tokens",
        ),
        (
            Api::OpenAiCompletions,
            json!({"max_completion_tokens": 1}),
            500,
            "/max_tokens",
        ),
        (
            Api::AnthropicMessages,
            json!({"max_output_tokens": 1}),
            500,
            "/max_tokens",
        ),
        (
            Api::OpenAiResponses,
            json!({"max_tokens": 1}),
            500,
            "/max_output_tokens",
        ),
        (Api::OpenAiResponses, all, 1, "/max_output_tokens"),
        (
            Api::OllamaChat,
            json!({"max_tokens": 1}),
            500,
            "/options/num_predict",
        ),
        (
            Api::OllamaChat,
            json!({"options": {"num_predict": 0}}),
            500,
            "/options/num_predict",
        ),
    ] {
        let (tokens, sent) = bound(api, &body, None).unwrap();
        assert_eq!(tokens, expected, "{body}");
        assert_eq!(sent.pointer(path), Some(&json!(expected)), "{body}");
        let limits = sent.to_string().matches("max_").count();
        assert_eq!(limits, usize::from(!api.is_ollama()), "{sent}");
    }
}

#[test]
fn a_body_with_too_many_values_is_refused_before_it_is_parsed() {
    let parsed = |raw: String| {
        let read = ModelRequest::parse(Api::OpenAiChat, &uri(""), &Bytes::from(raw));
        read.map(|_| ()).map_err(|rejection| rejection.code())
    };
    let list = |count: usize| format!("{{\"a\": [{}0]}}", "0,".repeat(count));
    assert_eq!(parsed(list(99_998)), Ok(()));
    assert_eq!(parsed(list(99_999)), Err("unreadable_request"));
    let text = format!("{{\"a\": \"{}\"}}", "\\\",[{".repeat(60_000));
    assert_eq!(parsed(text), Ok(()));
}

#[test]
fn a_cache_and_services_with_prices_of_their_own_are_seen() {
    for (body, writes, is_priced) in [
        (json!({"service_tier": "auto"}), false, true),
        (json!({"service_tier": "flex", "speed": null}), false, true),
        (json!({"service_tier": "priority"}), false, false),
        (json!({"service_tier": 5}), false, false),
        (json!({"speed": "fast"}), false, false),
        (
            json!({"tools": [{"name": "a"}, {"type": "function"}, {"type": "bash_20250124"}]}),
            false,
            true,
        ),
        (
            json!({"tools": [{"name": "a"}, {"type": "web_search_20250305"}]}),
            false,
            false,
        ),
        (
            json!({"tools": [{"type": "code_interpreter"}]}),
            false,
            false,
        ),
        (json!({"web_search_options": {}}), false, false),
        (json!({"plugins": [{"id": "web"}]}), false, false),
        (json!({"provider": {"sort": "throughput"}}), false, false),
        (json!({"cache_control": {"type": "ephemeral"}}), true, true),
        (json!({"system": [{"cache_control": {}}]}), true, true),
    ] {
        let raw = Bytes::from(body.to_string());
        let mut request = ModelRequest::parse(Api::AnthropicMessages, &uri(""), &raw).unwrap();
        assert_eq!(request.check_price().is_ok(), is_priced, "{body}");
        assert_eq!(
            request.bound_tokens(&METERING, None).unwrap().writes_cache,
            writes,
            "{body}"
        );
    }
}

#[test]
fn the_query_counts_as_text() {
    let raw = Bytes::from(json!({"model": "m"}).to_string());
    let mut tokens = ["/", "/?context=12345"].map(|path| {
        let mut request = ModelRequest::parse(Api::OpenAiChat, &uri(path), &raw).unwrap();
        request.bound_tokens(&METERING, None).unwrap().text
    });
    tokens.reverse();
    assert_eq!(tokens[0] - tokens[1], "context=12345".len() as u64);
}
