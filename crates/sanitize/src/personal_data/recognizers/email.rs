//! E-mail addresses (RFC 5322, RFC 6531): common forms, also with letters outside ASCII.
//!
//! Chinese text has no spaces, so the border of an address is where the script changes: in
//! 写给li@example.com谢谢 the address is the part in ASCII.
//!
//! An address whose domain begins with an ASCII letter ends before the next Chinese, Japanese, Korean or
//! Thai character. An address in Chinese characters (用户@例子.公司) reaches back to the last space,
//! punctuation mark, or word such as 发到, since nothing else tells where it begins.

use super::super::kind::PersonalDataKind;
use super::Search;

/// The longest local part and the longest domain, in characters (RFC 5321, section 4.5.3.1).
const LONGEST_LOCAL: usize = 64;
/// The longest domain, in bytes (RFC 1035, 2.3.4).
const LONGEST_DOMAIN: usize = 255;

/// The longest label of a domain, in bytes (RFC 1035, 2.3.4).
const LONGEST_LABEL: usize = 63;

/// Top-level domains in Chinese characters. Text without spaces may follow one.
const CHINESE_TOP_LEVELS: [&str; 16] = [
    "中国",
    "中國",
    "公司",
    "网络",
    "網絡",
    "香港",
    "台湾",
    "台灣",
    "集团",
    "网址",
    "在线",
    "中文网",
    "商城",
    "政务",
    "公益",
    "新加坡",
];

/// Words before an address in Chinese characters, where no space tells where it begins.
const LEAD_IN: [&str; 16] = [
    "邮箱", "邮件", "邮址", "地址", "联系", "抄送", "写信", "发", "到", "给", "是", "为", "和",
    "与", "及", "或",
];

/// Adds the addresses around each at sign.
///
/// The score is 95: few other things have this form.
pub(super) fn find(search: &mut Search<'_>) {
    let folded = search.folded;
    let view = folded.as_str();
    for (at, _) in view.match_indices('@') {
        let (before, after) = view.split_at_checked(at).unwrap_or_default();
        let after = after.get(1..).unwrap_or_default();
        // An address of Chinese characters has a domain of them.
        let chinese = after.starts_with(is_unspaced);
        let local = local_length(before, chinese);
        let domain = domain_length(after, chinese);
        if let (Some(local), Some(domain)) = (local, domain) {
            let place = at - local..at + 1 + domain;
            search.add(PersonalDataKind::Email, place, 95, true);
        }
    }
}

/// Returns the length in bytes of the local part at the end of a text.
///
/// `None` if there is none, or if it ends with a dot (RFC 5322, section 3.4.1).
fn local_length(text: &str, chinese: bool) -> Option<usize> {
    // Other signs that RFC 5322 allows are, in texts, around an address: `to=a@b.example`, *a@b.example*.
    let is_part = |c: char| match c {
        c if c.is_ascii() => c.is_ascii_alphanumeric() || "%'+-_.".contains(c),
        c => c.is_alphanumeric() && (chinese || !is_unspaced(c)),
    };
    let length: usize = text
        .chars()
        .rev()
        .take(LONGEST_LOCAL)
        .take_while(|&c| is_part(c))
        .map(char::len_utf8)
        .sum();
    let local = text.get(text.len() - length..)?;
    let local = match chinese {
        true => LEAD_IN.iter().fold(local, |local, word| {
            local.rsplit_once(word).map_or(local, |(_, rest)| rest)
        }),
        false => local,
    };
    let local = local.trim_start_matches(['.', '\'']);
    (!local.is_empty() && !local.ends_with('.')).then_some(local.len())
}

/// Returns the length in bytes of the domain at the start of a text: two labels or more.
///
/// `None` for one label, for an empty label, and for a label with a hyphen at its begin or end (RFC
/// 1123, section 2.1).
fn domain_length(text: &str, chinese: bool) -> Option<usize> {
    if !chinese && let Some(length) = length_with_full_stop(text) {
        return Some(length);
    }
    let is_part = |c: char| match c {
        '-' | '.' => true,
        c => c.is_alphanumeric() && (chinese || !is_unspaced(c)),
    };
    let length: usize = text
        .chars()
        .take(LONGEST_DOMAIN)
        .take_while(|&c| is_part(c))
        .map(char::len_utf8)
        .sum();
    let domain = text.get(..length)?.trim_end_matches(['.', '-']);
    let (labels, top) = domain.rsplit_once('.')?;
    let wrong = |label: &str| label.is_empty() || label.starts_with('-') || label.ends_with('-');
    if labels.split('.').any(wrong) {
        return None;
    }
    let mut known = CHINESE_TOP_LEVELS.iter();
    let known = known.find(|known| chinese && top.starts_with(**known));
    let top = known.copied().unwrap_or(top);
    // No top-level domain has a digit, unless it is one in Punycode: in a@b.com13800138000 a number
    // follows.
    let top = match top.find(|c: char| c.is_ascii_digit()) {
        Some(end) if !top.starts_with("xn--") => top.get(..end).unwrap_or(top),
        _ => top,
    };
    let is_top = top.chars().count() >= 2 && !top.bytes().all(|byte| byte.is_ascii_digit());
    is_top.then_some(labels.len() + 1 + top.len())
}

/// Returns the length in bytes of a domain of two labels with the full stop of Chinese between them, as keyboards for
/// Chinese write it: `qq。com`. Browsers and mail programs read it as a dot (UTS 46).
///
/// Behind a domain with a dot, the full stop ends the sentence.
fn length_with_full_stop(text: &str) -> Option<usize> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let run = |text: &str| {
        text.chars()
            .take(LONGEST_LABEL + 1)
            .take_while(|&c| is_letter(c))
            .count()
    };
    let name = run(text);
    let rest = text.get(name..)?.strip_prefix(['。', '｡'])?;
    let top = rest.get(..run(rest))?;
    let is_top =
        (2..=24).contains(&top.len()) && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    let fits = (1..=LONGEST_LABEL).contains(&name) && is_top;
    fits.then(|| name + '。'.len_utf8() + top.len())
}

/// Tells whether a character is of a script without spaces between words: text may stand directly
/// beside an address.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
        || matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}')
        || matches!(c, '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_parts_and_domains_end_where_the_script_changes() {
        assert_eq!(local_length("写给li.lei+a", false), Some(8));
        assert_eq!(local_length("<müller", false), Some(7));
        assert_eq!(local_length("：用户", true), Some(6));
        assert_eq!(local_length("a.", false), None);
        assert_eq!(local_length("...ab", false), Some(2));
        assert_eq!(domain_length("example.com谢谢", false), Some(11));
        assert_eq!(domain_length("bücher.example.", false), Some(15));
        assert_eq!(domain_length("例子.公司谢谢", true), Some(13));
        assert_eq!(domain_length("qq。com谢谢", false), Some(8));
        assert_eq!(domain_length("qq｡com", false), Some(8));
        assert_eq!(domain_length("qq.com。Thanks", false), Some(6));
        assert_eq!(domain_length("somebody。好", false), None);
        for text in ["", "example", "a..b", "-a.com", "a.1", "1.2.3.4"] {
            assert_eq!(domain_length(text, false), None, "{text}");
        }
    }
}
