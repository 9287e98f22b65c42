//! The parser of keys: it takes exactly what a key looks like, and no key with one byte changed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade_api_key::{KeyFormat, KeyScheme, Pepper};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fuzz_target!(|text: &[u8]| {
    let prefix: Vec<u8> = text
        .iter()
        .copied()
        .take_while(|byte| *byte != b'_')
        .collect();
    let prefix = String::from_utf8_lossy(&prefix);
    // Another prefix now and then, if it is one.
    let format = KeyFormat::with_prefix(&prefix).unwrap_or_default();
    check(&format, text);
    check(&format, &with_checksum(text));
});

fn check(format: &KeyFormat, text: &[u8]) {
    let pepper = Pepper::from_bytes(b"0123456789abcdef0123456789abcdef").expect("32 bytes are enough");
    let presented = KeyScheme::with_format(format.clone(), pepper).present(text);
    let Ok(parsed) = format.parse(text) else {
        assert!(presented.is_err());
        return;
    };
    let start = format!(
        "{}_{}_{}_",
        format.prefix(),
        parsed.environment(),
        parsed.id().as_str()
    );
    assert!(format.claims(text) && text.starts_with(start.as_bytes()));
    assert_eq!(text.len(), format.key_length());
    let presented = presented.expect("it parses");
    assert_eq!(
        (presented.environment(), presented.id()),
        (Some(parsed.environment()), parsed.id())
    );
    for place in 0..text.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut changed = text.to_vec();
            changed[place] ^= bit;
            assert!(format.parse(&changed).is_err(), "byte {place}");
        }
    }
}

/// Appends the checksum as the format's description has it, so that it need not be guessed.
fn with_checksum(text: &[u8]) -> Vec<u8> {
    let mut number = crc32fast::hash(text);
    let mut digits = [b'0'; 6];
    for place in digits.iter_mut().rev() {
        *place = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    [text, b"_", &digits].concat()
}
