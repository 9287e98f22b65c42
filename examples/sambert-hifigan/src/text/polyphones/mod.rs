//! Characters with several readings, where they stand alone as words.
//!
//! Inside words the table of phrases decides. Here the neighbors do: what follows, what stands before, and
//! what part of speech the dictionary gives them.

mod function;
mod place;

use self::{
    function::{become_or_for, obtain},
    place::Place,
};
use super::segment::Cut;

/// Returns the reading of a character that is a word of its own, if its neighbors decide it.
pub(crate) fn read(c: char, cuts: &[Cut<'_>], index: usize) -> Option<&'static str> {
    let place = Place::new(cuts, index);
    let choose = |condition: bool, then: &'static str, otherwise: &'static str| {
        Some(if condition { then } else { otherwise })
    };
    if place.last_is("姓")
        && let Some(surname) = surname(c)
    {
        return Some(surname);
    }
    match c {
        '切' => Some("qie1"),
        '教' => Some("jiao1"),
        '谁' => Some("shei2"),
        '上' => choose(place.is_locative(), "shang5", "shang4"),
        '个' => choose(
            place.last_tag("vf") || place.last_is("这 那 哪 有"),
            "ge5",
            "ge4",
        ),
        '乾' => Some("gan1"),
        '薄' => Some("bao2"),
        '量' => choose(
            place.next_is("一 了 体温 身高 尺寸 血压") || place.redoubled(c),
            "liang2",
            "liang4",
        ),
        '长' => choose(
            (place.next_is("得 了 出 大 高 满 着 到 成 在") || place.looks())
                && !place.last_is("很 太 更 最 好 真 够 多 么 点 越 米 里"),
            "zhang3",
            "chang2",
        ),
        '还' => choose(
            place.after.is_empty() || place.next_is("给 钱 书 款 债 账 清 了 贷款"),
            "huan2",
            "hai2",
        ),
        '行' => choose(place.counted(), "hang2", "xing2"),
        '只' => choose(place.numbered() && !place.next_tag("vd"), "zhi1", "zhi3"),
        '种' => choose(
            !place.counted()
                && (place.next_is("在 树 花 菜 地 田 草 瓜 豆 下 了 过 着 水稻 小麦 玉米")
                    || place.last_is("可以 会 要 去 能 想 来 自己 开始")),
            "zhong4",
            "zhong3",
        ),
        '数' => choose(
            place.next_is("一 数 不 了 到 清楚") || place.last_is("来 请 去") || place.redoubled(c),
            "shu3",
            "shu4",
        ),
        '倒' => choose(
            place.next_is("下 塌 闭 在")
                || place.last_is("摔 跌 滑 晕 推 打 绊 吹 刮 撞 病")
                || place.next_is("了") && place.after.len() == 1,
            "dao3",
            "dao4",
        ),
        '重' => choose(
            place.next_tag("v") && !place.last_tag("d"),
            "chong2",
            "zhong4",
        ),
        '干' => choose(
            place.last_is("很 太 更 最")
                || place.last_is("没 晒 擦 吹 烘 晾 烤 风")
                    && (place.after.is_empty() || place.next_is("了 的")),
            "gan1",
            "gan4",
        ),
        '中' => choose(
            place.next_is("奖 毒 标 枪 计")
                || place.next_is("了") && (place.after.len() > 1 || !place.last_tag("n")),
            "zhong4",
            "zhong1",
        ),
        '当' => choose(place.next_is("成 做 作 真"), "dang4", "dang1"),
        '吐' => choose(place.next_is("了 血"), "tu4", "tu3"),
        '盛' => choose(place.next_is("饭 汤 菜 水 一"), "cheng2", "sheng4"),
        '调' => choose(
            place.numbered() || place.next_is("到 动 走 离 派 任 往 去 来 回 集 研 档 头"),
            "diao4",
            "tiao2",
        ),
        '觉' => choose(
            place.counted() || place.last_is("睡 个") || place.any_before("睡"),
            "jiao4",
            "jue2",
        ),
        '系' => choose(place.next_is("上 好 鞋 安全 领 紧"), "ji4", "xi4"),
        '转' => choose(place.next_is("圈 了一圈 个圈"), "zhuan4", "zhuan3"),
        '缝' => choose(place.next_is("衣 补 了 上 好"), "feng2", "feng4"),
        '背' => choose(place.next_is("着 起 上 包"), "bei1", "bei4"),
        '过' => choose(
            place.last_tag("v") && !place.next_is("河 桥 马路 年 节"),
            "guo5",
            "guo4",
        ),
        '里' => choose(
            !place.before.is_empty() && !place.last_tag("mqd"),
            "li5",
            "li3",
        ),
        '着' => choose(place.last_is("不 得"), "zhao2", "zhe5"),
        '了' => choose(
            place.last_is("不")
                || place.possible()
                    && (place.after.is_empty() || place.next_is("的 吗 吧 呢 多 这 那")),
            "liao3",
            "le5",
        ),
        '曾' => choose(place.last_is("姓 小 老"), "zeng1", "ceng2"),
        '啊' => choose(place.before.is_empty(), "a1", "a5"),
        '地' => choose(
            place.next_tag("vadp") && !place.last_tag("cpqrf") && !place.before.is_empty(),
            "de5",
            "di4",
        ),
        '得' => Some(obtain(&place)),
        '为' => Some(become_or_for(&place)),
        _ => None,
    }
}

/// Returns how a character is read as a family name, where that differs.
pub(crate) const fn surname(c: char) -> Option<&'static str> {
    match c {
        '仇' => Some("qiu2"),
        '任' => Some("ren2"),
        '单' => Some("shan4"),
        '华' => Some("hua4"),
        '尉' => Some("wei4"),
        '曾' => Some("zeng1"),
        '朴' => Some("piao2"),
        '查' => Some("zha1"),
        '盖' => Some("ge3"),
        '缪' => Some("miao4"),
        '解' => Some("xie4"),
        '覃' => Some("qin2"),
        '区' => Some("ou1"),
        _ => None,
    }
}
