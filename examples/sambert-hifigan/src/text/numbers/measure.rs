//! Percentages, money, temperatures, measures, ranges, sums.

use super::{
    cardinal::{amount, counted},
    rule::rules,
};

/// A number with or without decimals.
const NUMBER: &str = r"\d+(?:\.\d+)?";

rules! {
    &format!(r"({NUMBER})\s?[-~—]+\s?({NUMBER})\s?%") => |found| {
        Some(format!("百分之{}到{}", amount(found.get(1)), amount(found.get(2))))
    },
    &format!(r"(-?)({NUMBER})\s?([%‰])(?:\s?[-~—]+\s?({NUMBER})\s?[%‰])?") => |found| {
        let of = if found.get(3) == "%" { "百分之" } else { "千分之" };
        let sign = if found.get(1).is_empty() { "" } else { "负" };
        let upper = if found.get(4).is_empty() { String::new() } else { format!("到{of}{}", amount(found.get(4))) };
        Some(format!("{sign}{of}{}{upper}", amount(found.get(2))))
    },
    &format!(r"([¥$€£])\s?({NUMBER})([百千万亿]*)(?:元|块)?") => |found| {
        let currency = match found.get(1) {
            "$" => "美元",
            "€" => "欧元",
            "£" => "英镑",
            _ => "元",
        };
        let number = found.get(2);
        let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        let spoken = if found.get(3).is_empty() { counted(number, currency) } else { counted(number, found.get(3)) };
        Some(format!("{spoken}{}{currency}", found.get(3)))
    },
    &format!(r"({NUMBER})\s?-\s?({NUMBER})\s?=") => |found| {
        Some(format!("{}减{}=", amount(found.get(1)), amount(found.get(2))))
    },
    // The second number is left to the rules below, with the unit behind it.
    &format!(r"(^|[^\dA-Za-z-])({NUMBER})\s?(?:[-~]|—+)\s?({NUMBER})($|[^\d-])") => |found| {
        Some(format!("{}{}到{}{}", found.get(1), amount(found.get(2)), found.get(3), found.get(4)))
    },
    &format!(r"(^|[^\dA-Za-z-])-({NUMBER})\s?~\s?(-?{NUMBER})") => |found| {
        Some(format!("{}负{}到{}", found.get(1), amount(found.get(2)), found.get(3)))
    },
    &format!(r"(-?)({NUMBER})\s?°\s?([CF])") => |found| {
        let below = if found.get(1).is_empty() { "" } else { "零下" };
        let scale = if found.get(3) == "C" { "摄氏度" } else { "华氏度" };
        Some(format!("{below}{}{scale}", amount(found.get(2))))
    },
    &format!(r"({NUMBER})\s?°") => |found| Some(format!("{}度", amount(found.get(1)))),
    r"(^|[^\d/])(\d+)/(\d+)($|[^\d/])" => |found| {
        let (above, below) = (amount(found.get(2)), amount(found.get(3)));
        Some(format!("{}{below}分之{above}{}", found.get(1), found.get(4)))
    },
    &format!(r"({NUMBER})\s?(km/h|m/s|km2|km²|m2|m²|m3|m³|km|kg|cm|mm|mg|ml|mL|MB|GB|TB|KB|kb|GHz|MHz|Hz|kW|g|m|L|t|W|V|w)($|[^A-Za-z0-9])") => |found| {
        let unit = unit(found.get(2))?;
        Some(format!("{}{unit}{}", counted(found.get(1), unit), found.get(3)))
    },
    // A price or a speed per something.
    r"([元块万亿千百米克吨次])\s?/\s?(m2|kg|km|L|[年月日天人次个只件台辆晚小公斤平吨米秒分])" => |found| {
        let per = unit(found.get(2)).unwrap_or(found.get(2));
        Some(format!("{}每{per}", found.get(1)))
    },
    r"([元度])\s?(?:[-~]|—+)\s?(\d)" => |found| Some(format!("{}到{}", found.get(1), found.get(2))),
    r"([\d零一二三四五六七八九十百千万亿xyzabc])\s?([+×÷=<>≥≤*])\s?([\d(xyzabc-])" => |found| {
        let sign = match found.get(2) {
            "+" => "加",
            "×" | "*" => "乘",
            "÷" => "除以",
            "=" => "等于",
            "<" => "小于",
            ">" => "大于",
            "≥" => "大于等于",
            _ => "小于等于",
        };
        Some(format!("{}{sign}{}", found.get(1), found.get(3)))
    },
    r"(^|[^\dA-Za-z零一二三四五六七八九十])-(\d)" => |found| Some(format!("{}负{}", found.get(1), found.get(2))),
}

fn unit(symbol: &str) -> Option<&'static str> {
    Some(match symbol {
        "km/h" => "千米每小时",
        "m/s" => "米每秒",
        "km2" | "km²" => "平方千米",
        "m2" | "m²" => "平方米",
        "m3" | "m³" => "立方米",
        "km" => "千米",
        "kg" => "千克",
        "cm" => "厘米",
        "mm" => "毫米",
        "mg" => "毫克",
        "ml" | "mL" => "毫升",
        "KB" | "kb" => "千字节",
        "MB" => "兆字节",
        "GB" => "吉字节",
        "TB" => "太字节",
        "GHz" => "吉赫兹",
        "MHz" => "兆赫兹",
        "Hz" => "赫兹",
        "kW" => "千瓦",
        "g" => "克",
        "m" => "米",
        "L" => "升",
        "t" => "吨",
        "V" => "伏",
        "W" => "瓦",
        "w" => "万",
        _ => return None,
    })
}
