//! Stand-ins: data of the same form that is valid and belongs to no one.
//!
//! | kind | stand-in | why it belongs to no one |
//! |---|---|---|
//! | card | 4111 1111 1111 1111 | a number for tests of payment systems |
//! | credit code | of a region that does not exist | the check character is right |
//! | e-mail | at `example.com` | RFC 2606 |
//! | IPv4, IPv6 | 192.0.2.1, 2001:db8::1 | RFC 5737, RFC 3849 |
//! | Hong Kong identity card | A123456(3) | the specimen |
//! | IBAN | DE89 3704 0044 0532 0130 00 | the example of the registry |
//! | National Insurance number | QQ123456C | the official example |
//! | resident identity | 11010519491231002X | the example of GB 11643 |
//! | mobile phone | 138 0013 8000 | the service line of an operator |
//! | landline | 010-10000000 | no subscriber number begins with 1 |
//! | SSN | 987-65-4320 | kept for advertisements |
//!
//! Numbers of documents whose form has no check digit are zeros.

use super::kind::PersonalDataKind;

/// Returns the stand-in of a kind, without separators where people write them in different ways. `None`:
/// the kind has none, and each character is masked.
pub(super) const fn of_kind(kind: PersonalDataKind) -> Option<&'static str> {
    Some(match kind {
        PersonalDataKind::Card => "4111111111111111",
        PersonalDataKind::CreditCode => "91000000MA0000000N",
        PersonalDataKind::Email => "user@example.com",
        PersonalDataKind::HomeReturnPermit => "H00000000",
        PersonalDataKind::HongKongId => "A1234563",
        PersonalDataKind::Iban => "DE89370400440532013000",
        PersonalDataKind::Ipv4 => "192.0.2.1",
        PersonalDataKind::Ipv6 => "2001:db8::1",
        PersonalDataKind::Landline => "01010000000",
        PersonalDataKind::Nino => "QQ123456C",
        PersonalDataKind::Passport => "E00000000",
        PersonalDataKind::Phone => "13800138000",
        PersonalDataKind::Plate => "京A00000",
        PersonalDataKind::ResidentId => "11010519491231002X",
        PersonalDataKind::Ssn => "987654320",
        PersonalDataKind::TaiwanPermit => "00000000",
        PersonalDataKind::Custom | PersonalDataKind::Secret => return None,
    })
}
