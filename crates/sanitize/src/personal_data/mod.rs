//! Rules for personal data that people paste into a text field.
//!
//! Each rule masks what it finds; another effect can be set. Numbers are found between any borders
//! of groups (`TextRule::number`). They are tested as far as possible: check digit, date of birth,
//! ranges of issuers. Other kinds of personal data need rules of the operator.

mod identity;
mod number_shape;

use crate::error::BuildError;
use crate::text::{Number, TextRule};

use self::identity::is_mainland_identity;
use self::number_shape::is_one_number;

impl TextRule {
    /// Masks mobile phone numbers of mainland China with `*`, with or without `+86` or `0086`.
    ///
    /// To set another effect, call its method on the rule, for instance [`refuse`](Self::refuse).
    ///
    /// # Errors
    ///
    /// None. It returns a `Result` so that it is used like the other rules.
    pub fn mainland_phone() -> Result<Self, BuildError> {
        Ok(Self::grouped_number("mainland phone", is_mainland_phone).mask('*'))
    }

    /// Masks identity numbers of mainland China (GB 11643) with a correct check digit and a
    /// possible date of birth.
    ///
    /// # Errors
    ///
    /// None. It returns a `Result` so that it is used like the other rules.
    pub fn mainland_identity() -> Result<Self, BuildError> {
        Ok(Self::grouped_number("mainland identity", is_mainland_identity).mask('*'))
    }

    /// Masks numbers of payment cards (ISO/IEC 7812).
    ///
    /// The prefix and length must be those of an issuer, and the check digit (Luhn) must be
    /// correct. Numbers of 13 digits that are something else, such as an ISBN or a time in
    /// milliseconds, have no issuer's prefix.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let sanitizer = Sanitizer::builder().rule(TextRule::bank_card()?).build()?;
    /// let clean = sanitizer.clean("I pay with 4111 1111 1111 1111.")?;
    /// assert_eq!(clean.text(), "I pay with *******************.");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// None. It returns a `Result` so that it is used like the other rules.
    pub fn bank_card() -> Result<Self, BuildError> {
        Ok(Self::grouped_number("bank card", is_bank_card).mask('*'))
    }

    /// Masks e-mail addresses, also in full-width characters.
    ///
    /// The pattern accepts common addresses, not every form that RFC 5322 allows.
    ///
    /// # Errors
    ///
    /// As for [`TextRule::new`]. The pattern is fixed and valid.
    pub fn email() -> Result<Self, BuildError> {
        let pattern = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+";
        Ok(Self::new("e-mail", pattern)?.only_if(|_| true).mask('*'))
    }
}

/// Tells whether a number is a mobile number: after any country code, 11 digits that begin with 13
/// to 19.
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

/// Removes `86` or `0086`, together with the group that it fills.
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

/// The prefixes that ISO/IEC 7812 assigns to issuers, as ranges, with the lengths of their numbers.
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

/// Tells whether a number has an issuer's prefix and length, and a correct check digit.
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

/// Computes the Luhn sum: every second digit from the right is doubled, and its digits are added.
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
