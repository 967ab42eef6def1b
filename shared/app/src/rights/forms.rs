//! The forms that somebody's data is handed over in: for a person, for a machine, for a spreadsheet (A38, A42).

use content::{
    page::Html,
    rights::{self, Row, Whose},
};
use domain::locale::Locale;
use intake::export::Writer;
use serde_json::Value;

use crate::Failure;

/// The forms that data comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// To be read.
    Page,
    /// For a machine.
    Json,
    /// For a spreadsheet.
    Csv,
}

impl Form {
    /// Reads a form's name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Page, Self::Json, Self::Csv].into_iter().find(|form| form.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// Data, handed over.
pub enum Copied {
    /// A page, in the language that was asked for.
    Page(Html, Locale),
    /// A file: its name, its media type, its bytes.
    File(&'static str, &'static str, Vec<u8>),
}

/// Data in one form: `whole` for a machine, `rows` for the others.
pub(super) fn hand_over(
    form: Form,
    locale: Locale,
    whole: &Value,
    rows: &[Row],
    whose: Whose,
) -> Result<Copied, Failure> {
    match form {
        Form::Page => Ok(Copied::Page(rights::data(locale, rows, whose), locale)),
        Form::Json => {
            let text = serde_json::to_vec_pretty(whole).map_err(|error| Failure::internal(error.to_string()))?;
            Ok(Copied::File("data.json", "application/json", text))
        }
        Form::Csv => {
            let mut csv = Writer::new(Vec::new(), &["sender", "field", "value"]).map_err(unwritten)?;
            for Row { sender, field, value } in rows {
                csv.row(&[sender, field, value]).map_err(unwritten)?;
            }
            Ok(Copied::File("data.csv", "text/csv; charset=utf-8", csv.into_inner()))
        }
    }
}

fn unwritten(error: std::io::Error) -> Failure {
    Failure::internal(error.to_string())
}

/// Every value with its path. What is not held is not said.
pub(super) fn flatten(sender: &str, value: &Value, rows: &mut Vec<Row>) {
    flatten_at(sender, "", value, rows);
}

fn flatten_at(sender: &str, path: &str, value: &Value, rows: &mut Vec<Row>) {
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Null => {}
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten_at(sender, &inner(name), value, rows)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| flatten_at(sender, &inner(&(i + 1).to_string()), item, rows));
        }
        Value::String(text) => rows.push(Row { sender: sender.into(), field: path.into(), value: text.clone() }),
        other => rows.push(Row { sender: sender.into(), field: path.into(), value: other.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_has_a_row_with_its_path() {
        let mut rows = Vec::new();
        let value = json!({"record": {"tags": ["a", "b"], "notes": null, "n": 3}, "state": "active"});
        flatten("Exemple", &value, &mut rows);
        let said: Vec<_> = rows.iter().map(|row| (row.field.as_str(), row.value.as_str())).collect();
        assert_eq!(said, [("record.n", "3"), ("record.tags.1", "a"), ("record.tags.2", "b"), ("state", "active")]);
        assert!(rows.iter().all(|row| row.sender == "Exemple"));
    }
}
