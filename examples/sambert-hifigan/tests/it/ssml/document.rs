//! The document and its text.

use sambert_hifigan::Style;

use super::{check, plan, spoken, voice};

#[test]
fn text_in_speak_is_read_as_without() {
    for text in [
        "银行行长长得很高。",
        "今天气温是-5℃到3℃，AI & 3<5。",
        "2024年，增长3.5%！",
    ] {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        let plain = voice().plan(text, &Style::default()).unwrap();
        assert_eq!(spoken(&escaped).pinyin(), plain.pinyin());
    }
}

#[test]
fn the_usual_head_of_a_document_is_read() {
    let document = r#"<?xml version="1.0" encoding="UTF-8"?>
        <!-- a greeting -->
        <speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="zh-CN">
            你好，
            世界。
        </speak>"#;
    assert_eq!(plan(document).unwrap().pinyin(), "ni2 hao3, shi4 jie4.");
}

#[test]
fn a_line_break_is_layout_and_a_reference_to_one_is_not() {
    check("你好\n   世界", "ni2 hao3 shi4 jie4.");
    check("你好&#10;世界", "ni2 hao3. shi4 jie4.");
}
