//! What a response says it used, and how much text it has.
//!
//! | interface | tokens in | tokens out |
//! |---|---|---|
//! | OpenAI chat, completions, embeddings | `usage.prompt_tokens` | `usage.completion_tokens` |
//! | OpenAI responses | `usage.input_tokens`, in `response` of a stream | `usage.output_tokens` |
//! | Anthropic messages | `usage.input_tokens` and those of the cache, in `message` of `message_start` | `usage.output_tokens` |
//! | Ollama | `prompt_eval_count` | `eval_count` |
//! | transcriptions | none; seconds of sound: `usage.seconds`, `duration` | none |
//!
//! Numbers are believed as they are reported, if they are whole numbers. Of a stream that is cut, tokens out are believed
//! only if the event that ends it was seen: those before tell what was generated so far. Where none is reported, the bytes of the text are
//! counted: an upper bound, since a token has at least one byte.

use std::time::Duration;

use serde_json::{Map, Value};

use super::api::Api;

/// Keys whose text a model wrote.
const TEXT: [&str; 11] = [
    "arguments",
    "content",
    "delta",
    "input",
    "partial_json",
    "reasoning",
    "reasoning_content",
    "refusal",
    "response",
    "text",
    "thinking",
];

/// What was seen of a response so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    /// Tokens in as reported. `None`: not reported.
    pub(super) tokens_in: Option<u64>,
    /// Tokens out as reported. `None`: not reported.
    pub(super) tokens_out: Option<u64>,
    /// Bytes of text that a model wrote: at least as many as tokens.
    pub(super) text: u64,
    /// Tokens in that were written into a cache of the upstream.
    pub(super) cache_write: u64,
    /// Milliseconds of sound that passed. `None`: there was none, or it could not be counted.
    pub(super) audio_millis: Option<u64>,
    /// A number was none: negative, a fraction, or text.
    pub(super) is_wrong: bool,
    /// The last number of tokens out is the final one: the event that ends the stream was seen.
    pub(super) is_final: bool,
    /// The request asked for one answer: the reason why a choice ended ends the stream.
    pub(super) has_one_choice: bool,
}

impl Usage {
    /// Reads a whole response, or one event of a stream.
    pub(super) fn read_document(&mut self, api: Api, document: &Value) {
        let Value::Object(fields) = document else {
            return;
        };
        if api == Api::Transcription {
            self.read_duration(fields);
            return;
        }
        if api.is_ollama() {
            self.tokens_in = self
                .read_number(fields, "prompt_eval_count")
                .max(self.tokens_in);
            self.tokens_out = self.read_number(fields, "eval_count").max(self.tokens_out);
        }
        let kind = fields.get("type").and_then(Value::as_str);
        self.read_usage(fields, kind);
        self.is_final |= self.tokens_out.is_some() && self.is_last_event(fields, kind);
        if api.is_embedding() {
            self.tokens_out = Some(0);
            return;
        }
        // Events that end something repeat the text of those before.
        let repeats =
            kind.is_some_and(|kind| kind.starts_with("response.") && !kind.ends_with(".delta"));
        if !repeats {
            self.text = self.text.saturating_add(text_length(document, false));
        }
    }

    /// Reads how long a sound is: `usage.seconds`, or `duration` as a number or as text. The greater one counts.
    fn read_duration(&mut self, fields: &Map<String, Value>) {
        let usage = fields.get("usage").and_then(|usage| usage.get("seconds"));
        for told in [usage, fields.get("duration")].into_iter().flatten() {
            let seconds = match told {
                Value::Null => continue,
                Value::String(text) => text.parse().ok(),
                number => number.as_f64(),
            };
            match seconds.map(Duration::try_from_secs_f64) {
                Some(Ok(length)) => {
                    let millis = length.as_nanos().div_ceil(1_000_000);
                    let millis = u64::try_from(millis).ok();
                    self.audio_millis = self.audio_millis.max(millis);
                }
                _ => self.is_wrong = true,
            }
        }
    }

    /// Returns whether no event after this one has more tokens out. Some servers tell those so far in every event.
    fn is_last_event(&self, fields: &Map<String, Value>, kind: Option<&str>) -> bool {
        let is_told = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
        let has_reason = |choice: &Value| is_told(choice.get("finish_reason"));
        let choices = fields.get("choices").and_then(Value::as_array);
        let is_choice_over = choices.is_some_and(|choices| {
            choices.is_empty() || self.has_one_choice && choices.iter().any(has_reason)
        });
        let is_over = match kind {
            Some("response.completed" | "response.incomplete") => true,
            Some("message_delta") => is_told(
                fields
                    .get("delta")
                    .and_then(|delta| delta.get("stop_reason")),
            ),
            _ => fields.get("done") == Some(&Value::Bool(true)),
        };
        is_choice_over || is_over
    }

