//! The text fields of the chat APIs that most models are reached by.
//!
//! Every string of a message is text: content as one string or as parts, tool calls and their results,
//! names. Images, sound and files are data at their documented places, and text anywhere else. Stop
//! sequences are not text: no model reads them.

use super::field::{Field, Fields};
use crate::text::Sanitizer;

fn text(prompt: &Sanitizer, pointers: &[&'static str]) -> Fields {
    let fields = pointers.iter();
    let fields = fields.map(|&pointer| Field::optional(pointer, prompt.clone()));
    fields.fold(Fields::new(), Fields::field)
}

/// What a tool is called and takes: the model reads names of members too.
fn tools(fields: Fields, prompt: &Sanitizer, pointers: &[&'static str]) -> Fields {
    pointers.iter().fold(fields, |fields, &pointer| {
        fields.field(Field::optional(pointer, prompt.clone()).with_names())
    })
}

fn data(fields: Fields, pointers: &[&'static str]) -> Fields {
    pointers
        .iter()
        .fold(fields, |fields, &pointer| fields.opaque(pointer))
}

impl Fields {
    /// The text of OpenAI's Chat Completions (`POST /v1/chat/completions`), and of the many services that
    /// understand it. Each string is cleaned by [`Sanitizer::prompt`].
    ///
    /// A conversation is longer than the layer's defaults allow: set
    /// [`max_body`](crate::SanitizeLayerBuilder::max_body) and
    /// [`max_keys`](crate::SanitizeLayerBuilder::max_keys) to what your models take.
    pub fn openai_chat() -> Self {
        let prompt = Sanitizer::prompt();
        let fields = text(&prompt, &["/messages/**", "/prediction/**"]);
        let fields = tools(
            fields,
            &prompt,
            &["/tools/**", "/functions/**", "/response_format/**"],
        );
        data(
            fields,
            &[
                "/messages/*/content/*/image_url",
                "/messages/*/content/*/image_url/url",
                "/messages/*/content/*/input_audio/data",
                "/messages/*/content/*/file/file_data",
            ],
        )
    }

    /// The text of OpenAI's Responses (`POST /v1/responses`), as [`openai_chat`](Self::openai_chat) has it.
    pub fn openai_responses() -> Self {
        let prompt = Sanitizer::prompt();
        let fields = text(&prompt, &["/instructions", "/input/**", "/prompt/**"]);
        let fields = tools(fields, &prompt, &["/tools/**", "/text/**"]);
        data(
            fields,
            &[
                "/input/*/content/*/image_url",
                "/input/*/content/*/file_data",
                "/input/*/content/*/file_url",
                "/input/*/content/*/input_audio/data",
                "/input/*/encrypted_content",
                "/input/*/output/image_url",
                "/input/*/output/*/image_url",
                "/input/*/output/*/file_data",
                "/input/*/result",
            ],
        )
    }

    /// The text of Anthropic's Messages (`POST /v1/messages`), as [`openai_chat`](Self::openai_chat) has it.
    pub fn anthropic_messages() -> Self {
        let prompt = Sanitizer::prompt();
        let fields = text(&prompt, &["/system/**", "/messages/**"]);
        let fields = tools(fields, &prompt, &["/tools/**"]);
        data(
            fields,
            &[
                "/messages/*/content/*/source/data",
                "/messages/*/content/*/source/url",
                "/messages/*/content/*/source/content/*/source/data",
                "/messages/*/content/*/content/*/source/data",
                "/messages/*/content/*/content/*/source/url",
                "/messages/*/content/*/content/*/encrypted_content",
                "/messages/*/content/*/data",
                "/messages/*/content/*/signature",
            ],
        )
    }

    /// The text of Ollama (`POST /api/chat` and `/api/generate`), as [`openai_chat`](Self::openai_chat) has it.
    pub fn ollama() -> Self {
        let prompt = Sanitizer::prompt();
        let fields = text(
            &prompt,
            &["/messages/**", "/prompt", "/suffix", "/system", "/template"],
        );
        let fields = tools(fields, &prompt, &["/tools/**", "/format/**"]);
        data(fields, &["/messages/*/images/*", "/images/*"])
    }

    /// The sets above by the names that rules of routes use.
    pub(crate) fn by_name() -> [(&'static str, Self); 4] {
        [
            ("anthropic_messages", Self::anthropic_messages()),
            ("ollama", Self::ollama()),
            ("openai_chat", Self::openai_chat()),
            ("openai_responses", Self::openai_responses()),
        ]
    }
}
