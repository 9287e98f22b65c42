//! Rules for personal data that people paste into a text field.
//!
//! Each masks what it finds; another effect can be chosen. Numbers are found between any borders of groups
//! ([`TextRule::number`]) and tested as far as they can be: check digit, date of birth, ranges of issuers.

mod identity;
mod number_shape;

use crate::error::BuildError;
use crate::text::{Number, TextRule};

use self::identity::is_mainland_identity;
use self::number_shape::is_one_number;

impl TextRule {
    /// Masks mobile phone numbers of mainland China, with or without `+86` or `0086`.
    ///
    /// # Errors
    ///
    /// None; as a `Result` so that it can be used as the other rules are.
    pub fn mainland_phone() -> Result<Self, BuildError> {
        Ok(Self::grouped_number("mainland phone", is_mainland_phone).mask('*'))
    }

    /// Masks identity numbers of mainland China (GB 11643) whose check digit and date of birth are right.
    ///
    /// # Errors
    ///
    /// None; as a `Result` so that it can be used as the other rules are.
    pub fn mainland_identity() -> Result<Self, BuildError> {
        Ok(Self::grouped_number("mainland identity", is_mainland_identity).mask('*'))
    }

    /// Masks numbers of payment cards (ISO/IEC 7812): an issuer's range and its length, and a check digit that is
    /// right. Numbers of 13 digits that are something else, such as an ISBN or a time in milliseconds, are in
    /// no issuer's range.
    ///
    /// # Errors
    ///
    /// None; as a `Result` so that it can be used as the other rules are.
    pub fn bank_card() -> Result<Self, BuildError> {
        Ok(Self::grouped_number("bank card", is_bank_card).mask('*'))
    }

    /// Masks e-mail addresses, in full-width characters too.
    ///
    /// # Errors
    ///
    /// As [`TextRule::new`]; the pattern is fixed and valid.
    pub fn email() -> Result<Self, BuildError> {
        let pattern = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+";
        Ok(Self::new("e-mail", pattern)?.only_if(|_| true).mask('*'))
    }
}

fn is_mainland_phone(number: Number<'_>) -> bool {
    let (national, groups) = without_country(number);
    national.len() == 11
        && national.starts_with('1')
        && matches!(national.as_bytes().get(1), Some(b'3'..=b'9'))
        && national.bytes().all(|byte| byte.is_ascii_digit())
        && is_one_number(groups, 3)
        // 110105 1949 1231 002X: the end of an identity number.
        && !(number.before_x && groups.len() > 1)
}

/// Leaves out `86` or `0086`, with the group that it fills.
fn without_country(number: Number<'_>) -> (&str, &[usize]) {
    for country in ["0086", "86"] {
        let Some(national) = number.digits.strip_prefix(country) else {
            continue;
        };
        if national.len() < 11 {
            continue;
        }
        let groups = match number.groups {
            [first, rest @ ..] if *first == country.len() => rest,
            all => all,
        };
        return (national, groups);
    }
    (number.digits, number.groups)
}

/// What ISO/IEC 7812 leaves to issuers: the first digits of their numbers, as a range, and the lengths.
const ISSUERS: [(u32, u32, &[usize]); 16] = [
    (2200, 2204, &[16, 17, 18, 19]), // Mir
    (2221, 2720, &[16]),             // Mastercard
    (3000, 3059, &[14, 16, 19]),     // Diners Club
    (3095, 3095, &[14, 16, 19]),
    (3400, 3499, &[15]),                         // American Express
    (3528, 3589, &[16, 17, 18, 19]),             // JCB
    (3600, 3699, &[14, 15, 16, 17, 18, 19]),     // Diners Club
    (3700, 3799, &[15]),                         // American Express
    (3800, 3999, &[14, 16, 19]),                 // Diners Club
    (4000, 4999, &[13, 16, 18, 19]),             // Visa
    (5000, 5099, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (5100, 5599, &[16]),                         // Mastercard
    (5600, 5999, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (6000, 6999, &[13, 14, 15, 16, 17, 18, 19]), // UnionPay, Discover, RuPay, Maestro
    (8100, 8199, &[16, 17, 18, 19]),             // UnionPay
    (9558, 9559, &[16, 17, 18, 19]),             // older cards of mainland China
];

fn is_bank_card(number: Number<'_>) -> bool {
    let length = number.digits.len();
    let first = number.digits.get(..4).and_then(|first| first.parse().ok());
    let issued = |first: u32| {
        let mut issuers = ISSUERS.iter();
        issuers
            .any(|(from, to, lengths)| (*from..=*to).contains(&first) && lengths.contains(&length))
    };
    first.is_some_and(issued) && is_one_number(number.groups, 4) && passes_luhn(number.digits)
}

/// Luhn's sum: every second digit from the right is doubled, and its own digits added.
fn passes_luhn(digits: &str) -> bool {
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let mut sum = 0;
    for (index, c) in digits.chars().rev().enumerate() {
        let Some(digit) = c.to_digit(10) else {
            return false;
        };
        sum += if index % 2 == 1 { double(digit) } else { digit };
    }
    sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sanitizer;

    fn check(rule: Result<TextRule, BuildError>, before: &str, after: &str) {
        let sanitizer = Sanitizer::builder().rule(rule.unwrap()).build().unwrap();
        assert_eq!(sanitizer.clean(before).unwrap().text(), after);
    }

    #[test]
    fn phones_are_masked() {
        let phone = TextRule::mainland_phone;
        check(phone(), "打13800138000吧", "打***********吧");
        check(phone(), "+86 138-0013-8000", "+****************");
        check(phone(), "008613800138000", "***************");
        check(
            phone(),
            "12800138000 或 138001380001",
            "12800138000 或 138001380001",
        );
    }

    #[test]
    fn identities_with_the_right_check_digit_are_masked() {
        let identity = TextRule::mainland_identity;
        check(
            identity(),
            "号码11010519491231002X。",
            "号码******************。",
        );
        check(identity(), "110105 19491231 002x", "********************");
        check(identity(), "110105194912310021", "110105194912310021");
    }

    #[test]
    fn cards_with_the_right_check_digit_are_masked() {
        let card = TextRule::bank_card;
        check(card(), "4111 1111 1111 1111", "*******************");
        check(
            card(),
            "4111 1111 1111 1112 0000000000000",
            "4111 1111 1111 1112 0000000000000",
        );
    }

    #[test]
    fn addresses_are_masked() {
        check(
            TextRule::email(),
            "写给 a.b+c@example.com。",
            "写给 *****************。",
        );
        check(
            TextRule::email(),
            "写ａ.b＠example．com",
            "写***************",
        );
        check(TextRule::email(), "a @ b, @name", "a @ b, @name");
    }
}
