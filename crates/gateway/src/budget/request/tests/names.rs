//! Names of a request that servers may read in several ways: keys, the model, the deployment, the query.

use serde_json::json;

use super::*;

#[test]
fn a_key_that_is_there_twice_reaches_the_upstream_once() {
    let raw = Bytes::from_static(br#"{"max_tokens": 100000, "max_tokens": 5, "model": "a"}"#);
    let mut request = ModelRequest::parse(Api::OpenAiChat, &uri(""), &raw).unwrap();
    assert_eq!(request.bound_tokens(&METERING, None).unwrap().tokens_out, 5);
    let sent = String::from_utf8(request.into_body().to_vec()).unwrap();
    assert_eq!(sent.matches("max_tokens").count(), 1, "{sent}");
}

#[test]
fn keys_that_a_server_may_read_in_another_way_are_refused() {
    for body in [
        json!({"MAX_TOKENS": 5}),
        json!({"max_to\u{212A}ens": 5}),
        json!({"\u{17F}tream": true}),
        json!({"Model": "a"}),
        json!({"options": {"Num_Predict": 5}}),
        json!({"stream_options": {"Include_Usage": false}}),
        json!({"n_predict": 5}),
        json!({"num_predict": 5}),
        json!({"max_new_tokens": 5}),
        json!({"n_cmpl": 5}),
        json!({"extra_body": {"max_tokens": 5}}),
        json!({"background": 1}),
        json!({"background": "true"}),
        json!({"stream": "true"}),
    ] {
        assert_eq!(
            bound(Api::OpenAiChat, &body, None).unwrap_err(),
            "unreadable_request",
            "{body}"
        );
    }
    for body in [
        json!({"background": false, "n_predict": null, "messages": [{"Model": "a"}], "Other": 1}),
        json!({"background": null, "stream": null}),
    ] {
        assert!(bound(Api::OpenAiChat, &body, None).is_ok(), "{body}");
    }
}

#[test]
fn a_deployment_in_the_path_is_the_model() {
    let model = |path: &str, body: Value| {
        let request =
            ModelRequest::parse(Api::OpenAiChat, &uri(path), &Bytes::from(body.to_string()));
        request.map(|request| request.model().to_owned()).ok()
    };
    for path in [
        "/openai/deployments/big/chat/completions",
        "/Deployments/b%69g/chat/completions",
        "/v1/engines/big/chat/completions",
    ] {
        for body in [json!({}), json!({"model": ""}), json!({"model": "big"})] {
            assert_eq!(model(path, body).as_deref(), Some("big"), "{path}");
        }
        assert_eq!(model(path, json!({"model": "small"})), None, "{path}");
    }
    assert_eq!(model("/deployments/a/deployments/b/x", json!({})), None);
    assert_eq!(model("/deployments/a/engines/a/x", json!({})), None);
    assert_eq!(model("/deployments//x", json!({})), None);
    assert_eq!(model("/v1/x", json!({})).as_deref(), Some(""));
}

#[test]
fn a_query_that_names_another_model_or_a_limit_is_refused() {
    let raw = Bytes::from(json!({"model": "m"}).to_string());
    let code = |query: &str| {
        let read = ModelRequest::parse(Api::OpenAiChat, &uri(&format!("/?{query}")), &raw);
        read.map(|_| ()).map_err(|rejection| rejection.code())
    };
    for query in ["model=m", "api-version=2026-01-01", "a=b;c", ""] {
        assert_eq!(code(query), Ok(()), "{query}");
    }
    for query in [
        "model=n",
        "model=m&model=n",
        "Model=m",
        "a=b;model=n",
        "model[]=n",
        "max_tokens=9",
        "MAX_TO%E2%84%AAENS=9",
        "%EF%BB%BFmodel=n",
    ] {
        assert_eq!(code(query), Err("unreadable_request"), "{query}");
    }
}
