//! 得 and 为, which the whole clause decides.

use super::place::Place;

/// 得: a particle after verbs and adjectives, "must" before verbs, else "to get".
pub(super) fn obtain(place: &Place<'_>) -> &'static str {
    let short_noun = place.last_tag("n")
        && place
            .before
            .last()
            .is_some_and(|cut| cut.text.chars().count() == 1);
    // What is won stands behind 得了; what can be borne ends with it.
    let wins = matches!(place.after, [past, what, ..] if past.text == "了" && what.tag.starts_with(['m', 'n', 'a']));
    if wins {
        "de2"
    } else if place.last_tag("va")
        || short_noun
        || place.next_is("不 比较 很 非常 太 特别 更 真 挺")
    {
        "de5"
    } else if (place.next_tag("vdp") || place.next_is("好好 马上 赶快 赶紧 先 再 快 多 自己"))
        && (place.before.is_empty() || place.last_tag("rndtc"))
    {
        "dei3"
    } else if place.next_tag("mn") || place.next_is("了 过 到") {
        "de2"
    } else {
        "de5"
    }
}

/// 为: "to be, to become" or "for".
pub(super) fn become_or_for(place: &Place<'_>) -> &'static str {
    if place.last_is("成 作 名 现") {
        return "wei2";
    }
    if place.next_is(
        "了 何 此 之 什么 谁 你 我 他 她 它 您 自己 大家 各 社会 人民 农民 国家 祖国 孩子 父母 群众 百姓")
        || place.last_is("要 会 能 可 想 愿 肯 敢 可以 应该 愿意 能够 是 出")
        || place.before.is_empty() && !place.next_tag("m") && !place.next_is("人")
        || place.next_is("的")
    {
        "wei4"
    } else if place.last_is("多 均 皆 即 原 实 乃 非 应")
        || place.any_before("以 被 称 选 评 定 改 译 分 有 视 变")
        || place.last_tag("v")
        || place.next_tag("m")
    {
        "wei2"
    } else if place.any_tag_after("v") {
        "wei4"
    } else {
        "wei2"
    }
}
