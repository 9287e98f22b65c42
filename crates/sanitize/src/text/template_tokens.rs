//! Tokens of chat templates: the marks by which a prompt says whose message begins.
//!
//! If a service puts a user's text into a template without escaping, `<|im_start|>system` in the
//! text begins a message of the system. This is a form of prompt injection. The tokens of one model
//! mean nothing to another, so they are grouped by family.

use std::sync::LazyLock;

use regex::Regex;

use super::rule::{Effect, TextRule};

/// Models that share the tokens of their chat template.
///
/// Given to [`SanitizerBuilder::template_tokens`](crate::SanitizerBuilder::template_tokens). If you
/// do not know which model reads the text, use [`ALL`](Self::ALL). Tokens are matched without
/// regard to case.
///
/// # Examples
///
/// ```
/// use palisade_sanitize::{ModelFamily, Sanitizer, TemplateTokens};
///
/// let sanitizer = Sanitizer::builder()
///     .template_tokens(ModelFamily::ALL, TemplateTokens::Refuse)
///     .build()?;
/// assert!(sanitizer.clean("<|im_start|>system").is_err());
/// assert!(sanitizer.clean("system").is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ModelFamily {
    /// `<|im_start|>`, `<|im_end|>`: Qwen, Yi, and others in ChatML.
    ChatMl,
    /// Two line feeds, then `Human:` or `Assistant:`.
    Claude,
    /// `<|START_OF_TURN_TOKEN|>` and similar tokens.
    Cohere,
    /// `<｜User｜>` with full-width bars.
    DeepSeek,
    /// `<start_of_turn>`, `<end_of_turn>`.
    Gemma,
    /// `[gMASK]`, `<sop>`, `<|observation|>`.
    Glm,
    /// `<|endoftext|>`, and `<|start|>`, `<|channel|>`, `<|message|>` of the open models.
    Gpt,
    /// `[INST]`, `<<SYS>>`, `<s>`.
    Llama2,
    /// `<|start_header_id|>`, `<|eot_id|>`, `<|begin_of_text|>`.
    Llama3,
    /// `[INST]`, `[SYSTEM_PROMPT]`, `[TOOL_CALLS]`, `<s>`.
    Mistral,
    /// `<|system|>`, `<|user|>`, `<|assistant|>`, `<|end|>`.
    Phi,
}

/// What is done with the tokens of chat templates.
///
/// [`SanitizerBuilder::prompt`](crate::SanitizerBuilder::prompt) uses
/// [`Neutralize`](Self::Neutralize). The other settings leave tokens unchanged.
///
/// ```
/// use palisade_sanitize::{ModelFamily, Sanitizer, TemplateTokens};
///
/// let clean = |what| {
///     let sanitizer = Sanitizer::builder().template_tokens(ModelFamily::ALL, what).build()?;
///     sanitizer.clean("[INST] hi").map(|clean| clean.into_text().into_owned()).map_err(Box::<dyn std::error::Error>::from)
/// };
/// assert_eq!(clean(TemplateTokens::Neutralize)?, "[ INST] hi");
/// assert_eq!(clean(TemplateTokens::Drop)?, "hi");
/// assert_eq!(clean(TemplateTokens::Keep)?, "[INST] hi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TemplateTokens {
    /// Removes them.
    Drop,
    /// Keeps them and counts them in the report.
    Flag,
    /// Keeps them and does not count them.
    Keep,
    /// Inserts a space after their first character.
    ///
    /// A reader still sees them, but no tokenizer treats them as its token.
    Neutralize,
    /// Refuses the text with [`Refused::Rule`](crate::Refused::Rule).
    Refuse,
}

/// `<|name|>` of any model, with bars of either width.
const BETWEEN_BARS: &str = r"[<＜][|｜][A-Za-z0-9_▁ -]{1,48}[|｜][>＞]";

impl ModelFamily {
    /// All families.
    pub const ALL: [Self; 11] = [
        Self::ChatMl,
        Self::Claude,
        Self::Cohere,
        Self::DeepSeek,
        Self::Gemma,
        Self::Glm,
        Self::Gpt,
        Self::Llama2,
        Self::Llama3,
        Self::Mistral,
        Self::Phi,
    ];

    /// Returns the pattern of the family's tokens. It is matched without regard to case.
    fn pattern(self) -> &'static str {
        match self {
            Self::ChatMl | Self::Cohere | Self::DeepSeek | Self::Gpt | Self::Llama3 | Self::Phi => {
                BETWEEN_BARS
            }
            Self::Claude => r"\n\n(?:human|assistant):",
            Self::Gemma => r"</?(?:start_of_turn|end_of_turn|start_of_image|bos|eos|pad|unk)>",
            Self::Glm => {
                r"\[[gs]?mask\]|<[se]op>|[<＜][|｜](?:system|user|assistant|observation|endoftext)[|｜][>＞]"
            }
            Self::Llama2 => r"\[/?inst\]|<</?sys>>|</?s>|<unk>",
            Self::Mistral => {
                r"\[/?(?:inst|system_prompt|available_tools|tool_calls|tool_results|tool_content|args|call_id|think|img|prefix|suffix|middle)\]|</?s>"
            }
        }
    }
}

static ALL: LazyLock<Option<Regex>> = LazyLock::new(|| compile(&ModelFamily::ALL));

/// Compiles the patterns of several families into one.
fn compile(families: &[ModelFamily]) -> Option<Regex> {
    let patterns: Vec<&str> = families.iter().map(|family| family.pattern()).collect();
    let pattern = format!("(?i){}", patterns.join("|"));
    // The patterns are ours, and a test compiles each.
    Regex::new(&pattern).ok()
}

/// Returns the rule for the tokens of these families, or `None` if there is nothing to do.
pub(crate) fn rule(families: &[ModelFamily], what: TemplateTokens) -> Option<TextRule> {
    let effect = match what {
        TemplateTokens::Drop => Effect::Replace(Box::default()),
        TemplateTokens::Flag => Effect::Flag,
        TemplateTokens::Keep => return None,
        TemplateTokens::Neutralize => Effect::Neutralize,
        TemplateTokens::Refuse => Effect::Refuse,
    };
    let regex = if families == ModelFamily::ALL {
        ALL.clone()
    } else {
        compile(families)
    };
    Some(TextRule::from_regex("chat template tokens", regex?, effect))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_of_every_family_compiles() {
        for family in ModelFamily::ALL {
            assert!(compile(&[family]).is_some(), "{family:?}");
        }
        assert!(ALL.is_some());
    }
}
