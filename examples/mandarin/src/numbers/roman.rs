//! Roman numerals that are numbers.

use super::rule::rules;
use crate::clean::roman_value;

rules! {
    r"(第?)(\s?)([A-Za-z0-9]+)\s?([期级型类度世章卷部篇节届代])?" => |found| {
        let number = found.get(3);
        let value = roman_value(number)?;
        let ordinal = !found.get(1).is_empty();
        let counted = match number {
            "I" => !found.get(4).is_empty() && found.get(4) != "代",
            "V" | "X" => matches!(found.get(4), "期" | "世" | "章" | "卷"),
            // Placeholders and sizes look like numbers: XX, XXX.
            number => number.contains(['I', 'V']),
        };
        (ordinal || counted).then(|| format!("{}{}{value}{}", found.get(1), found.get(2), found.get(4)))
    },
}
