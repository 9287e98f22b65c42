//! Codes that correlate, and stand-ins that belong to no one, in place of personal data.

use palisade_core::Secret;
use palisade_sanitize::{PersonalData, PersonalDataKind, SanitizeBuildError, Sanitizer, TextRule};

fn sanitizer(effect: impl FnOnce(TextRule) -> TextRule) -> Sanitizer {
    let builder = Sanitizer::builder().rule(effect(PersonalData::new().rule()));
    builder.build().unwrap()
}

fn key(byte: u8) -> Secret {
    Secret::new(vec![byte; 32])
}

#[track_caller]
fn cleaned(sanitizer: &Sanitizer, text: &str) -> String {
    let clean = sanitizer.clean(text).unwrap().text().to_owned();
    // A fixed point: cleaning it again changes nothing.
    assert_eq!(sanitizer.clean(&clean).unwrap().text(), clean);
    clean
}

#[test]
fn a_code_is_the_same_for_the_same_data_under_the_same_key_alone() {
    let hashing = sanitizer(|rule| rule.hash(key(1)));
    let code = cleaned(&hashing, "手机13800138000");
    assert_eq!(code.len(), "手机[PHONE:ngkcpajmbnhfedco]".len());
    for written in [
        "手机138 0013 8000",
        "手机138-0013-8000",
        "手机１３８００１３８０００",
    ] {
        assert_eq!(cleaned(&hashing, written), code);
    }
    assert_ne!(cleaned(&hashing, "手机13900139000"), code);
    let other = sanitizer(|rule| rule.hash(key(2)));
    assert_ne!(cleaned(&other, "手机13800138000"), code);
}

#[test]
fn codes_hold_no_digits_and_are_found_as_no_data() {
    let hashing = sanitizer(|rule| rule.hash(key(7)));
    for number in 0..200 {
        let text = format!("手机139{number:08}，mail u{number}@example.com");
        let clean = cleaned(&hashing, &text);
        assert!(!clean.contains(|c: char| c.is_ascii_digit()), "{clean}");
        assert_eq!(clean.matches('[').count(), 2, "{clean}");
    }
}

#[test]
fn a_short_key_is_an_error_at_build() {
    let rule = PersonalData::new().rule().hash(Secret::new(vec![1; 15]));
    let refused = Sanitizer::builder().rule(rule).build().unwrap_err();
    let expected = SanitizeBuildError::HashKeyTooShort {
        rule: PersonalData::RULE_NAME.into(),
    };
    assert_eq!(refused, expected);
}

#[test]
fn stand_ins_keep_the_form_and_none_of_the_data() {
    let standing_in = sanitizer(TextRule::stand_in);
    for (text, expected) in [
        ("卡号 5500 0000 0000 0004", "卡号 4111 1111 1111 1111"),
        ("手机+86 139-1234-5678", "手机+86 138-0013-8000"),
        (
            "身份证44052418800101001X? 440524188001010014",
            "身份证44052418800101001X? 11010519491231002X",
        ),
        ("写 li.wei@corp.cn", "写 user@example.com"),
        ("IP 8.8.8.8", "IP 192.0.2.1"),
        (
            "IBAN GB29 NWBK 6016 1331 9268 19",
            "IBAN DE89 3704 0044 0532 0130 00",
        ),
        ("SSN 123-45-6789", "SSN 987-65-4320"),
        ("HKID C123456(9)", "HKID A123456(3)"),
    ] {
        assert_eq!(cleaned(&standing_in, text), expected);
    }
}

#[test]
fn every_stand_in_with_a_check_digit_is_valid() {
    let finder = PersonalData::new();
    for (text, kind) in [
        ("4111111111111111", PersonalDataKind::Card),
        ("91000000MA0000000N", PersonalDataKind::CreditCode),
        ("user@example.com", PersonalDataKind::Email),
        ("A123456(3)", PersonalDataKind::HongKongId),
        ("DE89370400440532013000", PersonalDataKind::Iban),
        ("192.0.2.1", PersonalDataKind::Ipv4),
        ("2001:db8::1", PersonalDataKind::Ipv6),
        ("13800138000", PersonalDataKind::Phone),
        ("11010519491231002X", PersonalDataKind::ResidentId),
    ] {
        let found: Vec<_> = finder.find(text).iter().map(|one| one.kind()).collect();
        assert_eq!(found, [kind], "{text}");
    }
}

#[test]
fn a_secret_has_no_stand_in_and_is_masked() {
    let standing_in = sanitizer(TextRule::stand_in);
    let text = format!("key ghp_{}", "a1B2".repeat(9));
    let clean = cleaned(&standing_in, &text);
    assert_eq!(clean, format!("key {}", "*".repeat(40)));
}
