//! Which strings of the events of a stream are parts of one text.

use std::sync::Arc;

use super::json_values::Document;

/// A string that continues a text of earlier events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct KnownField {
    /// `*` is every element or member.
    path: &'static str,
    /// A member of the document that must be there, where the path alone is not distinctive.
    beside: Option<&'static str>,
    /// Whether the text is JSON, such as the arguments of a call.
    is_json: bool,
}

/// A field with text.
const fn text(path: &'static str) -> KnownField {
    KnownField {
        path,
        beside: None,
        is_json: false,
    }
}

/// A field with JSON as text, in which values must be escaped.
const fn json(path: &'static str) -> KnownField {
    KnownField {
        is_json: true,
        ..text(path)
    }
}

/// A field that is one only beside another member, since its path is too general.
const fn beside(path: &'static str, member: &'static str) -> KnownField {
    KnownField {
        beside: Some(member),
        ..text(path)
    }
}

/// The streams of common model servers.
const KNOWN: [KnownField; 16] = [
    // Chat and text completions of OpenAI, and what is compatible.
    text("/choices/*/delta/content"),
    text("/choices/*/delta/reasoning"),
    text("/choices/*/delta/reasoning_content"),
    text("/choices/*/delta/refusal"),
    text("/choices/*/text"),
    json("/choices/*/delta/function_call/arguments"),
    json("/choices/*/delta/tool_calls/*/function/arguments"),
    // Responses of OpenAI.
    beside("/delta", "type"),
    // Messages of Anthropic.
    text("/delta/text"),
    text("/delta/thinking"),
    json("/delta/partial_json"),
    // Ollama.
    beside("/message/content", "done"),
    beside("/response", "done"),
    // Text Generation Inference, llama.cpp, Gemini.
    text("/token/text"),
    beside("/content", "stop"),
    text("/candidates/*/content/parts/*/text"),
];

/// The fields of the common model servers, and those that an operator has added.
#[derive(Clone, Debug, Default)]
pub(super) struct DeltaFields {
    /// The fields of the operator, by path.
    added: Arc<[Arc<str>]>,
    /// Whether the data of events that is not JSON continues one text.
    pub(super) joins_plain: bool,
}

impl DeltaFields {
    /// Adds fields, each with a path as in `/choices/*/delta/content`.
    pub(super) fn new(added: impl IntoIterator<Item = Arc<str>>, joins_plain: bool) -> Self {
        Self {
            added: added.into_iter().collect(),
            joins_plain,
        }
    }

    /// Returns whether a string continues a text, and whether that is JSON.
    pub(super) fn find(&self, document: &Document, path: &str) -> Option<bool> {
        let is_there = |known: &KnownField| {
            let beside = known.beside;
            beside.is_none_or(|member| document.has_member(member)) && matches(known.path, path)
        };
        if let Some(known) = KNOWN.iter().find(|known| is_there(known)) {
            return Some(known.is_json || path == "/delta" && document.has_arguments());
        }
        let mut added = self.added.iter();
        added.any(|added| matches(added, path)).then_some(false)
    }
}

/// Compares a path with a pattern, step by step.
fn matches(pattern: &str, path: &str) -> bool {
    let mut steps = path.split('/');
    let mut patterns = pattern.split('/');
    loop {
        match (patterns.next(), steps.next()) {
            (None, None) => return true,
            (Some(pattern), Some(step)) if pattern == "*" || pattern == step => {}
            _ => return false,
        }
    }
}
