//! Personal data is found beside other numbers, in other digits, and behind any separator.

use palisade_sanitize::{Sanitizer, TextRule};

fn all() -> Sanitizer {
    Sanitizer::builder()
        .rule(TextRule::mainland_phone())
        .rule(TextRule::mainland_identity())
        .rule(TextRule::bank_card())
        .rule(TextRule::email())
        .build()
        .unwrap()
}

/// Text in ‹these marks› is what must be masked, and nothing else.
#[track_caller]
fn check(marked: &str) {
    check_by(&all(), marked);
}

#[track_caller]
fn check_by(sanitizer: &Sanitizer, marked: &str) {
    let (mut before, mut after, mut inside) = (String::new(), String::new(), false);
    for c in marked.chars() {
        match c {
            '‹' | '›' => inside = c == '‹',
            c => {
                before.push(c);
                after.push(if inside { '*' } else { c });
            }
        }
    }
    assert_eq!(sanitizer.clean(&before).unwrap().text(), after, "{before}");
}

#[test]
fn a_number_beside_another_number_is_masked() {
    check("两个号码 ‹13800138000› ‹13900139000›");
    check("房间12 ‹13800138000›");
    check("2024-05-01 ‹13800138000›");
    check("2024.05.01  ‹138 0013 8000› 8");
    check("‹4111 1111 1111 1111› 12/27");
    check("‹4111111111111111› 12 27 123");
    check("12 ‹11010519491231002X› 34");
    check("‹110105 1949 1231 002X›");
    check("‹13800138000›x");
    check("3 ‹6222021234567890128› ‹13800138000›");
}

#[test]
fn digits_of_every_script_are_masked() {
    check("‹１３８００１３８０００›");
    check("‹1３8００138０００›好");
    check("‹١٣٨٠٠١٣٨٠٠٠›");
    check("‹१३८००१३८०००›");
    check("‹𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟎›");
    check("‹①③⑧⓪⓪①③⑧⓪⓪⓪›");
    check("‹一三八零零一三八零零零›");
    check("第一‹13800138000›九");
    check("‹1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣›");
    check("号‹１１０１０５１９４９１２３１００２Ｘ›。");
}

#[test]
fn separators_of_every_kind_are_masked() {
    for separator in [
        " ", "-", ".", "  ", "\u{a0}", "—", "–", "\u{3000}", "－", "．", " - ", "·", "\u{2009}",
        "\u{202f}", "_", "‑", "−", "・",
    ] {
        check(&format!("打‹138{separator}0013{separator}8000›吧"));
        check(&format!(
            "‹4111{separator}1111{separator}1111{separator}1111›"
        ));
        check(&format!("‹110105{separator}19491231{separator}002X›"));
    }
    check("(‹138)00138000›");
    check("+‹86 138-0013-8000›");
    check("‹0086-13800138000›");
    check("‹1 3 8 0 0 1 3 8 0 0 0›");
}

#[test]
fn numbers_beside_chinese_characters_are_masked() {
    check("打‹13800138000›吧，卡号‹6222021234567890128›到期");
    check("写给‹a.b@example.com›，或‹ａ＠ｂ．ｃｏｍ›");
}

#[test]
fn an_isbn_and_a_time_in_milliseconds_are_no_cards() {
    for text in [
        "ISBN 9787302511624",
        "978-7-302-51162-4",
        "9780306406156",
        "1700000000004",
        "1732900000008",
        "1732900000000000008",
        "4.123456789012349",
        "100 200 300 400 509",
        "15 20 30 40 500",
        "价格 1,234,567,890,128 元",
        "2024-05-01 12:30:45",
    ] {
        check(text);
    }
}

/// Cards that pass the test of the digit, one of each network, and the same with the last digit wrong.
#[test]
fn cards_of_every_network_are_masked_and_wrong_ones_are_not() {
    for card in [
        "4222222222222",
        "4111111111111111",
        "5555555555554444",
        "2223000048400011",
        "378282246310005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "6200000000000005",
        "6222021234567890128",
        "2200000000000004",
    ] {
        check(&format!("‹{card}›"));
        let (head, last) = card.split_at(card.len() - 1);
        let other = (last.parse::<u32>().unwrap() + 1) % 10;
        check(&format!("{head}{other}"));
    }
}

#[test]
fn an_identity_needs_a_date_of_birth_and_a_check_digit() {
    check("‹11010519491231002X› 110105194912310021");
    // The thirteenth month, with the check digit that belongs to it.
    check("110105194913310021");
}

fn is_order(digits: &str) -> bool {
    digits.len() == 8 && digits.starts_with("77")
}

#[test]
fn a_check_of_the_operator_sees_every_number_as_ascii_digits() {
    let by_number = TextRule::number("order", is_order).mask('*');
    let sanitizer = Sanitizer::builder().rule(by_number).build().unwrap();
    for marked in [
        "12 ‹77123456› 3",
        "订单‹７７12—3456›好",
        "‹77 12  34 56›",
        "771234567",
        "7712345",
    ] {
        check_by(&sanitizer, marked);
    }
}

#[test]
fn only_if_is_asked_about_the_parts_of_a_match_and_about_other_digits() {
    let rule = TextRule::new("order", "[0-9](?:[ -]?[0-9]){7,}")
        .only_if(|found| is_order(&found.replace([' ', '-'], "")))
        .mask('*');
    let sanitizer = Sanitizer::builder().rule(rule).build().unwrap();
    for marked in [
        "‹77123456›",
        "12 ‹77123456› 3",
        "2024-05-01 ‹77123456› ‹77654321›",
        "订单‹７７１２３４５６›好",
        "订单‹7712\u{a0}3456›",
        "‹7712—3456›",
        "771234567",
    ] {
        check_by(&sanitizer, marked);
    }
}

#[test]
fn the_documented_border_of_a_word_holds_beside_chinese_characters() {
    let rule = TextRule::new("ticket", r"(?-u:\b)T[0-9]{6}(?-u:\b)").mask('*');
    let sanitizer = Sanitizer::builder().rule(rule).build().unwrap();
    for marked in ["票号‹T123456›。", "‹T123456›号", "aT123456", "T1234567"] {
        check_by(&sanitizer, marked);
    }
}

/// Counts how often the check is asked about a text of so many groups.
fn questions(groups: usize) -> usize {
    use std::cell::Cell;
    thread_local!(static ASKED: Cell<usize> = const { Cell::new(0) });
    ASKED.set(0);
    let rule = TextRule::number("none", |_| {
        ASKED.set(ASKED.get() + 1);
        false
    });
    let sanitizer = Sanitizer::builder().rule(rule.flag()).build().unwrap();
    let clean = sanitizer.clean("1 ".repeat(groups).trim_end()).map(|_| ());
    assert_eq!(clean, Ok(()));
    ASKED.get()
}

#[test]
fn a_long_run_of_groups_is_searched_in_linear_time() {
    let (short, long) = (questions(1000), questions(10_000));
    assert!(short > 0 && long <= 11 * short, "{short}, {long}");
}
