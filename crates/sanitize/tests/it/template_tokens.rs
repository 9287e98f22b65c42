//! Tokens of chat templates, and kinds of space, in text for a model.

use palisade_sanitize::{ModelFamily, Refused, Sanitizer, SanitizerBuilder, TemplateTokens};

const TOKENS: [(ModelFamily, &[&str]); 17] = [
    (
        ModelFamily::ChatMl,
        &[
            "<|im_start|>",
            "<|im_end|>",
            "<|IM_START|>",
            "＜｜im_start｜＞",
            "<tool_call>",
            "</think>",
        ],
    ),
    (ModelFamily::Claude, &["\n\nHuman:", "\n\nAssistant:"]),
    (
        ModelFamily::Cohere,
        &["<|START_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<BOS_TOKEN>"],
    ),
    (
        ModelFamily::DeepSeek,
        &[
            "<｜User｜>",
            "<｜begin▁of▁sentence｜>",
            "<｜tool▁calls▁begin｜>",
            "｜DSML｜",
        ],
    ),
    (
        ModelFamily::Exaone,
        &["[|system|]", "[|user|]", "[|endofturn|]", "[｜User｜]"],
    ),
    (
        ModelFamily::Gemma,
        &[
            "<start_of_turn>",
            "<end_of_turn>",
            "<end_of_image>",
            "<unused42>",
            "<bos>",
            "<eos>",
            "<start_of_audio>",
            "<image_soft_token>",
            "<|turn>",
            "<turn|>",
            "<|tool_call>",
            "<channel|>",
            "<|think|>",
            "<|\"|>",
            "＜|turn＞",
        ],
    ),
    (
        ModelFamily::Glm,
        &[
            "[gMASK]",
            "[sMASK]",
            "<sop>",
            "<eop>",
            "<|observation|>",
            "<|begin_of_image|>",
            "<arg_key>",
            "</arg_value>",
        ],
    ),
    (
        ModelFamily::Gpt,
        &[
            "<|endoftext|>",
            "<|start|>",
            "<|channel|>",
            "<|message|>",
            "<|fim_prefix|>",
        ],
    ),
    (
        ModelFamily::Llama2,
        &[
            "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<s>", "</s>", "<0x0A>",
        ],
    ),
    (
        ModelFamily::Llama3,
        &[
            "<|begin_of_text|>",
            "<|start_header_id|>",
            "<|eot_id|>",
            "<|python_tag|>",
        ],
    ),
    (
        ModelFamily::Mistral,
        &[
            "[INST]",
            "[SYSTEM_PROMPT]",
            "[/SYSTEM_PROMPT]",
            "[TOOL_CALLS]",
            "[AVAILABLE_TOOLS]",
        ],
    ),
    (
        ModelFamily::Phi,
        &["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"],
    ),
    (
        ModelFamily::InternLm,
        &["<eoh>", "<eoa>", "<reserved_106>", "<TOKENS_UNUSED_1>"],
    ),
    (
        ModelFamily::MiniMax,
        &["]~b]", "]~!b[", "[e~[", "<minimax:tool_call>"],
    ),
    (
        ModelFamily::SeedOss,
        &["<seed:bos>", "<seed:tool_call>", "</seed:think>"],
    ),
    (
        ModelFamily::StarCoder,
        &["<fim_prefix>", "<file_sep>", "<issue_comment>"],
    ),
    (ModelFamily::T5, &["<extra_id_0>", "<SPECIAL_10>"]),
];

fn built(families: &[ModelFamily], what: TemplateTokens) -> Sanitizer {
    let families = families.iter().copied();
    SanitizerBuilder::prompt()
        .template_tokens(families, what)
        .build()
        .unwrap()
}

#[test]
fn a_prompt_has_no_token_of_any_chat_template() {
    for (family, tokens) in TOKENS {
        for token in tokens {
            let clean = Sanitizer::prompt()
                .clean(&format!("a{token}b"))
                .unwrap()
                .into_text()
                .into_owned();
            assert!(!clean.contains(token), "{family:?} {token:?}");
            // A space behind the first character is all that is new.
            assert_eq!(clean.replace(' ', ""), format!("a{token}b"), "{family:?}");
        }
    }
}

#[test]
fn tokens_are_dropped_refused_flagged_or_kept_by_family() {
    for (family, tokens) in TOKENS {
        for token in tokens {
            let text = format!("a{token}b");
            let by = |what| {
                built(&[family], what)
                    .clean(&text)
                    .map(|clean| clean.into_text().into_owned())
            };
            assert_eq!(
                by(TemplateTokens::Drop).unwrap(),
                "ab",
                "{family:?} {token:?}"
            );
            assert_eq!(
                by(TemplateTokens::Refuse),
                Err(Refused::Rule("chat template tokens".into())),
                "{token:?}"
            );
            assert_eq!(by(TemplateTokens::Flag).unwrap(), text);
            assert_eq!(by(TemplateTokens::Keep).unwrap(), text);
            let flagging = built(&[family], TemplateTokens::Flag);
            let clean = flagging.clean(&text).unwrap();
            assert_eq!(
                (clean.report().rule(0), flagging.rule_name(0)),
                (1, Some("chat template tokens"))
            );
        }
    }
}

#[test]
fn tokens_of_other_families_stay() {
    let text = "[INST] <start_of_turn> <s>";
    let clean = built(&[ModelFamily::ChatMl], TemplateTokens::Refuse);
    assert_eq!(clean.clean(text).unwrap().text(), text);
}

#[test]
fn a_token_that_is_hidden_or_nested_does_not_come_back() {
    let drop = built(&ModelFamily::ALL, TemplateTokens::Drop);
    for text in [
        "<|im_<|im_start|>start|>",
        "<|im\u{200b}_start|>",
        "<\u{202e}|im_start|>",
        "[IN[INST]ST]",
    ] {
        let clean = drop
            .clean(&format!("a{text}b"))
            .unwrap()
            .into_text()
            .into_owned();
        assert_eq!(clean, "ab", "{text:?}");
    }
}

#[test]
fn code_and_markup_that_are_no_tokens_stay() {
    for text in [
        "if a <b| c |> d",
        "<span>x</span>",
        "a || b",
        "let x = a[i];",
        "[install]",
        "<small>",
        "Human: hello",
        "x |> f",
    ] {
        assert_eq!(Sanitizer::prompt().clean(text).unwrap().text(), text);
    }
}

#[test]
fn a_prompt_has_one_kind_of_space() {
    let kinds = "\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{202f}\u{205f}\u{3000}";
    for kind in kinds.chars() {
        let text = format!("    a{kind}b");
        assert_eq!(
            Sanitizer::prompt().clean(&text).unwrap().text(),
            "    a b",
            "{:x}",
            u32::from(kind)
        );
    }
    let refusing = SanitizerBuilder::prompt()
        .class(
            palisade_sanitize::Class::Space,
            palisade_sanitize::Action::Refuse,
        )
        .build()
        .unwrap();
    assert_eq!(
        refusing.clean("a\u{3000}b").map(|_| ()),
        Err(Refused::Forbidden(palisade_sanitize::Class::Space))
    );
}

#[test]
fn code_and_markup_that_resemble_tokens_are_unchanged() {
    for text in [
        "List.map f <| List.filter g |> h",
        "<b>bold</b> <pre>x</pre> <think-tank>",
        "a <| b |> c",
        "array[inst_count] [0] [e]",
        "if a < s && b > t",
        "Human: hello",
    ] {
        assert_eq!(Sanitizer::prompt().clean(text).unwrap().text(), text);
    }
}
