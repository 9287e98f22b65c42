//! Writes names of certificates as strings (RFC 4514), so that one name has one string.
//!
//! The library's own form does not escape: a `CN` that contains `,OU=admin` would look like two
//! attributes.

use std::fmt::Write as _;

use x509_parser::{
    der_parser::asn1_rs::ToDer as _,
    x509::{AttributeTypeAndValue, X509Name},
};

/// The short names of RFC 4514, section 3, and `emailAddress`, which RFC 5280 still lists.
const SHORT_NAMES: [(&str, &str); 10] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// Writes a name: the last relative name first (RFC 4514, section 2.1).
pub(super) fn write(name: &X509Name<'_>) -> String {
    let mut relative: Vec<String> = name
        .iter_rdn()
        .map(|attributes| {
            let each: Vec<String> = attributes.iter().map(attribute).collect();
            each.join("+")
        })
        .collect();
    relative.reverse();
    relative.join(",")
}

/// Writes type and value. A value that is no UTF-8 text is written as `#` and the hexadecimal digits
/// of its encoding (section 2.4), which no text can be confused with.
fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let identifier = attribute.attr_type().to_id_string();
    let short = SHORT_NAMES.iter().find(|(known, _)| *known == identifier);
    let name = short.map_or(identifier.as_str(), |(_, short)| short);
    match attribute.as_str() {
        Ok(text) => format!("{name}={}", escape(text)),
        Err(_) => {
            let encoded = attribute.attr_value().to_der_vec().unwrap_or_default();
            let digits = palisade_internal::hex::encode(&encoded);
            format!("{name}=#{digits}")
        }
    }
}

/// Escapes the characters with a meaning (section 2.4), and all that would break a line of a log.
fn escape(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (place, letter) in text.chars().enumerate() {
        match letter {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            '#' if place == 0 => escaped.push_str("\\#"),
            ' ' if place == 0 || place == last => escaped.push_str("\\ "),
            letter if letter.is_control() => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(escaped, "\\{byte:02X}");
                }
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, string::BmpString,
    };

    use super::*;

    fn check<T: Clone + Into<DnValue>>(parts: &[(DnType, T)], expected: &str) {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(made.der()).unwrap();
        assert_eq!(write(parsed.subject()), expected);
    }

    #[test]
    fn the_last_attribute_is_first_and_a_value_cannot_become_an_attribute() {
        let (name, unit) = (DnType::CommonName, DnType::OrganizationalUnitName);
        check(
            &[(unit.clone(), "billing"), (name.clone(), "worker 1")],
            "CN=worker 1,OU=billing",
        );
        check(&[(name.clone(), "a,OU=admin")], "CN=a\\,OU=admin");
        check(&[(name.clone(), " # ")], "CN=\\ #\\ ");
        check(&[(name.clone(), "#1")], "CN=\\#1");
        check(&[(name.clone(), "a\nb\0")], "CN=a\\0Ab\\00");
        check(&[(name, "日本")], "CN=日本");
        check(&[(DnType::CustomDnType(vec![1, 2, 3]), "x")], "1.2.3=x");
        check::<&str>(&[], "");
        let wide = BmpString::try_from("a").unwrap();
        check(
            &[(DnType::CommonName, DnValue::BmpString(wide))],
            "CN=#1e020061",
        );
    }
}
