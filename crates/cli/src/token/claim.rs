//! A claim in the arguments of `palisade token mint`.

use std::str::FromStr;

use serde_json::Value;

/// A claim in the form `name=value`. A value that is valid JSON is used as such; any other is a
/// string.
///
/// So `admin=true` is a boolean, `level=7` a number and `plan=gold` a string. To get the string `"7"`,
/// quote it: `level="7"`.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// The name of the claim.
    ///
    /// Everything before the first `=`.
    pub(super) name: String,
    /// The value of the claim.
    ///
    /// Everything after it: JSON if it parses as such, otherwise text.
    pub(super) value: Value,
}

impl FromStr for Claim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.into(),
                value: serde_json::from_str(value).unwrap_or_else(|_| value.into()),
            }),
            _ => Err("write a claim as name=value".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str, value: Value) {
        let claim: Claim = text.parse().unwrap();
        assert_eq!(
            (claim.name.as_str(), claim.value),
            ("name", value),
            "{text}"
        );
    }

    #[test]
    fn values_are_json_or_text() {
        check("name=7", json!(7));
        check("name=\"7\"", json!("7"));
        check("name=lin", json!("lin"));
        check("name=[\"a\",\"b\"]", json!(["a", "b"]));
        check("name=a=b", json!("a=b"));
        check("name=", json!(""));
        assert!("name".parse::<Claim>().is_err());
        assert!("=7".parse::<Claim>().is_err());
    }
}
