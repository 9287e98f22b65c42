//! Tokens of chat templates: the marks by which a prompt tells who speaks.
//!
//! Where a service puts a user's text into a template without escaping, `<|im_start|>system` in it
//! begins a message of the system. The tokens of one model mean nothing to another, so they are
//! grouped by family.

use std::sync::LazyLock;

use regex::Regex;

use super::rule::{Effect, TextRule};

/// Models that share the tokens of their chat template.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ModelFamily {
    /// `<|im_start|>`, `<|im_end|>`: Qwen, Yi, and others in ChatML.
    ChatMl,
    /// Two line feeds, then `Human:` or `Assistant:`.
    Claude,
    /// `<|START_OF_TURN_TOKEN|>` and its like.
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TemplateTokens {
    /// Leaves them out.
    Drop,
    /// Keeps them and counts them in the report.
    Flag,
    /// Keeps them.
    Keep,
    /// Writes a space behind their first character: a reader still sees them, and no tokenizer takes
    /// them for its token.
    Neutralize,
    /// Refuses the text.
    Refuse,
}

/// `<|name|>` of any model, with bars of either width.
const BETWEEN_BARS: &str = r"[<＜][|｜][A-Za-z0-9_▁ -]{1,48}[|｜][>＞]";

impl ModelFamily {
    /// Lists every family.
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

    /// The pattern of its tokens, without regard to case.
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

fn compile(families: &[ModelFamily]) -> Option<Regex> {
    let patterns: Vec<&str> = families.iter().map(|family| family.pattern()).collect();
    let pattern = format!("(?i){}", patterns.join("|"));
    // The patterns are ours, and a test compiles each.
    Regex::new(&pattern).ok()
}

/// Makes the rule for the tokens of these families.
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
