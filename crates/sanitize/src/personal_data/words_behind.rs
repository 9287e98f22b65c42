//! What directly follows a number and says that it is something else: an amount, a count, the number of an
//! order.
//!
//! | Text | What it says |
//! |---|---|
//! | 13800138000号订单 | the number of an order, whatever stands before it |
//! | 13800138000元 | an amount, whatever stands before it |
//! | 13800138000号 | a number of something, unless a word before it names the kind |
//! | 13800138000次点击 | a count, unless a word before it names the kind |
//! | 13800138000 is the order number | the same |
//! | 13800138000号码，13800138000个人用 | nothing |

/// What the text behind a number says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Behind {
    /// It is an amount, a count or the number of a thing.
    Other,
    /// As `Other`, unless a word before the number names its kind.
    LikelyOther,
    Nothing,
}

/// What `号` makes a number of, beside the words for other numbers.
#[rustfmt::skip] // a table reads better in rows
const NUMBERED: [&str; 54] = [
    "单", "單", "订", "訂", "快递", "快件", "包裹", "货", "商品", "产品", "文", "公告", "通知", "令", "合同", "协议", "发票", "票", "案",
    "批", "仓", "库", "楼", "房", "桌", "台", "机床", "机组", "窗口", "柜", "线", "车", "航班", "床", "病床", "馆", "店", "门店",
    "档案", "卷", "试题", "题", "选手", "球员", "节点", "服务器", "设备", "任务", "请求", "记录", "交易", "账单", "样", "专利",
];

/// What follows `号` where the number is that of a phone or a card.
#[rustfmt::skip]
const OF_A_PHONE: [&str; 18] = [
    "码", "碼", "机主", "主人", "手机", "手機", "卡", "用户", "段", "持有", "打", "来", "发", "拨", "停机", "欠费", "关机", "呼",
];

/// Amounts of money.
#[rustfmt::skip]
const MONEY: [&str; 22] = [
    "元", "万元", "亿元", "块钱", "美元", "美金", "欧元", "日元", "韩元", "港元", "港币", "英镑", "卢布", "人民币", "rmb", "cny",
    "usd", "eur", "yuan", "dollars", "euros", "积分",
];

/// Units that are rarely the first character of another word.
#[rustfmt::skip]
const UNITS: [&str; 46] = [
    "个", "條", "条", "件", "次", "页", "人次", "公里", "千米", "厘米", "毫米", "平方", "立方", "公斤", "千克", "毫升", "小时",
    "分钟", "毫秒", "字节", "字符", "步数", "times", "items", "pieces", "pcs", "units", "users", "views", "people", "steps",
    "points", "meters", "metres", "km", "kg", "bytes", "kb", "mb", "gb", "ms", "seconds", "rows", "records", "orders",
    "votes",
];

/// Words that begin with one of the units above.
#[rustfmt::skip]
const NO_UNITS: [&str; 22] = [
    "个人", "个体", "个性", "个别", "个儿", "条件", "条例", "条款", "次日", "次要", "次序", "次年", "页面", "件套", "元旦", "元宵",
    "元素", "元件", "元月", "元老", "元气", "元年",
];

/// Units that often begin another word or are a name, so the clause must end behind them.
#[rustfmt::skip]
const SHORT_UNITS: [&str; 44] = [
    "米", "万", "亿", "块", "角", "分", "张", "本", "份", "套", "箱", "包", "袋", "瓶", "斤", "克", "吨", "升", "户", "间", "层",
    "年", "月", "天", "秒", "字", "行", "点", "股", "步", "倍", "级", "度", "组", "批", "期", "枚", "颗", "辆", "台", "只", "位",
    "名", "人",
];

/// Signs of a share or a measure.
const SIGNS: [char; 6] = ['%', '％', '‰', '℃', '°', '㎡'];

/// What may stand between a number and the word for it: "is the", 是我的.
#[rustfmt::skip]
const FILLERS: [&str; 21] = [
    "是", "为", "即", "这个", "这笔", "这条", "那个", "那笔", "我的", "您的", "你的", "一个", "is ", "was ", "are ",
    "the ", "an ", "a ", "my ", "your ", "our ",
];

/// A number that begins within so many characters of a word is the one that the word speaks of.
const NEXT_NUMBER: usize = 8;

