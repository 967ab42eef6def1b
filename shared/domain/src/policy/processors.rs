//! Who else handles personal data: infra/policy/processors.toml, loaded and checked.

use std::sync::LazyLock;

use serde::Deserialize;

use super::register::Bilingual;

static CURRENT: LazyLock<Vec<Processor>> = LazyLock::new(|| {
    load(include_str!("../../../../infra/policy/processors.toml")).expect("a test loads the compiled-in register")
});

/// Who chose a processor, and so whose contract it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    /// The operator: a sub-processor.
    Operator,
    /// The Sender: its own provider (A27).
    Sender,
}

/// Where the data is handled, as far as article 44 GDPR asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the European Economic Area.
    Eea,
    /// Outside it: a transfer.
    OutsideEea,
    /// Depends on what the Sender chose.
    Depends,
}

/// Whether the provider trains models on what it is given: one that does has no value here (A26).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retraining {
    /// Excluded by contract.
    Never,
    /// Not a provider of ours.
    NotApplicable,
}

/// One line of the sub-processors page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Processor {
    /// Legal name and seat.
    pub name: Bilingual,
    /// The services used.
    pub service: String,
    /// What it does for us.
    pub purpose: Bilingual,
    /// Which data reaches it.
    pub data: Bilingual,
    /// Whose choice it is.
    pub chosen_by: ChosenBy,
    /// Where the data is handled.
    pub country: Bilingual,
    /// Inside or outside the European Economic Area.
    pub place: Place,
    /// The cloud region it runs in, where it is one.
    #[serde(default)]
    pub region: Option<String>,
    /// Where it is reached: names of hosts, the first label of which may be `*`. Of a Sender's own provider none: that
    /// is what the Sender entered.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What protects the data there.
    pub safeguard: Bilingual,
    /// What it may learn from the data.
    pub retraining: Retraining,
}

/// Why a register of processors is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProcessorsError {
    /// Not TOML, an unknown word, or a field left out.
    #[error("processors file: {0}")]
    Syntax(String),
    /// A field that says nothing (A22).
    #[error("processors file: `{name}` has no {what} in both languages")]
    Blank {
        /// The processor.
        name: String,
        /// What is empty.
        what: &'static str,
    },
    /// The operator's own processor must be in a place we know.
    #[error("processors file: `{0}` is the operator's choice, so its place cannot depend on the Sender")]
    PlaceUnknown(String),
    /// Nothing could be sent to the operator's own processor (A20), or to more than a Sender's own provider.
    #[error("processors file: `{0}` needs hosts if the operator chose it, and none if the Sender did")]
    Hosts(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    processor: Vec<Processor>,
}

/// The register compiled into the binary.
#[must_use]
pub fn current() -> &'static [Processor] {
    &CURRENT
}

/// Whether a host in `region` is on the register: in any other, the published page would name a
/// place where the data is not.
#[must_use]
pub fn hosted_in(processors: &[Processor], region: &str) -> bool {
    processors.iter().any(|p| p.chosen_by == ChosenBy::Operator && p.region.as_deref() == Some(region))
}

/// Whether the service may send anything to a host of its own accord (A20): only if a processor is reached there.
#[must_use]
pub fn may_reach(processors: &[Processor], host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is = |known: &String| match known.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(first, others)| !first.is_empty() && others == rest),
        None => host == *known,
    };
    processors.iter().flat_map(|processor| &processor.hosts).any(is)
}

/// Reads and checks a register.
///
/// # Errors
/// [`ProcessorsError`] for a processor without name, purpose, data, country or safeguard, in either
/// language, and for one of the operator's without hosts.
pub fn load(text: &str) -> Result<Vec<Processor>, ProcessorsError> {
    let file: File = toml::from_str(text).map_err(|e| ProcessorsError::Syntax(e.to_string()))?;
    for processor in &file.processor {
        check(processor)?;
    }
    Ok(file.processor)
}

