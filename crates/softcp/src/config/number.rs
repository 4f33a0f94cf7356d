//! Numbers of 64 bits, of which TOML can write only those below 2^63.

use serde::{Deserialize, Serialize};

/// A 64-bit number in a configuration: a TOML integer, which ends at 63 bits, or a text, decimal or hexadecimal behind
/// `0x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "IntegerOrText", into = "String")]
pub struct Number(pub u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum IntegerOrText {
    Integer(u64),
    Text(String),
}

impl TryFrom<IntegerOrText> for Number {
    type Error = String;

    fn try_from(number: IntegerOrText) -> Result<Self, String> {
        let text = match number {
            IntegerOrText::Integer(number) => return Ok(Self(number)),
            IntegerOrText::Text(text) => text,
        };
        let parsed = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        parsed.map(Self).map_err(|_| format!("{text:?} is no number of 64 bits, decimal or hexadecimal behind 0x"))
    }
}

impl From<Number> for String {
    fn from(Number(number): Number) -> Self {
        format!("0x{number:X}")
    }
}

impl From<Number> for u64 {
    fn from(Number(number): Number) -> Self {
        number
    }
}

/// A number that is a plain integer where TOML has it, for `#[serde(with)]`.
pub(super) mod plain {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Number;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    pub(in crate::config) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(*number) {
            Ok(number) => number.serialize(serializer),
            Err(_) => Number(*number).serialize(serializer),
        }
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        Number::deserialize(deserializer).map(u64::from)
    }
}

/// A list of such numbers, for `#[serde(with)]`. Inline options need no quotes: a list that TOML cannot read comes as text.
pub(super) mod list {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{IntegerOrText, Number};

    #[derive(Serialize)]
    struct Plain(#[serde(with = "super::plain")] u64);

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum ListOrText {
        List(Vec<IntegerOrText>),
        Text(String),
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    pub(in crate::config) fn serialize<S: Serializer>(numbers: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(numbers.iter().map(|&number| Plain(number)))
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        let numbers = match ListOrText::deserialize(deserializer)? {
            ListOrText::List(numbers) => numbers,
            ListOrText::Text(text) => {
                let items = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
                let items = items.ok_or_else(|| D::Error::custom(format!("{text:?} is no list of numbers")))?;
                let items = items.split(',').map(|item| item.trim().trim_matches('"'));
                items.filter(|item| !item.is_empty()).map(|item| IntegerOrText::Text(item.to_owned())).collect()
            }
        };
        let numbers = numbers.into_iter().map(|number| Number::try_from(number).map(u64::from));
        numbers.collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}
