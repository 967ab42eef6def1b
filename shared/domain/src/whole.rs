//! Whole numbers as somebody writes them.
//!
//! A type that cannot hold a number would refuse it in the type's words: 0 to 65535, where a gap is 3,600 seconds at most.
//! Such a number becomes the type's own bound instead, which is out of the real ones, for whoever knows those to say.

use serde::{Deserialize, Deserializer};

/// An unsigned type whose own bounds, zero and the largest, are no values that anybody may choose.
pub(crate) trait Whole: TryFrom<i64> {
    /// The largest.
    const LARGEST: Self;
}

impl Whole for u8 {
    const LARGEST: Self = Self::MAX;
}

impl Whole for u16 {
    const LARGEST: Self = Self::MAX;
}

impl Whole for u32 {
    const LARGEST: Self = Self::MAX;
}

/// The number, or the nearest that the type has.
///
/// # Errors
/// It is no whole number.
pub(crate) fn nearest<'de, T: Whole, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    i64::deserialize(deserializer).map(held)
}

/// The same of what may be left out.
///
/// # Errors
/// It is no whole number.
pub(crate) fn nearest_if_any<'de, T: Whole, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<i64>::deserialize(deserializer)?.map(held))
}

fn held<T: Whole>(number: i64) -> T {
    T::try_from(number.max(0)).unwrap_or(T::LARGEST)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_that_does_not_fit_is_the_nearest_that_does() {
        for (written, held) in [(-7_i64, 0_u16), (0, 0), (12, 12), (65_535, 65_535), (70_000, 65_535)] {
            assert_eq!(nearest::<u16, _>(json!(written)).ok(), Some(held), "{written}");
        }
        assert_eq!(nearest::<u32, _>(json!(5_000_000_000_i64)).ok(), Some(u32::MAX));
        assert_eq!(nearest_if_any::<u16, _>(json!(null)).ok(), Some(None));
        for written in [json!("12"), json!(1.5), json!([1])] {
            assert!(nearest::<u16, _>(written.clone()).is_err(), "{written}");
        }
    }
}
