//! The kinds of personal data, and their names in reports, labels and settings.

use std::fmt;
use std::str::FromStr;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $label:literal;)+) => {
        /// A kind of personal data that [`PersonalData`](crate::PersonalData) finds.
        ///
        /// `Display` and [`FromStr`] use the name, as in `phone` or `resident-id`.
        ///
        /// ```
        /// use palisade_sanitize::PersonalDataKind;
        ///
        /// let kind: PersonalDataKind = "resident-id".parse()?;
        /// assert_eq!(kind, PersonalDataKind::ResidentId);
        /// assert!("shoe-size".parse::<PersonalDataKind>().is_err());
        /// # Ok::<(), palisade_sanitize::UnknownPersonalDataKind>(())
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum PersonalDataKind {
            $($(#[$doc])* $variant,)+
            /// Found by a recognizer of
            /// [`PersonalDataBuilder::recognizer`](crate::PersonalDataBuilder::recognizer).
            Custom,
        }

        impl PersonalDataKind {
            /// All kinds with a recognizer in this crate.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the name, such as `phone`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Custom => "custom",
                }
            }

            /// Returns the word of labels and placeholders, such as `PHONE`.
            pub(crate) const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                    Self::Custom => "DATA",
                }
            }
        }
    };
}

kinds! {
    /// Number of a payment card: prefix and length of an issuer, check digit (ISO/IEC 7812).
    Card => "card", "CARD";
    /// Unified social credit code of an organization in mainland China (GB 32100).
    CreditCode => "credit-code", "CREDIT_CODE";
    /// E-mail address, also with letters outside ASCII (RFC 6531).
    Email => "email", "EMAIL";
    /// Mainland travel permit of residents of Hong Kong and Macau: `H` or `M` and 8 or 10 digits.
    HomeReturnPermit => "home-return-permit", "PERMIT";
    /// Identity card number of Hong Kong, with its check digit.
    HongKongId => "hong-kong-id", "HONG_KONG_ID";
    /// International bank account number (ISO 13616), with its check digits.
    Iban => "iban", "IBAN";
    /// Address of the Internet Protocol, version 4.
    Ipv4 => "ipv4", "IP";
    /// Address of the Internet Protocol, version 6.
    Ipv6 => "ipv6", "IP";
    /// Landline number of mainland China, with its area code.
    Landline => "landline", "PHONE";
    /// National Insurance number of the United Kingdom.
    Nino => "nino", "NINO";
    /// Passport number. Without a word such as "passport" nearby it is not reported.
    Passport => "passport", "PASSPORT";
    /// Mobile phone number of mainland China.
    Phone => "phone", "PHONE";
    /// Licence plate of mainland China.
    Plate => "plate", "PLATE";
    /// Resident identity number of mainland China (GB 11643): region, date of birth, check digit.
    ResidentId => "resident-id", "RESIDENT_ID";
    /// Private key, token or API key: PEM, JWT, and the prefixes of common services.
    Secret => "secret", "SECRET";
    /// Social Security number of the United States.
    Ssn => "ssn", "SSN";
    /// Mainland travel permit of residents of Taiwan: 8 digits beside such a word.
    TaiwanPermit => "taiwan-permit", "PERMIT";
}

impl fmt::Display for PersonalDataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no [`PersonalDataKind`].
///
/// # Examples
///
/// ```
/// use palisade_sanitize::PersonalDataKind;
///
/// let error = "shoe_size".parse::<PersonalDataKind>().unwrap_err();
/// assert!(error.to_string().starts_with("unknown kind of personal data; use one of "));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnknownPersonalDataKind;

impl fmt::Display for UnknownPersonalDataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown kind of personal data; use one of ")?;
        let names: Vec<_> = PersonalDataKind::ALL
            .iter()
            .map(|kind| kind.name())
            .collect();
        f.write_str(&names.join(", "))
    }
}

impl std::error::Error for UnknownPersonalDataKind {}

impl FromStr for PersonalDataKind {
    type Err = UnknownPersonalDataKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.name() == name)
            .ok_or(UnknownPersonalDataKind)
    }
}
