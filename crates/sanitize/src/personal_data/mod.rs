//! Rules for personal data that people paste into a text field.
//!
//! Each masks what it finds; another effect can be chosen. They look for whole runs of digits and test the check
//! digit where there is one, so that a price or a year stays what it is.

use crate::error::BuildError;
use crate::rule::TextRule;

/// A run of digits, perhaps in groups.
const GROUPED: &str = "[0-9](?:[ -]?[0-9]){7,}[Xx]?";

impl TextRule {
    /// Masks mobile phone numbers of mainland China, with or without `+86`.
    ///
    /// # Errors
    ///
    /// As [`TextRule::new`]; the pattern is fixed and valid.
    pub fn mainland_phone() -> Result<Self, BuildError> {
        Ok(Self::new("mainland phone", GROUPED)?
            .only_if(is_mainland_phone)
            .mask('*'))
    }

    /// Masks identity numbers of mainland China whose check digit is right.
    ///
    /// # Errors
    ///
    /// As [`TextRule::new`]; the pattern is fixed and valid.
    pub fn mainland_identity() -> Result<Self, BuildError> {
        Ok(Self::new("mainland identity", GROUPED)?
            .only_if(is_mainland_identity)
            .mask('*'))
    }

    /// Masks numbers of bank cards: 13 to 19 digits whose check digit is right (ISO/IEC 7812).
    ///
    /// # Errors
    ///
    /// As [`TextRule::new`]; the pattern is fixed and valid.
    pub fn bank_card() -> Result<Self, BuildError> {
        Ok(Self::new("bank card", GROUPED)?
            .only_if(is_bank_card)
            .mask('*'))
    }

    /// Masks e-mail addresses.
    ///
    /// # Errors
    ///
    /// As [`TextRule::new`]; the pattern is fixed and valid.
    pub fn email() -> Result<Self, BuildError> {
        let pattern = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+";
        Ok(Self::new("e-mail", pattern)?.mask('*'))
    }
}

fn digits(found: &str) -> Vec<u32> {
    found.chars().filter_map(|c| c.to_digit(10)).collect()
}

fn is_mainland_phone(found: &str) -> bool {
    let digits = digits(found);
    let national = match digits.as_slice() {
        [8, 6, national @ ..] if digits.len() == 13 => national,
        all => all,
    };
    matches!(national, [1, 3..=9, ..]) && national.len() == 11 && !found.ends_with(['x', 'X'])
}

/// GB 11643: weights are powers of two modulo 11; a remainder of 2 is written X.
fn is_mainland_identity(found: &str) -> bool {
    let mut values = digits(found);
    if found.ends_with(['x', 'X']) {
        values.push(10);
    }
    let weights = (0..18u32).rev().map(|power| 2u32.pow(power) % 11);
    values.len() == 18
        && values
            .iter()
            .zip(weights)
            .map(|(digit, weight)| digit * weight)
            .sum::<u32>()
            % 11
            == 1
}

/// Luhn's sum: every second digit from the right is doubled, and its own digits added.
fn is_bank_card(found: &str) -> bool {
    let digits = digits(found);
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([false, true].into_iter().cycle())
        .map(|(&d, twice)| if twice { double(d) } else { d })
        .sum();
    (13..=19).contains(&digits.len())
        && sum.is_multiple_of(10)
        && sum > 0
        && !found.ends_with(['x', 'X'])
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
        check(
            TextRule::mainland_phone(),
            "打13800138000吧",
            "打***********吧",
        );
        check(
            TextRule::mainland_phone(),
            "+86 138-0013-8000",
            "+****************",
        );
        check(
            TextRule::mainland_phone(),
            "12800138000 或 138001380001",
            "12800138000 或 138001380001",
        );
    }

    #[test]
    fn identities_with_the_right_check_digit_are_masked() {
        check(
            TextRule::mainland_identity(),
            "号码11010519491231002X。",
            "号码******************。",
        );
        check(
            TextRule::mainland_identity(),
            "110105194912310021",
            "110105194912310021",
        );
    }

    #[test]
    fn cards_with_the_right_check_digit_are_masked() {
        check(
            TextRule::bank_card(),
            "4111 1111 1111 1111",
            "*******************",
        );
        check(
            TextRule::bank_card(),
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
        check(TextRule::email(), "a @ b, @name", "a @ b, @name");
    }
}