/// Reads what follows a number, in lower case. `others` are words for other numbers.
pub(super) fn read(after: &str, others: &[&str]) -> Behind {
    if after.starts_with(SIGNS) {
        return Behind::Other;
    }
    let after =
        after.trim_start_matches([' ', '\u{a0}', '\u{3000}', '(', '（', '[', '"', '“', '「']);
    if let Some(tail) = after.strip_prefix(['号', '號']) {
        return reads_number(tail.trim_start(), others);
    }
    if NO_UNITS.iter().any(|word| after.starts_with(word)) {
        return Behind::Nothing;
    }
    if begins_with_word(after, &MONEY) {
        return Behind::Other;
    }
    if begins_with_word(after, &UNITS) || ends_after(after, &SHORT_UNITS) {
        return Behind::LikelyOther;
    }
    match begins_with_label(without_fillers(after), others) {
        true => Behind::LikelyOther,
        false => Behind::Nothing,
    }
}

/// Tells whether a text begins with a word for another number, and that speaks of the number before it: in
/// 13800138000 订单20240501 it speaks of the next one.
fn begins_with_label(after: &str, others: &[&str]) -> bool {
    let mut rests = others
        .iter()
        .filter(|word| begins_with_word(after, &[word]))
        .filter_map(|word| after.strip_prefix(word));
    rests.any(|rest| !rest.chars().take(NEXT_NUMBER).any(char::is_numeric))
}

/// Reads what follows `号`.
fn reads_number(tail: &str, others: &[&str]) -> Behind {
    if OF_A_PHONE.iter().any(|word| tail.starts_with(word)) {
        return Behind::Nothing;
    }
    if begins_with_word(tail, &NUMBERED) || begins_with_word(tail, others) {
        return Behind::Other;
    }
    // 13800138000号的机主, but 13800138000号的订单.
    if tail.starts_with(['的', '是', '在', '能', '已']) {
        let names_other = others
            .iter()
            .any(|word| !word.is_ascii() && tail.contains(word));
        return match names_other {
            true => Behind::LikelyOther,
            false => Behind::Nothing,
        };
    }
    Behind::LikelyOther
}

fn without_fillers(mut after: &str) -> &str {
    while let Some(rest) = FILLERS.iter().find_map(|filler| after.strip_prefix(filler)) {
        after = rest;
    }
    after
}

/// Tells whether a text begins with one of these words. One in ASCII letters must end there, or be in the
/// plural.
fn begins_with_word(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| {
        text.strip_prefix(word).is_some_and(|rest| {
            let rest = rest.strip_prefix('s').unwrap_or(rest);
            !word.is_ascii() || !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
        })
    })
}

/// Tells whether a text begins with one of these units and a word ends behind it.
fn ends_after(text: &str, units: &[&str]) -> bool {
    let mut rests = units.iter().filter_map(|unit| text.strip_prefix(unit));
    rests.any(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(after: &str, expected: Behind) {
        assert_eq!(
            read(after, &["订单", "单号", "流水", "order"]),
            expected,
            "{after}"
        );
    }

    #[test]
    fn amounts_and_numbers_of_things_are_other_numbers() {
        for after in [
            "号订单",
            "号单",
            "号流水",
            "號订单",
            "号 订单",
            "元",
            "元已到账",
            " 元。",
            "美元",
            "万元整",
            " rmb",
            " dollars.",
            "%",
            "℃",
            "号文件",
            "号楼",
            "号合同",
            "号快递",
            " yuan",
        ] {
            check(after, Behind::Other);
        }
    }

    #[test]
    fn counts_are_likely_other_numbers() {
        for after in [
            "号",
            "号。",
            "个",
            "件商品",
            "次点击",
            "条",
            "页",
            "人次",
            "米",
            "份。",
            "人",
            "台",
            "倍",
            " times",
            " users",
            "是订单号",
            "是我的订单",
            " is the order number",
            " (order)",
            "这笔流水",
            "号的订单",
            "公里",
            "字节",
        ] {
            check(after, Behind::LikelyOther);
        }
    }

    #[test]
    fn words_that_only_begin_like_units_say_nothing() {
        for after in [
            "",
            "号码",
            "号机主",
            "号手机",
            "号的机主",
            "號碼",
            "个人用",
            "条件",
            "次日送达",
            "元旦后再打",
            "米先生",
            "张三",
            "的订单",
            "本人",
            "家里",
            "分机",
            "位于",
            "一直",
            " timeshare",
            " kept",
            "，订单",
            " 订单20240501",
            " order no. 7",
            " order: 7",
            "人在北京",
            "点击",
            "包邮",
        ] {
            check(after, Behind::Nothing);
        }
    }
}