    /// Reads the numbers of tokens in all places of an event.
    fn read_usage(&mut self, fields: &Map<String, Value>, kind: Option<&str>) {
        self.see_usage(fields.get("usage"), true);
        self.see_usage(inner_usage(fields, "response"), true);
        // At the start of a stream, the tokens out are those so far.
        self.see_usage(
            inner_usage(fields, "message"),
            kind != Some("message_start"),
        );
    }

    /// Reads an object with numbers of tokens. What is told later counts if it is more.
    fn see_usage(&mut self, usage: Option<&Value>, has_output: bool) {
        let Some(Value::Object(usage)) = usage else {
            self.is_wrong |= usage.is_some_and(|usage| !usage.is_null());
            return;
        };
        let told = self.read_number(usage, "prompt_tokens");
        let told = told.max(self.read_number(usage, "input_tokens"));
        let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"]
            .map(|field| self.read_number(usage, field).unwrap_or(0));
        self.cache_write = self.cache_write.max(cached[0]);
        let told = told.map(|told| cached.into_iter().fold(told, u64::saturating_add));
        self.tokens_in = self.tokens_in.max(told);
        let told = self.read_number(usage, "completion_tokens");
        let told = told.max(self.read_number(usage, "output_tokens"));
        if has_output {
            self.tokens_out = self.tokens_out.max(told);
        }
    }

    /// Reads a number of tokens. `None`: it is missing, or none.
    fn read_number(&mut self, fields: &Map<String, Value>, name: &str) -> Option<u64> {
        let value = fields.get(name).filter(|value| !value.is_null())?;
        let number = value.as_u64();
        self.is_wrong |= number.is_none();
        number
    }
}

/// Returns the usage of an object inside an event.
fn inner_usage<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name)?.as_object()?.get("usage")
}

