//! The interfaces of model servers that can be counted, by the end of their paths.
//!
//! A path is compared by its end alone, so a prefix of the operator (`/openai/v1/chat/completions`) does not matter. A
//! path with no known end is [`path_not_metered`](super::refusal::path_not_metered), unless `free_paths` names it.

/// An interface whose requests and responses the gateway can read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Api {
    /// `/messages` of Anthropic.
    AnthropicMessages,
    /// `/api/chat` of Ollama.
    OllamaChat,
    /// `/api/embed` and the older `/api/embeddings` of Ollama. Has no tokens out.
    OllamaEmbed,
    /// `/api/generate` of Ollama.
    OllamaGenerate,
    /// `/chat/completions`, which most model servers have.
    OpenAiChat,
    /// `/completions`, the older interface of OpenAI: a prompt in place of messages.
    OpenAiCompletions,
    /// `/embeddings` of OpenAI. Has no tokens out.
    OpenAiEmbeddings,
    /// `/responses` of OpenAI.
    OpenAiResponses,
    /// Sound that is written down, at a path of `[[transcriptions]]`. Its response tells how long the sound is.
    Transcription,
}

/// The ends of paths. A longer end comes before one that it ends with.
const PATHS: [(&str, Api); 9] = [
    ("/chat/completions", Api::OpenAiChat),
    ("/completions", Api::OpenAiCompletions),
    ("/responses", Api::OpenAiResponses),
    ("/api/embeddings", Api::OllamaEmbed),
    ("/embeddings", Api::OpenAiEmbeddings),
    ("/messages", Api::AnthropicMessages),
    ("/api/chat", Api::OllamaChat),
    ("/api/generate", Api::OllamaGenerate),
    ("/api/embed", Api::OllamaEmbed),
];

impl Api {
    /// Returns the interface of a path. `None`: it is not known.
    pub(super) fn for_path(path: &str) -> Option<Self> {
        let found = PATHS.iter().find(|(end, _)| path.ends_with(end));
        found.map(|(_, api)| *api)
    }

    /// Returns whether it is one of Ollama, whose options are in an object of their own, and whose
    /// streams are lines.
    pub(super) const fn is_ollama(self) -> bool {
        matches!(
            self,
            Self::OllamaChat | Self::OllamaEmbed | Self::OllamaGenerate
        )
    }

    /// Returns whether a response has no tokens out.
    pub(super) const fn is_embedding(self) -> bool {
        matches!(self, Self::OllamaEmbed | Self::OpenAiEmbeddings)
    }

    /// Returns whether a stream tells its usage only if `stream_options.include_usage` asks for it.
    pub(super) const fn is_asked_for_usage(self) -> bool {
        matches!(self, Self::OpenAiChat | Self::OpenAiCompletions)
    }
}
