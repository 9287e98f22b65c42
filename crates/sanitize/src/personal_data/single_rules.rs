//! Rules for one kind of data each, by its shape alone.

use super::recognizers::{is_card, is_mobile, is_resident_id};
use crate::text::TextRule;

/// Single kinds by their shape alone, without words nearby. [`PersonalData`](crate::PersonalData) finds more kinds and
/// is more exact.
impl TextRule {
    /// Masks mobile phone numbers of mainland China with `*`, with or without `+86` or `0086`.
    ///
    /// To set another effect, call its method on the rule, for instance [`refuse`](Self::refuse).
    pub fn mainland_phone() -> Self {
        Self::grouped_number("mainland phone", is_mobile).mask('*')
    }

    /// Masks identity numbers of mainland China (GB 11643) with a correct check digit and a
    /// possible date of birth.
    pub fn mainland_identity() -> Self {
        Self::grouped_number("mainland identity", is_resident_id).mask('*')
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
    /// let sanitizer = Sanitizer::builder().rule(TextRule::bank_card()).build()?;
    /// let clean = sanitizer.clean("I pay with 4111 1111 1111 1111.")?;
    /// assert_eq!(clean.text(), "I pay with *******************.");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bank_card() -> Self {
        Self::grouped_number("bank card", is_card).mask('*')
    }

    /// Masks e-mail addresses, also in full-width characters.
    ///
    /// The pattern accepts common addresses, not every form that RFC 5322 allows.
    pub fn email() -> Self {
        let pattern = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+";
        Self::new("e-mail", pattern).only_if(|_| true).mask('*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sanitizer;

    fn check(rule: TextRule, before: &str, after: &str) {
        let sanitizer = Sanitizer::builder().rule(rule).build().unwrap();
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