/// Adds up the bytes of text that a model wrote. `is_text`: a string here is such a text.
fn text_length(value: &Value, is_text: bool) -> u64 {
    match value {
        Value::String(text) if is_text => text.len() as u64,
        Value::Array(items) => items.iter().map(|item| text_length(item, is_text)).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match key.as_str() {
                // The arguments of a call, as an object.
                "arguments" | "input" if value.is_object() => value.to_string().len() as u64,
                key => text_length(value, TEXT.contains(&key)),
            })
            .sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(api: Api, events: &[Value], expected: (Option<u64>, Option<u64>, u64, bool)) {
        let mut usage = Usage::default();
        events
            .iter()
            .for_each(|event| usage.read_document(api, event));
        let seen = (
            usage.tokens_in,
            usage.tokens_out,
            usage.text,
            usage.is_wrong,
        );
        assert_eq!(seen, expected);
    }

    #[test]
    fn each_interface_tells_its_usage_in_its_own_place() {
        let chat = json!({"choices":[{"message":{"content":"hello"}}],"usage":{"prompt_tokens":9,"completion_tokens":2}});
        check(Api::OpenAiChat, &[chat], (Some(9), Some(2), 5, false));
        let responses = [
            json!({"type":"response.created","response":{"usage":null}}),
            json!({"type":"response.output_text.delta","delta":"hello"}),
            json!({"type":"response.output_text.done","text":"hello"}),
            json!({"type":"response.completed","response":{"output":[{"content":[{"text":"hello"}]}],"usage":{"input_tokens":9,"output_tokens":2}}}),
        ];
        check(
            Api::OpenAiResponses,
            &responses,
            (Some(9), Some(2), 5, false),
        );
        let messages = [
            json!({"type":"message_start","message":{"content":[],"usage":{"input_tokens":5,"cache_read_input_tokens":4,"output_tokens":1}}}),
            json!({"type":"content_block_delta","delta":{"type":"text_delta","text":"hello"}}),
        ];
        check(Api::AnthropicMessages, &messages, (Some(9), None, 5, false));
        let end = json!({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}});
        let messages = [messages.as_slice(), &[end]].concat();
        check(
            Api::AnthropicMessages,
            &messages,
            (Some(9), Some(2), 5, false),
        );
        let ollama = [
            json!({"message":{"content":"hel"},"done":false}),
            json!({"message":{"content":"lo"},"done":true,"prompt_eval_count":9,"eval_count":2}),
        ];
        check(Api::OllamaChat, &ollama, (Some(9), Some(2), 5, false));
        let embeddings =
            json!({"data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":9,"total_tokens":9}});
        check(
            Api::OpenAiEmbeddings,
            &[embeddings],
            (Some(9), Some(0), 0, false),
        );
    }

    #[test]
    fn the_tokens_out_are_final_with_the_event_that_ends_a_stream() {
        let is_final = |api, has_one_choice, event: Value| {
            let mut usage = Usage {
                has_one_choice,
                ..Usage::default()
            };
            usage.read_document(api, &event);
            usage.is_final
        };
        let chat = |one, choices: Value| {
            let event = json!({"choices":choices,"usage":{"completion_tokens":1}});
            is_final(Api::OpenAiChat, one, event)
        };
        assert!(!chat(
            true,
            json!([{"delta":{"content":"a"},"finish_reason":null}])
        ));
        assert!(chat(true, json!([{"delta":{},"finish_reason":"stop"}])));
        assert!(
            !chat(false, json!([{"delta":{},"finish_reason":"stop"}])),
            "others go on"
        );
        assert!(chat(false, json!([])));
        let no_usage = json!({"choices":[],"prompt_filter_results":[]});
        assert!(!is_final(Api::OpenAiChat, true, no_usage));
        let message = |reason: Value| {
            let event = json!({"type":"message_delta","delta":{"stop_reason":reason},"usage":{"output_tokens":1}});
            is_final(Api::AnthropicMessages, true, event)
        };
        assert!(message(json!("end_turn")) && !message(json!(null)));
        let response = |kind| {
            let event = json!({"type":kind,"response":{"usage":{"output_tokens":1}}});
            is_final(Api::OpenAiResponses, true, event)
        };
        assert!(response("response.completed") && !response("response.in_progress"));
        let ollama = |done| is_final(Api::OllamaChat, true, json!({"done":done,"eval_count":1}));
        assert!(ollama(true) && !ollama(false));
    }

    #[test]
    fn numbers_that_are_none_are_not_counted_and_told() {
        for wrong in [json!(-1), json!(1.5), json!("9"), json!([9]), json!(true)] {
            let document = json!({"usage":{"prompt_tokens":wrong,"completion_tokens":2}});
            check(Api::OpenAiChat, &[document], (None, Some(2), 0, true));
        }
        for wrong in [json!("much"), json!(5), json!([])] {
            check(
                Api::OpenAiChat,
                &[json!({"usage":wrong})],
                (None, None, 0, true),
            );
        }
        check(
            Api::OpenAiChat,
            &[json!(null), json!([]), json!({"usage":null})],
            (None, None, 0, false),
        );
    }

    #[test]
    fn the_length_of_a_sound_is_told_in_two_places() {
        let check = |document: Value, expected: Option<u64>, is_wrong: bool| {
            let mut usage = Usage::default();
            usage.read_document(Api::Transcription, &document);
            assert_eq!(
                (usage.audio_millis, usage.is_wrong),
                (expected, is_wrong),
                "{document}"
            );
        };
        check(
            json!({"text":"a","usage":{"type":"duration","seconds":9}}),
            Some(9000),
            false,
        );
        check(json!({"text":"a","duration":8.4701}), Some(8471), false);
        check(json!({"text":"a","duration":"8.5"}), Some(8500), false);
        check(
            json!({"duration":3,"usage":{"seconds":4}}),
            Some(4000),
            false,
        );
        check(
            json!({"text":"a","usage":{"type":"tokens","input_tokens":9}}),
            None,
            false,
        );
        check(json!({"duration":null}), None, false);
        for wrong in [
            json!(-1),
            json!("NaN"),
            json!("inf"),
            json!([1]),
            json!(1e300),
            json!("a"),
        ] {
            check(json!({"duration":wrong}), None, true);
        }
    }

    #[test]
    fn calls_of_tools_and_thoughts_are_text() {
        let call =
            json!({"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"a\":1}"}}]}}]});
        check(Api::OpenAiChat, &[call], (None, None, 7, false));
        let call = json!({"content":[{"type":"tool_use","input":{"a":1}},{"thinking":"hm"}]});
        check(Api::AnthropicMessages, &[call], (None, None, 9, false));
    }
}
