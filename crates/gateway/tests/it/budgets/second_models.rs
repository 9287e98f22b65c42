//! Requests that name a second model beside the one that is checked.

use serde_json::json;

use super::{
    WIDE,
    rules::{post, refused},
};

/// Some servers use another model than `model` by these keys, and no rule, budget or price would see it.
#[tokio::test]
async fn a_second_model_is_refused_where_names_of_models_decide() {
    let rule = "[[model_rules]]\nmodels = ['exact']\n";
    let budget = "[[budgets]]\nname = 'a'\nunit = 'tokens'\namount = 9000\nwindow = 'day'\nmodels = ['exact']\n";
    let chat = "/v1/chat/completions";
    let unreadable = || refused(400, "unreadable_request");
    for (key, value) in [
        ("models", json!(["exact", "other"])),
        ("fallbacks", json!([{"model": "other"}])),
        ("route", json!("fallback")),
    ] {
        let body = json!({"model": "exact", key: value, "messages": []});
        assert_eq!(post(rule, chat, &body).await, unreadable(), "{key}");
        assert_eq!(post(budget, chat, &body).await, unreadable(), "{key}");
        assert_eq!(
            post(WIDE, chat, &body).await.0,
            200,
            "{key}: no name decides"
        );
        let body = json!({"model": "exact", key.to_uppercase(): value, "messages": []});
        assert_eq!(
            post(WIDE, chat, &body).await,
            unreadable(),
            "{key} in upper case"
        );
    }
    for key in ["model_list", "context_window_fallbacks", "Model_List"] {
        let body = json!({"model": "exact", key: [{"exact": ["other"]}], "messages": []});
        assert_eq!(post(rule, chat, &body).await, unreadable(), "{key}");
    }
    let body = json!({"model": "exact", "models": null, "messages": []});
    assert_eq!(post(rule, chat, &body).await.0, 200, "none is named");
}
