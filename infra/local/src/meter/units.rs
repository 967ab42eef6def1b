//! AWS's published rules for item sizes and request units, applied by ourselves: what the emulated
//! database reports is compared with this, and calls it reports nothing for are billed from this.

use serde_json::{Map, Value};

/// Bytes of a write unit.
const WRITE_UNIT: usize = 1024;
/// Bytes of a strongly consistent read unit.
const READ_UNIT: usize = 4096;

/// The size of an item in bytes: the UTF-8 length of every attribute's name and the size of its value.
/// `item` is in DynamoDB JSON (`{"pk": {"S": "…"}}`).
pub fn item_size(item: &Map<String, Value>) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// The size of one attribute value in DynamoDB JSON.
pub fn value_size(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|object| object.iter().next()) else {
        return 0;
    };
    let text = |value: &Value| value.as_str().map_or(0, str::len);
    let members = |size: fn(&Value) -> usize| -> usize { value.as_array().into_iter().flatten().map(size).sum() };
    match kind.as_str() {
        "S" => text(value),
        "N" => number(value),
        "B" => binary(value),
        "BOOL" | "NULL" => 1,
        "SS" => members(|member| member.as_str().map_or(0, str::len)),
        "NS" => members(number),
        "BS" => members(binary),
        // Three bytes for the container and one for each element.
        "L" => 3 + members(|member| 1 + value_size(member)),
        "M" => {
            let entries = value.as_object().into_iter().flatten();
            3 + entries.map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>()
        }
        _ => 0,
    }
}

fn binary(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default();
    let padding = text.bytes().rev().take_while(|&byte| byte == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}

/// A byte for every two significant digits on either side of the decimal point, one more, and one for a minus sign.
/// Leading and trailing zeros are trimmed first.
fn number(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default().trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.trim_start_matches('+')),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().unwrap_or(0)),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: String = format!("{whole}{fraction}");
    let leading = all.len() - all.trim_start_matches('0').len();
    let significant = all.trim_matches('0');
    // How many of the significant digits stand before the decimal point.
    let before = whole.len() as i64 - leading as i64 + exponent;
    let before = before.clamp(0, significant.len() as i64) as usize;
    let after = significant.len() - before;
    let sign = usize::from(negative && !significant.is_empty());
    before.div_ceil(2) + after.div_ceil(2) + 1 + sign
}

/// Write units of an item of `bytes`: each started kilobyte, at least one.
pub fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(WRITE_UNIT).max(1) as f64
}

/// Read units for `bytes`: each started 4 KB, at least one; half of it when eventually consistent.
pub fn read_units(bytes: usize, strong: bool) -> f64 {
    let units = bytes.div_ceil(READ_UNIT).max(1) as f64;
    if strong { units } else { units / 2.0 }
}

/// A write whose condition failed is billed on the larger of the item that stands and the one that was to replace it.
pub fn failed_write_units(existing: Option<usize>, wanted: Option<usize>) -> f64 {
    write_units(existing.unwrap_or(0).max(wanted.unwrap_or(0)))
}

/// What a transaction multiplies units by: it prepares, then commits.
pub const TRANSACTION: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn size(item: &Value) -> usize {
        item_size(item.as_object().unwrap())
    }

    const KB: usize = 1024;

    /// "If your item size is 2 KB …", from the page on read and write operations and its examples.
    #[test]
    fn documented_examples_of_units() {
        assert_eq!(read_units(3 * KB + KB / 2, true), 1.0, "GetItem of 3.5 KB counts 4 KB");
        assert_eq!(read_units(10 * KB, true), 3.0, "GetItem of 10 KB counts 12 KB");
        assert_eq!(read_units(8 * KB, true), 2.0);
        assert_eq!(read_units(8 * KB, false), 1.0);
        assert_eq!(TRANSACTION * read_units(8 * KB, true), 4.0);
        let batch = read_units(KB + KB / 2, true) + read_units(6 * KB + KB / 2, true);
        assert_eq!(batch, 3.0, "BatchGetItem of 1.5 KB and 6.5 KB counts 4 + 8 KB");
        let query = (40.8 * KB as f64) as usize;
        assert_eq!(read_units(query, true), 11.0, "Query of 40.8 KB in all counts 44 KB");
        assert_eq!(read_units(1_500 * 64, true), 24.0, "1,500 items of 64 bytes are 96 KB");
        assert_eq!(write_units(500), 1.0, "PutItem of 500 bytes counts 1 KB");
        assert_eq!(write_units(KB + KB / 2), 2.0);
        let batch = write_units(500) + write_units(3 * KB + KB / 2);
        assert_eq!(batch, 5.0, "BatchWriteItem of 500 bytes and 3.5 KB counts 1 + 4 KB");
        assert_eq!(TRANSACTION * write_units(2 * KB), 4.0);
        assert_eq!(read_units(0, false), 0.5, "a read that finds nothing");
    }

    #[test]
    fn a_failed_condition_is_billed_on_the_larger_item() {
        assert_eq!(failed_write_units(None, None), 1.0);
        assert_eq!(failed_write_units(Some(300 * KB), Some(310 * KB)), 310.0);
        assert_eq!(failed_write_units(Some(3 * KB), None), 3.0);
    }

    #[test]
    fn sizes_of_values() {
        for (value, bytes) in [
            (json!({"S": "abc"}), 3),
            (json!({"S": "é"}), 2),
            (json!({"BOOL": true}), 1),
            (json!({"NULL": true}), 1),
            (json!({"B": "AQIDBA=="}), 4),
            (json!({"B": "AQID"}), 3),
            (json!({"SS": ["a", "bc"]}), 3),
            (json!({"L": []}), 3),
            (json!({"M": {}}), 3),
            (json!({"L": [{"S": "ab"}, {"BOOL": true}]}), 3 + 3 + 2),
            (json!({"M": {"k": {"S": "ab"}}}), 3 + 1 + 1 + 2),
            (json!({"N": "0"}), 1),
            (json!({"N": "42"}), 2),
            (json!({"N": "-42"}), 3),
            (json!({"N": "12345"}), 4),
            (json!({"N": "100"}), 2),
            (json!({"N": "1.5"}), 3),
            (json!({"N": "0.001"}), 2),
            (json!({"N": "1e3"}), 2),
            (json!({"N": "12345678901234567890123456789012345678"}), 20),
            (json!({"NS": ["1", "2"]}), 4),
        ] {
            assert_eq!(value_size(&value), bytes, "{value}");
        }
        assert_eq!(size(&json!({"pk": {"S": "W#1"}, "n": {"N": "7"}})), 2 + 3 + 1 + 2);
    }
}
