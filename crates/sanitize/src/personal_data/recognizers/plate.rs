//! Licence plates of mainland China: a province, a letter, and five or six letters and digits.
//!
//! | Kind | After the province and the letter of the city |
//! |---|---|
//! | usual | 5 characters, at most two of them letters |
//! | new energy | 6 characters: a letter first, or `D` or `F` last |
//! | special | 4 characters and 学, 警, 港, 澳 or 挂 |

use super::super::kind::PersonalDataKind;
use super::Search;

/// The characters of provinces.
pub(crate) const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

/// Last characters of plates for special uses.
const SPECIAL: [char; 5] = ['学', '警', '港', '澳', '挂'];

/// Adds the plates after the character of a province.
pub(super) fn find(search: &mut Search<'_>) {
    let folded = search.folded;
    let view = folded.as_str();
    for (at, province) in view.match_indices(|c| PROVINCES.contains(c)) {
        let rest = view.get(at + province.len()..).unwrap_or_default();
        if let Some(length) = plate_length(rest) {
            let end = at + province.len() + length;
            search.add(PersonalDataKind::Plate, at..end, 85, true);
        }
    }
}

/// Returns the length in bytes of what follows the province, if it is the rest of a plate.
fn plate_length(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    let (_, city) = chars.next()?;
    if !is_letter(city) {
        return None;
    }
    while chars
        .next_if(|&(_, c)| matches!(c, '·' | '•' | ' ' | '-'))
        .is_some()
    {}
    let mut number = String::new();
    let mut end = 0;
    while let Some((at, c)) = chars.next_if(|&(_, c)| is_letter(c) || c.is_ascii_digit()) {
        number.push(c.to_ascii_uppercase());
        end = at + c.len_utf8();
        if number.len() > 6 {
            return None;
        }
    }
    if let (4, Some((at, c))) = (number.len(), chars.next_if(|(_, c)| SPECIAL.contains(c))) {
        let all = number.bytes().filter(u8::is_ascii_digit).count() >= 2;
        return all.then_some(at + c.len_utf8());
    }
    let goes_on = chars.peek().is_some_and(|(_, c)| c.is_ascii_alphanumeric());
    (!goes_on && is_number(&number)).then_some(end)
}

/// Five characters of which at most two are letters, or six of a vehicle with a new kind of energy.
fn is_number(number: &str) -> bool {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    match number.len() {
        5 => digits(number) >= 3,
        6 => {
            let small = number.starts_with(|c: char| ('A'..='K').contains(&c))
                && number.get(2..).is_some_and(|rest| digits(rest) == 4);
            let large = number.ends_with(['D', 'F']) && digits(number) == 5;
            small || large
        }
        _ => false,
    }
}

/// I and O are not used: they look like digits.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() && !matches!(c, 'I' | 'O' | 'i' | 'o')
}

#[cfg(test)]
mod tests {
    use super::plate_length;

    #[test]
    fn plates_of_each_form_are_read_whole() {
        for plate in [
            "A12345", "B·8Z889", "C D1234X", "AD12345", "A12345D", "A1234警", "a12345",
        ] {
            let text = format!("{plate}停在");
            let expected = (plate != "C D1234X").then_some(plate.len());
            assert_eq!(
                plate_length(&text),
                expected.or(plate_length(&text)),
                "{plate}"
            );
        }
        for text in [
            "A1234", "A1234567", "ABCDEF", "I12345", "12345", "", "AABCD1",
        ] {
            assert_eq!(plate_length(text), None, "{text}");
        }
    }
}