fn check(processor: &Processor) -> Result<(), ProcessorsError> {
    let name = processor.name.en.clone();
    let blanks = [
        ("name", processor.name.is_blank()),
        ("service", processor.service.trim().is_empty()),
        ("purpose", processor.purpose.is_blank()),
        ("data", processor.data.is_blank()),
        ("country", processor.country.is_blank()),
        ("safeguard", processor.safeguard.is_blank()),
    ];
    if let Some((what, _)) = blanks.into_iter().find(|(_, blank)| *blank) {
        return Err(ProcessorsError::Blank { name, what });
    }
    if processor.chosen_by == ChosenBy::Operator && processor.place == Place::Depends {
        return Err(ProcessorsError::PlaceUnknown(name));
    }
    let wide = |host: &String| host.trim_start_matches("*.").split('.').filter(|label| !label.is_empty()).count() < 3;
    let needed = processor.chosen_by == ChosenBy::Operator;
    if processor.hosts.is_empty() == needed || processor.hosts.iter().any(|host| wide(host) || host != host.trim()) {
        return Err(ProcessorsError::Hosts(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[processor]]
        name = { fr = "Hébergeur", en = "Host" }
        service = "servers"
        purpose = { fr = "Héberger", en = "Hosting" }
        data = { fr = "Tout", en = "Everything" }
        chosen_by = "operator"
        country = { fr = "Irlande", en = "Ireland" }
        place = "eea"
        hosts = ["store.host.example.com"]
        safeguard = { fr = "Contrat", en = "Contract" }
        retraining = "never"
    "#;

    #[test]
    fn a23_the_compiled_in_register_is_complete() {
        let processors = load(include_str!("../../../../infra/policy/processors.toml")).unwrap();
        assert!(!processors.is_empty());
        assert_eq!(processors.len(), current().len());
    }

    #[test]
    fn a22_a_processor_without_purpose_country_or_safeguard_is_refused() {
        assert_eq!(load(GOOD).unwrap().len(), 1);
        for (field, what) in [
            (r#"purpose = { fr = "Héberger", en = "Hosting" }"#, "purpose"),
            (r#"country = { fr = "Irlande", en = "Ireland" }"#, "country"),
            (r#"safeguard = { fr = "Contrat", en = "Contract" }"#, "safeguard"),
        ] {
            let left_out = GOOD.replace(field, "");
            assert!(matches!(load(&left_out), Err(ProcessorsError::Syntax(m)) if m.contains(what)));
            let key = field.split(' ').next().unwrap();
            let blank = GOOD.replace(field, &format!(r#"{key} = {{ fr = "x", en = " " }}"#));
            assert_eq!(load(&blank).unwrap_err(), ProcessorsError::Blank { name: "Host".to_owned(), what });
        }
    }

    #[test]
    fn a23_a_host_in_another_region_is_not_on_the_register() {
        assert!(hosted_in(current(), "eu-west-3"));
        for elsewhere in ["eu-central-1", "us-east-1", ""] {
            assert!(!hosted_in(current(), elsewhere), "{elsewhere}");
        }
        for processor in current() {
            let Some(region) = &processor.region else {
                continue;
            };
            assert!(processor.country.fr.contains(region.as_str()));
            assert!(processor.country.en.contains(region.as_str()));
            assert!(processor.service.contains(region.as_str()));
        }
    }

    #[test]
    fn a20_a_processor_is_entered_with_its_hosts_and_no_wider() {
        let host = r#""store.host.example.com""#;
        for wrong in ["", r#""*.com""#, r#""*""#, r#""example.com""#, r#"" store.host.example.com""#] {
            let refused = load(&GOOD.replace(host, wrong)).unwrap_err();
            assert_eq!(refused, ProcessorsError::Hosts("Host".to_owned()), "{wrong}");
        }
        let theirs = load(&GOOD.replace(r#""operator""#, r#""sender""#)).unwrap_err();
        assert_eq!(theirs, ProcessorsError::Hosts("Host".to_owned()), "a Sender's host is not ours to name");
        let any = load(&GOOD.replace(host, r#""*.host.example.com""#)).unwrap();
        assert!(may_reach(&any, "A.host.example.com"));
        for stranger in ["host.example.com", ".host.example.com", "a.b.host.example.com", "a.host.example.com.test"] {
            assert!(!may_reach(&any, stranger), "{stranger}");
        }
    }

    #[test]
    fn a26_a_processor_that_may_retrain_cannot_be_listed() {
        let trains = GOOD.replace(r#""never""#, r#""allowed""#);
        assert!(matches!(load(&trains), Err(ProcessorsError::Syntax(_))));
        let silent = GOOD.replace(r#"retraining = "never""#, "");
        assert!(matches!(load(&silent), Err(ProcessorsError::Syntax(_))));
    }

    #[test]
    fn a27_only_the_senders_own_provider_may_be_anywhere() {
        let vague = GOOD.replace(r#""eea""#, r#""depends""#);
        assert!(matches!(load(&vague), Err(ProcessorsError::PlaceUnknown(_))));
        let theirs = vague.replace(r#""operator""#, r#""sender""#).replace(r#""store.host.example.com""#, "");
        assert_eq!(load(&theirs).unwrap().len(), 1);
        assert!(current().iter().any(|p| p.chosen_by == ChosenBy::Sender));
    }
}
