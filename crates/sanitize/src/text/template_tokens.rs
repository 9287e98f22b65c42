//! Tokens of chat templates: the marks by which a prompt says whose message begins.
//!
//! If a service puts a user's text into a template without escaping, `<|im_start|>system` in the
//! text begins a message of the system. This is a form of prompt injection. The tokens of one model
//! mean nothing to another, so they are grouped by family.

use std::sync::LazyLock;

use regex::Regex;

use super::rule::{Effect, TextRule};
use crate::characters::Traits;

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
    /// `<|im_start|>`, `<|im_end|>`, `<tool_call>`, `<think>`: Qwen, Yi, Kimi and others in ChatML.
    ChatMl,
    /// Two line feeds, then `Human:` or `Assistant:`.
    Claude,
    /// `<|START_OF_TURN_TOKEN|>`, `<BOS_TOKEN>` and similar tokens.
    Cohere,
    /// `<｜User｜>` and `｜DSML｜` with full-width bars.
    DeepSeek,
    /// `[|user|]`, `[|endofturn|]`.
    Exaone,
    /// `<start_of_turn>`, `<end_of_turn>`; since version 4 `<|turn>`, `<turn|>`.
    Gemma,
    /// `[gMASK]`, `<sop>`, `<|observation|>`, `<arg_key>`.
    Glm,
    /// `<|endoftext|>`, and `<|start|>`, `<|channel|>`, `<|message|>` of the open models.
    Gpt,
    /// `<eoh>`, `<eoa>`, `<reserved_106>`: InternLM and Baichuan.
    InternLm,
    /// `[INST]`, `<<SYS>>`, `<s>`, `<0x0A>`.
    Llama2,
    /// `<|start_header_id|>`, `<|eot_id|>`, `<|begin_of_text|>`.
    Llama3,
    /// `]~b]`, `[e~[`, `<minimax:tool_call>`.
    MiniMax,
    /// `[INST]`, `[SYSTEM_PROMPT]`, `[TOOL_CALLS]`, `<s>`.
    Mistral,
    /// `<|system|>`, `<|user|>`, `<|assistant|>`, `<|end|>`.
    Phi,
    /// `<seed:bos>`, `<seed:tool_call>`.
    SeedOss,
    /// `<fim_prefix>`, `<file_sep>` and similar tokens of models for code.
    StarCoder,
    /// `<extra_id_0>`, `<SPECIAL_10>`: T5, Nemotron.
    T5,
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
const BETWEEN_BARS: &str = r"[<＜][|｜][A-Za-z0-9_▁/:.-]{1,64}[|｜][>＞]";

/// Tokens between bars, and the tags of calls and thoughts.
const CHAT_ML: &str =
    r"[<＜][|｜][A-Za-z0-9_▁/:.-]{1,64}[|｜][>＞]|</?(?:tool_call|tool_response|think)>";

/// Tokens between bars, and the mark of calls, which has bars alone.
const DEEP_SEEK: &str = r"[<＜][|｜][A-Za-z0-9_▁/:.-]{1,64}[|｜][>＞]|｜dsml｜";

/// Tokens between bars, and the named tokens of Cohere.
const COHERE: &str =
    r"[<＜][|｜][A-Za-z0-9_▁/:.-]{1,64}[|｜][>＞]|<(?:bos|eos|pad|unk|mask|cls|sep|eop)_token>";

impl ModelFamily {
    /// All families.
    pub const ALL: [Self; 17] = [
        Self::ChatMl,
        Self::Claude,
        Self::Cohere,
        Self::DeepSeek,
        Self::Exaone,
        Self::Gemma,
        Self::Glm,
        Self::Gpt,
        Self::InternLm,
        Self::Llama2,
        Self::Llama3,
        Self::MiniMax,
        Self::Mistral,
        Self::Phi,
        Self::SeedOss,
        Self::StarCoder,
        Self::T5,
    ];

    /// Returns the pattern of the family's tokens. It is matched without regard to case.
    fn pattern(self) -> &'static str {
        match self {
            Self::ChatMl => CHAT_ML,
            Self::Cohere => COHERE,
            Self::DeepSeek => DEEP_SEEK,
            Self::Gpt | Self::Llama3 | Self::Phi => BETWEEN_BARS,
            Self::Exaone => r"\[[|｜][a-z_]{1,64}[|｜]\]",
            Self::SeedOss => r"</?seed:[a-z_]{1,64}>",
            Self::InternLm => r"<eo[ah]>|<(?:tokens_unused|reserved)_[0-9]{1,4}>",
            Self::StarCoder => {
                r"<(?:fim_(?:prefix|middle|suffix|pad)|file_sep|repo_name|reponame|gh_stars|issue_(?:start|comment|closed)|jupyter_(?:start|text|code|output)|empty_output|commit_(?:before|msg|after))>"
            }
            Self::T5 => r"<(?:extra_id|special)_[0-9]{1,4}>",
            Self::Claude => r"\n\n(?:human|assistant):",
            Self::Gemma => {
                r#"</?(?:(?:start|end)_of_(?:turn|image|audio)|(?:image|audio)_soft_token|bos|eos|pad|unk|mask|unused[0-9]{1,3})>|[<＜][|｜](?:[a-z_]{1,64}|")[|｜]?[>＞]|[<＜][a-z_]{1,64}[|｜][>＞]"#
            }
            Self::Glm => {
                r"\[[gs]?mask\]|<[se]op>|</?(?:arg_key|arg_value|tool_call|tool_response|think)>|[<＜][|｜][A-Za-z0-9_▁/:.-]{1,64}[|｜][>＞]"
            }
            Self::Llama2 => r"\[/?inst\]|<</?sys>>|</?s>|<unk>|<0x[0-9a-f]{2}>",
            Self::MiniMax => r"\]~!?b\[|\]~b\]|\[e~\[|\]<\]|\[>\[|</?minimax:tool_call>",
            Self::Mistral => {
                r"\[/?(?:inst|system_prompt|available_tools|tool_calls|tool_results|tool_content|args|call_id|think|img|prefix|suffix|middle|audio|begin_audio|img_break|img_end|model_settings)\]|</?s>"
            }
        }
    }
}

/// The tokens of all families in one pattern, compiled once in a process.
static ALL: LazyLock<Option<Regex>> = LazyLock::new(|| compile(&ModelFamily::ALL));

/// Compiles the patterns of several families into one.
fn compile(families: &[ModelFamily]) -> Option<Regex> {
    let patterns: Vec<&str> = families.iter().map(|family| family.pattern()).collect();
    let pattern = format!("(?i){}", patterns.join("|"));
    // The patterns are ours, and a test compiles each.
    Regex::new(&pattern).ok()
}

/// The longest token, in characters, with some to spare.
pub(crate) const LONGEST_TOKEN: usize = 80;

/// Tells whether a text of these traits may hold a token: each has a bracket, two line feeds, or full-width bars.
pub(super) fn may_hold_token(text: &str, found: Traits) -> bool {
    found.has_any(Traits::BRACKET) || (found.has_any(Traits::LINE_FEED) && text.contains("\n\n"))
}

/// Tells whether a token may begin with this character.
pub(crate) const fn may_begin_token(c: char) -> bool {
    matches!(c, '<' | '＜' | '[' | ']' | '\n' | '｜')
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
