//! The text fields of the chat APIs of common language models.
//!
//! Every string of a message is text: content as one string or as parts, tool calls and their
//! results, names. Images, sound and files are data at their documented positions, and text
//! anywhere else. Stop sequences are not text, because no model reads them.

use super::field::{Field, Fields};
use crate::text::Sanitizer;

/// Makes optional fields of these pointers.
fn text(prompt: &Sanitizer, pointers: &[&'static str]) -> Fields {
    let fields = pointers.iter();
    let fields = fields.map(|&pointer| Field::optional(pointer, prompt.clone()));
    fields.fold(Fields::new(), Fields::field)
}

/// Adds tool definitions and schemas, in which the model also reads the names of members.
fn add_tools(fields: Fields, prompt: &Sanitizer, pointers: &[&'static str]) -> Fields {
    pointers.iter().fold(fields, |fields, &pointer| {
        fields.field(Field::optional(pointer, prompt.clone()).with_names())
    })
}

/// Adds the arguments of tool calls, which are JSON in a string. Servers read it before a template writes it.
fn add_arguments(fields: Fields, prompt: &Sanitizer, pointers: &[&'static str]) -> Fields {
    pointers.iter().fold(fields, |fields, &pointer| {
        let field = Field::optional(pointer, prompt.clone()).holds_json();
        fields.field(field.skip_other_types())
    })
}

/// Adds the positions of data that is not text.
fn add_data(fields: Fields, pointers: &[&'static str]) -> Fields {
    pointers
        .iter()
        .fold(fields, |fields, &pointer| fields.opaque(pointer))
}

impl Fields {
    /// Returns the text fields of OpenAI Chat Completions (`POST /v1/chat/completions`).
    ///
    /// Many other services accept the same format. Each string is cleaned by [`Sanitizer::prompt`];
    /// use [`sanitizer`](Self::sanitizer) to set another one. All fields are optional.
    ///
    /// A conversation is often longer than the defaults of the layer allow. Set
    /// [`max_body`](crate::SanitizeLayerBuilder::max_body) and
    /// [`max_keys`](crate::SanitizeLayerBuilder::max_keys) to what your models accept.
    ///
    /// ```
    /// use palisade_sanitize::{Fields, SanitizeLayer};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .fields(Fields::openai_chat())
    ///     .max_body(1024 * 1024)
    ///     .max_keys(20_000)
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn openai_chat() -> Self {
        let prompt = Sanitizer::prompt();
        let fields = text(&prompt, &["/messages/**", "/prediction/**"]);
        let fields = add_tools(
            fields,
            &prompt,
            &["/tools/**", "/functions/**", "/response_format/**"],
        );
        let fields = add_arguments(
            fields,
            &prompt,
            &[
                "/messages/*/tool_calls/*/function/arguments",
                "/messages/*/function_call/arguments",
            ],
        );
        add_data(
            fields,
            &[
                "/messages/*/content/*/image_url",
                "/messages/*/content/*/image_url/url",
                "/messages/*/content/*/input_audio/data",
                "/messages/*/content/*/file/file_data",
            ],
        )
    }

    /// Returns the text fields of OpenAI Responses (`POST /v1/responses`).
    ///
    /// Sanitizer and limits: see [`openai_chat`](Self::openai_chat).
    pub fn openai_responses() -> Self {
        let prompt = Sanitizer::prompt();
        let fields = text(&prompt, &["/instructions", "/input/**", "/prompt/**"]);
        let fields = add_tools(fields, &prompt, &["/tools/**", "/text/**"]);
        let fields = add_arguments(fields, &prompt, &["/input/*/arguments"]);
        add_data(
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

    /// Returns the text fields of Anthropic Messages (`POST /v1/messages`).
    ///
    /// Sanitizer and limits: see [`openai_chat`](Self::openai_chat).
    pub fn anthropic_messages() -> Self {
        let prompt = Sanitizer::prompt();
        let fields = text(&prompt, &["/system/**", "/messages/**"]);
        let fields = add_tools(fields, &prompt, &["/tools/**"]);
        add_data(
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

    /// Returns the text fields of Ollama (`POST /api/chat` and `/api/generate`).
    ///
    /// Sanitizer and limits: see [`openai_chat`](Self::openai_chat).
    pub fn ollama() -> Self {
        let prompt = Sanitizer::prompt();
        let fields = text(
            &prompt,
            &["/messages/**", "/prompt", "/suffix", "/system", "/template"],
        );
        let fields = add_tools(fields, &prompt, &["/tools/**", "/format/**"]);
        add_data(fields, &["/messages/*/images/*", "/images/*"])
    }

    /// Returns the sets above with the names that the rules of routes use.
    pub(crate) fn by_name() -> [(&'static str, Self); 4] {
        [
            ("anthropic_messages", Self::anthropic_messages()),
            ("ollama", Self::ollama()),
            ("openai_chat", Self::openai_chat()),
            ("openai_responses", Self::openai_responses()),
        ]
    }
}
