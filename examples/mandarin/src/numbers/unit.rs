//! Units of measure behind numbers.

use super::{cardinal::counted, rule::rules};

/// Units by their signs. Signs that are more often something else (A, K, N, T) are left out.
const UNITS: &str = "km:公里 m:米 cm:厘米 dm:分米 mm:毫米 μm:微米 um:微米 nm:纳米 kg:公斤 g:克 mg:毫克 μg:微克 ug:微克 t:吨 \
    L:升 l:升 mL:毫升 ml:毫升 μL:微升 ha:公顷 s:秒 ms:毫秒 μs:微秒 min:分钟 h:小时 Hz:赫兹 kHz:千赫兹 MHz:兆赫兹 \
    GHz:吉赫兹 W:瓦 kW:千瓦 MW:兆瓦 GW:吉瓦 kWh:千瓦时 V:伏 kV:千伏 mV:毫伏 mA:毫安 mAh:毫安时 Ah:安时 Ω:欧姆 kΩ:千欧 \
    Pa:帕 hPa:百帕 kPa:千帕 MPa:兆帕 mmHg:毫米汞柱 kJ:千焦 J:焦耳 cal:卡 kcal:千卡 dB:分贝 mol:摩尔 mmol:毫摩尔 rad:弧度 \
    MB:兆 KB:KB kb:KB GB:GB TB:TB Mbps:兆比特每秒 Gbps:吉比特每秒 kbps:千比特每秒 fps:帧每秒 px:像素 rpm:转每分钟 r:转 \
    lb:磅 oz:盎司 ft:英尺 mph:英里每小时 w:万 lm:流明 lx:勒克斯 ppm:ppm d:天";

/// A sign of a unit, which may be squared or cubed.
const SIGN: &str = r"([A-Za-zμΩ]{1,4})(?:\^?([23]))?";

rules! {
    r"-(\d+)([到至])(-?\d+)\s?度" => |found| Some(format!("零下{}度{}{}度", counted(found.get(1), ""), found.get(2), found.get(3))),
    r"-(\d+)度" => |found| {
        let range = matches!(found.before(), '0'..='9' | '°' | 'C');
        (!range).then(|| format!("零下{}度", counted(found.get(1), "")))
    },
    r"([-+]?)(\d+(?:\.\d+)?)\s?°\s?([CF])" => |found| {
        let below = match found.get(1) {
            "-" => "零下",
            "+" if found.before().is_ascii_alphanumeric() => "加",
            "+" => "零上",
            _ => "",
        };
        let scale = if found.get(3) == "C" { "摄氏度" } else { "华氏度" };
        Some(format!("{below}{}{scale}", counted(found.get(2), "")))
    },
    r"(\d+(?:\.\d+)?)\s?°(?:\s?(\d+)')?(?:\s?(\d+)'')?" => |found| {
        let part = |group, name: &str| match found.get(group) {
            "" => String::new(),
            number => format!("{}{name}", counted(number, "")),
        };
        Some(format!("{}{}{}", part(1, "度"), part(2, "分"), part(3, "秒")))
    },
    r"°\s?([CF])" => |found| Some(if found.get(1) == "C" { "摄氏度".to_owned() } else { "华氏度".to_owned() }),
    r"L/100\s?km" => |_| Some("升每百公里".to_owned()),
    &format!(r"(\d+(?:\.\d+)?|[零一二三四五六七八九十百千])([万亿]?)\s?{SIGN}(?:/(\d*)\s?{SIGN})?") => |found| {
        let free = !matches!(found.after(), 'A'..='Z' | 'a'..='z' | '0'..='9' | '^');
        let mut unit = named(found.get(3), found.get(4))?;
        if !found.get(6).is_empty() {
            unit = format!("{unit}每{}{}", found.get(5), named(found.get(6), found.get(7))?);
        }
        let what = if found.get(2).is_empty() { unit.as_str() } else { found.get(2) };
        free.then(|| format!("{}{}{unit}", counted(found.get(1), what), found.get(2)))
    },
}

/// Returns the name of a unit by its sign, with the power behind it.
pub(super) fn name(sign: &str) -> Option<String> {
    let plain = sign.trim_end_matches(['2', '3']).trim_end_matches('^');
    named(plain, sign.get(sign.len() - 1..).unwrap_or_default())
}

fn named(sign: &str, power: &str) -> Option<String> {
    let unit = UNITS
        .split_whitespace()
        .find_map(|unit| unit.split_once(':').filter(|(known, _)| *known == sign))?
        .1;
    Some(match power {
        "2" => format!("平方{unit}"),
        "3" => format!("立方{unit}"),
        _ => unit.to_owned(),
    })
}
