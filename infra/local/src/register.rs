//! `register`: the record of processing activities (article 30 GDPR), from the policy file.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;
use content::legal::{
    Operator,
    record::{self, As, COLUMNS},
};
use domain::locale::Locale;
use intake::export::Writer;

use crate::workspace_root;

/// In which form, as whom, in which language.
#[derive(Clone, Debug, clap::Args)]
pub struct Register {
    /// The form.
    #[arg(long, value_enum, default_value_t = Form::Csv)]
    format: Form,
    /// The operator as controller (article 30(1)) or as processor for its Senders (article 30(2)).
    #[arg(long = "as", value_enum, default_value_t = Part::Controller)]
    part: Part,
    /// The language.
    #[arg(long, value_enum, default_value_t = Language::Fr)]
    lang: Language,
    /// Who the operator is: the template's parameters, by default infra/local/parameters.toml.
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Csv,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    Controller,
    Processor,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    Fr,
    En,
}

/// Prints the record: the same for the same files.
///
/// # Errors
/// The parameters cannot be read, or standard output is closed.
pub fn run(register: &Register) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(written(register)?.as_bytes())?;
    Ok(())
}

fn written(register: &Register) -> anyhow::Result<String> {
    let path = register.parameters.clone().unwrap_or_else(|| workspace_root().join("infra/local/parameters.toml"));
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let parameters: BTreeMap<String, String> = toml::from_str(&text).with_context(|| path.display().to_string())?;
    let operator = Operator::from_env(|name| parameters.get(&parameter(name)).cloned())?;
    let locale = match register.lang {
        Language::Fr => Locale::Fr,
        Language::En => Locale::En,
    };
    let part = match register.part {
        Part::Controller => As::Controller,
        Part::Processor => As::Processor,
    };
    let record = record::of(part, locale, &operator);
    match register.format {
        Form::Json => Ok(serde_json::to_string_pretty(&record)? + "\n"),
        Form::Csv => {
            let mut writer = Writer::new(Vec::new(), &COLUMNS)?;
            for activity in &record.activities {
                writer.row(&activity.cells())?;
            }
            Ok(String::from_utf8(writer.into_inner())?)
        }
    }
}

/// `OPERATOR_NAME` as the template's parameter is called: `OperatorName`.
fn parameter(variable: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_owned() + &rest.to_lowercase()
    };
    variable.split('_').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a13_the_record_is_the_same_twice_and_has_a_row_for_each_activity() {
        for part in [Part::Controller, Part::Processor] {
            let ask = |format| Register { format, part, lang: Language::En, parameters: None };
            let (csv, json) = (written(&ask(Form::Csv)).unwrap(), written(&ask(Form::Json)).unwrap());
            assert_eq!(csv, written(&ask(Form::Csv)).unwrap());
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(json["operator"]["name"], "Atelier Fictif SAS");
            assert_eq!(csv.matches("\r\n").count(), json["activities"].as_array().unwrap().len() + 1);
        }
    }
}
