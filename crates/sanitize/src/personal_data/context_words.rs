//! Words near a number that say what it is.
//!
//! "手机13800138000" is a phone number, and "订单号13800138000" is not. The nearest word before the
//! number decides; a word after it can only confirm.

use super::kind::PersonalDataKind;

/// How many characters before a number are looked at.
const BEFORE: usize = 24;
/// How many characters after a number are looked at.
const AFTER: usize = 10;

/// What a word nearby adds to the score, in percent, and what a word for another kind of number
/// takes away.
const CONFIRMED: u8 = 45;
const CONTRADICTED: u8 = 45;

/// Characters that end what a word for another number speaks of.
const CLAUSE_ENDS: [char; 9] = ['，', '。', '；', '！', '？', ',', ';', '!', '\n'];

/// Words that say that a number is something else: an order, an amount, a version.
const OTHER_NUMBERS: &[&str] = &[
    "订单",
    "单号",
    "运单",
    "流水",
    "编号",
    "货号",
    "批次",
    "版本",
    "型号",
    "序列号",
    "学号",
    "工号",
    "房号",
    "金额",
    "总计",
    "isbn",
    "issn",
    "order",
    "invoice",
    "ticket",
    "tracking",
    "version",
    "build",
    "serial",
    "sku",
    "part no",
    "batch",
    "amount",
    "total",
];

/// Returns the words that confirm a kind, in lower case.
const fn words(kind: PersonalDataKind) -> &'static [&'static str] {
    match kind {
        PersonalDataKind::Card => &[
            "卡号",
            "银行卡",
            "信用卡",
            "借记卡",
            "储蓄卡",
            "卡",
            "card",
            "visa",
            "mastercard",
            "amex",
            "unionpay",
            "credit",
            "debit",
        ],
        PersonalDataKind::CreditCode => &["信用代码", "税号", "统一代码", "纳税人", "credit code"],
        PersonalDataKind::Email => &["邮箱", "邮件", "email", "e-mail", "mail"],
        PersonalDataKind::HomeReturnPermit => &[
            "回乡证",
            "通行证",
            "来往内地",
            "home return",
            "travel permit",
        ],
        PersonalDataKind::HongKongId => &[
            "香港身份证",
            "身份证",
            "hkid",
            "identity card",
            "hong kong id",
        ],
        PersonalDataKind::Iban => &["iban", "账号", "账户", "account", "konto"],
        PersonalDataKind::Ipv4 | PersonalDataKind::Ipv6 => &[
            "ip",
            "地址",
            "服务器",
            "主机",
            "登录",
            "访问",
            "host",
            "server",
            "address",
            "login",
        ],
        PersonalDataKind::Landline => &[
            "电话", "座机", "固话", "传真", "热线", "致电", "拨打", "tel", "phone", "fax", "call",
            "landline",
        ],
        PersonalDataKind::Nino => &["nino", "national insurance", "ni number", "ni no"],
        PersonalDataKind::Passport => &["护照", "passport"],
        PersonalDataKind::Phone => &[
            "手机",
            "收货人",
            "收件人",
            "电话",
            "联系",
            "微信",
            "致电",
            "拨打",
            "号码",
            "短信",
            "mobile",
            "phone",
            "tel",
            "cell",
            "call",
            "whatsapp",
            "sms",
            "text me",
        ],
        PersonalDataKind::Plate => &["车牌", "牌照", "车辆", "plate", "licence", "license"],
        PersonalDataKind::ResidentId => &[
            "身份证",
            "证件",
            "公民身份",
            "identity",
            "id card",
            "id number",
        ],
        PersonalDataKind::Secret | PersonalDataKind::Custom => &[],
        PersonalDataKind::Ssn => &["ssn", "social security"],
        PersonalDataKind::TaiwanPermit => &["台胞证", "台湾居民", "来往大陆", "taiwan"],
    }
}

/// Changes a score by the words near `start..end`.
///
/// A word of the kind adds 45 percent points, and a word for another number takes 45 away unless
/// `checked`: the number has a check digit that fits.
pub(super) fn adjusted(
    text: &str,
    start: usize,
    end: usize,
    kind: PersonalDataKind,
    score: u8,
    checked: bool,
) -> u8 {
    let before = last_characters(text.get(..start).unwrap_or_default(), BEFORE).to_lowercase();
    let after = first_characters(text.get(end..).unwrap_or_default(), AFTER).to_lowercase();
    let words = words(kind);
    let ours = nearest(&before, words);
    let others = nearest(&before, OTHER_NUMBERS).filter(|end| {
        // In 订单12，13800138000 the word speaks of the 12.
        let between = before.get(*end..).unwrap_or_default();
        !between.contains(CLAUSE_ENDS) && !between.contains(|c: char| c.is_ascii_digit())
    });
    match (ours, others) {
        (Some(ours), Some(others)) if others > ours => contradicted(score, checked),
        (Some(_), _) => confirmed(score),
        (None, Some(_)) => contradicted(score, checked),
        (None, None) if nearest(&after, words).is_some() => confirmed(score),
        (None, None) => score,
    }
}

fn confirmed(score: u8) -> u8 {
    score.saturating_add(CONFIRMED).min(100)
}

const fn contradicted(score: u8, checked: bool) -> u8 {
    if checked {
        score
    } else {
        score.saturating_sub(CONTRADICTED)
    }
}

/// Returns where the last of these words ends. A word in ASCII letters must stand alone.
fn nearest(text: &str, words: &[&str]) -> Option<usize> {
    let ends = words.iter().filter_map(|word| {
        let mut found = text.rmatch_indices(word);
        let alone = found.find(|&(at, word)| !word.is_ascii() || stands_alone(text, at, word));
        alone.map(|(at, word)| at + word.len())
    });
    ends.max()
}

/// Returns whether no ASCII letter is directly before or after a word: `ip` is not in `ship`.
fn stands_alone(text: &str, at: usize, word: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic();
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let after = text
        .get(at + word.len()..)
        .and_then(|after| after.chars().next());
    // A plural is the same word.
    !before.is_some_and(letter) && !after.is_some_and(|c| letter(c) && c != 's')
}

fn last_characters(text: &str, count: usize) -> &str {
    let start = text.char_indices().rev().take(count).last();
    start.and_then(|(at, _)| text.get(at..)).unwrap_or_default()
}

fn first_characters(text: &str, count: usize) -> &str {
    match text.char_indices().nth(count) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: u8) {
        let start = text.find("13").unwrap();
        let end = text.rfind('0').unwrap() + 1;
        let kind = PersonalDataKind::Phone;
        assert_eq!(
            adjusted(text, start, end, kind, 50, false),
            expected,
            "{text}"
        );
    }

    #[test]
    fn the_nearest_word_before_a_number_decides() {
        check("手机13800138000", 95);
        check("订单号13800138000", 5);
        check("手机下的订单号13800138000", 5);
        check("订单12，手机 13800138000", 95);
        check("13800138000是我手机", 95);
        check("13800138000", 50);
        check("Call me: 13800138000", 95);
        check("recall 13800138000", 50);
        check("订单12，给 13800138000", 50);
    }
}
