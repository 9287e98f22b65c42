//! What rules did is counted by rule and action, under labels that no client can add to.

use metrics_exporter_prometheus::PrometheusBuilder;
use palisade_sanitize::{
    Action, Class, Field, PersonalData, SanitizeLayer, SanitizeLayerBuilder, Sanitizer,
    SanitizerBuilder, TextRule,
};

use crate::support::{ask, json};

/// The counters after requests with these texts.
fn counted(layer: impl Fn() -> SanitizeLayerBuilder, texts: &[&str]) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        for text in texts {
            let body = serde_json::json!({ "text": text }).to_string();
            runtime.block_on(ask(layer(), json(body)));
        }
    });
    handle.render()
}

#[track_caller]
fn has(counted: &str, rule: &str, action: &str, mode: &str, count: u32) {
    let line = format!(
        "palisade_text_total{{rule=\"{rule}\",action=\"{action}\",mode=\"{mode}\"}} {count}\n"
    );
    assert!(counted.contains(&line), "{line} is not in\n{counted}");
}

fn layer() -> SanitizeLayerBuilder {
    let sanitizer = SanitizerBuilder::speech()
        .class(Class::PrivateUse, Action::Flag)
        .rule(PersonalData::new().rule().label())
        .rule(TextRule::new("shout", "!{3,}").flag())
        .rule(TextRule::new("banned", "canary").refuse());
    let sanitizer: Sanitizer = sanitizer.build().unwrap();
    SanitizeLayer::builder().field(Field::required("/text", sanitizer))
}

#[test]
fn what_rules_did_is_counted_by_rule_and_action() {
    let texts = [
        "a\u{202e}\u{202e}b\tc 13800138000",
        "no!!! \u{e000}",
        "canary",
        "",
    ];
    let counted = counted(layer, &texts);
    has(&counted, "bidirectional controls", "dropped", "enforced", 2);
    has(&counted, "phone", "labelled", "enforced", 1);
    has(&counted, "shout", "flagged", "enforced", 1);
    has(&counted, "banned", "refused", "enforced", 1);
    has(&counted, "text_empty", "refused", "enforced", 1);
    assert!(
        !counted.contains("canary") && !counted.contains("138"),
        "{counted}"
    );
}

#[test]
fn shadow_and_placeholders_are_counted_apart() {
    let shadow = counted(
        || layer().dangerously_only_shadow(),
        &["a\u{202e}b", "canary"],
    );
    has(&shadow, "bidirectional controls", "dropped", "shadow", 1);
    has(&shadow, "banned", "refused", "shadow", 1);
    let prompt = || Field::required("/text", Sanitizer::prompt());
    let replacing = || {
        SanitizeLayer::builder()
            .field(prompt())
            .placeholders(PersonalData::new())
    };
    has(
        &counted(replacing, &["13800138000"]),
        "phone",
        "placeholder",
        "enforced",
        1,
    );
}
