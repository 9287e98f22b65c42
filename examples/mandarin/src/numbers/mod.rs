//! Numbers, and what stands with them, in words.

mod address;
mod cardinal;
mod currency;
mod formula;
mod identify;
mod measure;
mod moment;
mod money;
mod number_words;
mod range;
mod roman;
mod rule;
mod say_as;
mod unit;

use self::rule::Rule;
pub use self::say_as::SayAs;
use crate::{
    run::is_han,
    symbol::{Symbol, text_of},
};

/// Writes the numbers among symbols in words. A character with a reading of its own keeps it: what ends with it is
/// written on its own, and no rule reaches across it.
pub(crate) fn in_words<'a>(symbols: &[Symbol<'a>]) -> Vec<Symbol<'a>> {
    let parts = symbols.split_inclusive(|symbol| !symbol.is_usual());
    parts.flat_map(part_in_words).collect()
}

fn part_in_words<'a>(symbols: &[Symbol<'a>]) -> Vec<Symbol<'a>> {
    let (last, text) = match symbols.split_last() {
        Some((last, before)) if last.character().is_none() => (Some(*last), text_of(before)),
        _ => (None, text_of(symbols)),
    };
    let mut words: Vec<_> = spell_out(&text).chars().map(Symbol::usual).collect();
    if let (Some(Symbol::Character(_, given)), Some(end)) = (symbols.last(), words.last_mut()) {
        end.give(*given);
    }
    words.extend(last);
    words
}

/// Writes every number in Chinese characters, as it is spoken at its place.
pub(crate) fn spell_out(text: &str) -> String {
    // Most sentences have nothing to spell out.
    let plain = |c| is_han(c) || "。,、!?;: \n\"“”《》…".contains(c);
    if text.chars().all(plain) {
        return text.to_owned();
    }
    // The order matters: a date is no fraction, a telephone number no difference.
    let rules = [
        roman::rules(),
        address::rules(),
        identify::rules(),
        moment::rules(),
        money::rules(),
        range::rules(),
        unit::rules(),
        formula::rules(),
        cardinal::rules(),
    ];
    rules
        .into_iter()
        .flatten()
        .fold(text.to_owned(), |text, rule| rule.apply(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::clean;

    #[track_caller]
    fn check(text: &str, words: &str) {
        assert_eq!(spell_out(&clean(text)), words);
    }

    /// Each line is a text and how it is said, written by hand.
    const TABLE: &str = include_str!("../../tests/it/spoken.tsv");

    #[test]
    fn texts_are_said_as_the_table_says() {
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let (text, words) = line.split_once('\t').unwrap();
            check(text, words);
        }
    }

    #[test]
    fn integers_are_counted() {
        check("0", "零");
        check("10个", "十个");
        check("12", "十二");
        check("105", "一百零五");
        check("110", "一百一十");
        check("1001", "一千零一");
        check("10010", "一万零一十");
        check("120000", "十二万");
        check("100100", "十万零一百");
        check("1,234,567", "一百二十三万四千五百六十七");
        check("300000000", "三亿");
        check("1000000001", "十亿零一");
    }

    #[test]
    fn two_is_liang_before_measures_and_great_numbers() {
        check("2个人", "两个人");
        check("2天", "两天");
        check("2月", "二月");
        check("2号", "二号");
        check("第2个", "第二个");
        check("12个", "十二个");
        check("200块", "两百块");
        check("2000", "两千");
        check("20000", "两万");
        check("22000", "两万二千");
        check("2楼", "二楼");
    }

    #[test]
    fn decimals_are_read_digit_by_digit() {
        check("3.14", "三点一四");
        check("0.5", "零点五");
        check("2.5", "二点五");
        check("-3.2", "负三点二");
        check("1.2.3版", "一点二点三版");
    }

    #[test]
    fn percentages_and_fractions_turn_round() {
        check("50%", "百分之五十");
        check("3.5%", "百分之三点五");
        check("-2%", "负百分之二");
        check("1/2", "二分之一");
        check("3‰", "千分之三");
        check("3%-5%", "百分之三到百分之五");
        check("3-5%", "百分之三到五");
    }

    #[test]
    fn dates_and_years() {
        check("2024年", "二零二四年");
        check("2024-05-01", "二零二四年五月一日");
        check("2024/12/31", "二零二四年十二月三十一日");
        check("5月20日", "五月二十日");
        check("3000年前", "三千年前");
        check("10年", "十年");
        check("2020-2021年", "二零二零到二零二一年");
        check("701年—762年", "七零一年到七六二年");
        check("2023/24赛季", "二零二三到二四赛季");
    }

    #[test]
    fn times_of_day() {
        check("8:30", "八点三十分");
        check("8:00", "八点");
        check("12:05", "十二点零五分");
        check("14:20:15", "十四点二十分十五秒");
        check("9:00-10:30", "九点到十点三十分");
        check("9:00—18:00", "九点到十八点");
        check("2:00", "两点");
        check("3:2", "三比二");
    }

    #[test]
    fn money() {
        check("¥12.50", "十二点五元");
        check("$100", "一百美元");
        check("¥3万", "三万元");
        check("€2.99", "二点九九欧元");
        check("100元", "一百元");
        check("¥1,299.00元", "一千二百九十九元");
        check("¥100-200", "一百到两百元");
        check("8.5万/m2", "八点五万每平方米");
    }

    #[test]
    fn telephone_and_identity_numbers_are_read_by_digits() {
        check("13812345678", "幺三八幺二三四五六七八");
        check("010-12345678", "零幺零幺二三四五六七八");
        check("拨打110", "拨打幺幺零");
        check("验证码是8046", "验证码是八零四六");
        check("11010519491231002X", "幺幺零幺零五幺九四九幺二三幺零零二X");
        check("007", "零零七");
        check("G1234次", "G幺二三四次");
    }

    #[test]
    fn measures_ranges_and_temperatures() {
        check("5km", "五公里");
        check("60km/h", "六十公里每小时");
        check("20m²", "二十平方米");
        check("-5°C", "零下五摄氏度");
        check("3-5天", "三到五天");
        check("20~25°C", "二十到二十五摄氏度");
        check("-5~3°C", "零下五到三摄氏度");
        check("3-5kg", "三到五公斤");
        check("3~5个", "三到五个");
        check("2kg", "两公斤");
        check("1+1=2", "一加一等于二");
        check("5-3=2", "五减三等于二");
        check("3×4", "三乘四");
    }
}
