//! Personal data in hard places: every finding must be exact.

use palisade_sanitize::{PersonalData, PersonalDataKind};

use crate::personal_data::unlabelled;

/// A word that names the kind, and data of it. Numbers with check digits are those that issuers and
/// standards publish as examples, or were computed.
const SAMPLES: [(PersonalDataKind, &str, &str); 17] = [
    (PersonalDataKind::Card, "卡号", "4111111111111111"),
    (PersonalDataKind::CreditCode, "税号", "91350100M000100Y43"),
    (PersonalDataKind::Email, "邮箱", "li.lei@example.com"),
    (PersonalDataKind::HomeReturnPermit, "回乡证", "H12345678"),
    (PersonalDataKind::HongKongId, "HKID ", "A123456(3)"),
    (PersonalDataKind::Iban, "IBAN ", "DE89370400440532013000"),
    (PersonalDataKind::Ipv4, "IP ", "192.0.2.77"),
    (
        PersonalDataKind::Ipv6,
        "IP ",
        "2001:db8:85a3::8a2e:370:7334",
    ),
    (PersonalDataKind::Landline, "座机", "010-62345678"),
    (PersonalDataKind::Nino, "NINO ", "AB123456C"),
    (PersonalDataKind::Passport, "护照", "E12345678"),
    (PersonalDataKind::Phone, "手机", "13800138000"),
    (PersonalDataKind::Plate, "车牌", "京A12345"),
    (PersonalDataKind::ResidentId, "身份证", "11010519491231002X"),
    (
        PersonalDataKind::Secret,
        "key ",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    ),
    (PersonalDataKind::Ssn, "SSN ", "123-45-6789"),
    (PersonalDataKind::TaiwanPermit, "台胞证", "12345678"),
];

/// What stands between two of them.
const JOINERS: [&str; 12] = [
    "，", "、", " ", "  ", ", ", ";", "\n", " | ", "和", " and ", "\u{3000}", "。",
];

/// Full-width letters and digits.
fn full_width(text: &str) -> String {
    let wide = |c: char| match c {
        '0'..='9' | 'A'..='Z' | 'a'..='z' | '@' | '.' | '-' | '_' => {
            char::from_u32(u32::from(c) + 0xfee0).unwrap()
        }
        c => c,
    };
    text.chars().map(wide).collect()
}

#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let found = PersonalData::new().find(text);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|finding| (finding.name(), &text[finding.range()]))
        .collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn every_kind_is_found_beside_every_other() {
    for (first_kind, first_word, first) in SAMPLES {
        for (second_kind, second_word, second) in SAMPLES {
            for joiner in JOINERS {
                let text = format!("{first_word}{first}{joiner}{second_word}{second}");
                check(
                    &text,
                    &[(first_kind.name(), first), (second_kind.name(), second)],
                );
            }
        }
    }
}

#[test]
fn an_amount_or_an_order_beside_a_phone_number_is_not_taken_for_one() {
    let phone = [("phone", "13900139000")];
    check("奖金池13800138000元，电话咨询请打13900139000", &phone);
    check("手机13900139000，13800138000号订单", &phone);
    check("13800138000号订单的买家手机13900139000", &phone);
    check("¥13800138000 13900139000", &phone);
    check("13800138000次播放、手机13900139000", &phone);
}

#[test]
fn every_kind_is_found_in_full_width() {
    for (kind, word, data) in SAMPLES {
        // Colons of an address of version 6 are punctuation of Chinese sentences in full width.
        if kind == PersonalDataKind::Ipv6 {
            continue;
        }
        let wide = full_width(data);
        check(&format!("{word}{wide}，谢谢"), &[(kind.name(), &wide)]);
    }
}

#[test]
fn hard_cases_are_found_exactly() {
    let lines = include_str!("../vectors/personal_data_hard.txt").lines();
    let mut count = 0;
    for line in lines.filter(|line| !line.starts_with("# ")) {
        let (text, labels) = unlabelled(line);
        let labels: Vec<(&str, &str)> = labels
            .iter()
            .map(|(kind, place)| (*kind, &text[place.clone()]))
            .collect();
        check(&text, &labels);
        count += 1;
    }
    assert!(count >= 150, "{count}");
}
