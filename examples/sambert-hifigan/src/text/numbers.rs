//! Numbers in words.

/// Spells out.
pub(crate) fn spell_out(text: &str) -> String {
    text.chars()
        .map(|c| match c.to_digit(10) {
            Some(digit) => ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'].get(digit as usize).copied().unwrap_or(c),
            None => c,
        })
        .collect()
}
