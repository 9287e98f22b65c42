//! Numbers that name and do not count: telephones, identity cards, codes, addresses of the net.

use super::{cardinal::digits, rule::rules};

rules! {
    // Thousands.
    r"\d{1,3}(?:,\d{3})+" => |found| Some(found.get(0).replace(',', "")),
    // Addresses of the net and of mail.
    r"[A-Za-z0-9_-]+(?:[.@][A-Za-z0-9_-]+)+" => |found| {
        let address = found.get(0);
        address.contains(|c: char| c.is_ascii_alphabetic()).then(|| address.replace('.', "点").replace('@', "艾特"))
    },
    // Identity cards.
    r"(^|[^\dA-Za-z])(\d{17})(\d|X|x)($|[^\dA-Za-z])" => |found| {
        Some(format!("{}{}{}{}", found.get(1), by_name(found.get(2)), by_name(found.get(3)), found.get(4)))
    },
    // Mobile and other telephones, with and without separators.
    r"(^|[^\d.])(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})($|[^\d.])" => |found| {
        let number = [found.get(2), found.get(3), found.get(4)].concat();
        Some(format!("{}{}{}", found.get(1), by_name(&number), found.get(5)))
    },
    r"(^|[^\d.])(0\d{2,3}|400|800)-(\d{3,4})-?(\d{3,4})($|[^\d.])" => |found| {
        let number = [found.get(2), found.get(3), found.get(4)].concat();
        Some(format!("{}{}{}", found.get(1), by_name(&number), found.get(5)))
    },
    // What a word before it says is a number to be named.
    r"(电话|手机|分机|号码|热线|验证码|密码|邮编|编号|学号|工号|卡号|账号|帐号|房间号|车牌|拨打|拨|打)(号码|号)?([是为:\s]*)(\d{3,})" => |found| {
        let money = found.get(1) == "打" && found.get(4).len() > 5;
        (!money).then(|| format!("{}{}{}{}", found.get(1), found.get(2), found.get(3), by_name(found.get(4))))
    },
    // Trains, roads, models.
    r"([A-Za-z]-?)(\d{3,})" => |found| Some(format!("{}{}", found.get(1).trim_end_matches('-'), by_name(found.get(2)))),
    // Leading zeros, and more digits than anyone counts.
    r"(^|[^\d.:/-])(0\d+|\d{13,})($|[^\d.:%/-])" => |found| {
        Some(format!("{}{}{}", found.get(1), by_name(found.get(2)), found.get(3)))
    },
}

/// Reads digits one by one, with the one that is not mistaken for a seven.
fn by_name(number: &str) -> String {
    digits(number).replace('一', "幺")
}
