//! Who operates the service: without it, no legal page is served (A1).

/// The operator's identity, as the legal pages state it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Registered name and legal form.
    pub name: String,
    /// SIREN, nine digits.
    pub siren: String,
    /// Postal address of the registered office.
    pub address: String,
    /// General contact: an address, a telephone number, or both.
    pub contact: String,
    /// E-mail address for questions of data protection (A2).
    pub privacy_contact: String,
    /// E-mail address for reports of abuse (A71).
    pub abuse_contact: String,
    /// Name, address and telephone number of the host.
    pub host: String,
}

/// What is missing from the operator's configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operator is not identified (GDPR art. 13, LCEN): {}", .0.join("; "))]
pub struct OperatorIncomplete(pub Vec<String>);

/// Texts that stand for a value nobody has given.
const PLACEHOLDERS: [&str; 8] =
    ["à compléter", "à configurer", "to be completed", "changeme", "change me", "xxx", "tbd", "n/a"];

impl Operator {
    /// Reads the operator from `OPERATOR_*`, as `value` finds them.
    ///
    /// # Errors
    /// [`OperatorIncomplete`] names every variable that is blank, a placeholder, or not of its form.
    pub fn from_env(value: impl Fn(&str) -> Option<String>) -> Result<Self, OperatorIncomplete> {
        let mut wrong = Vec::new();
        let mut read = |name: &str, refuse: fn(&str) -> Option<&'static str>| {
            let text = value(name).unwrap_or_default().trim().to_owned();
            let problem = if is_blank(&text) { Some("is blank") } else { refuse(&text) };
            if let Some(problem) = problem {
                wrong.push(format!("{name} {problem}"));
            }
            text
        };
        let operator = Self {
            name: read("OPERATOR_NAME", anything),
            siren: read("OPERATOR_SIREN", siren),
            address: read("OPERATOR_ADDRESS", anything),
            contact: read("OPERATOR_CONTACT", anything),
            privacy_contact: read("OPERATOR_PRIVACY_CONTACT", mailbox),
            abuse_contact: read("OPERATOR_ABUSE_CONTACT", mailbox),
            host: read("OPERATOR_HOST", anything),
        };
        if wrong.is_empty() { Ok(operator) } else { Err(OperatorIncomplete(wrong)) }
    }
}

fn is_blank(text: &str) -> bool {
    let text = text.to_lowercase();
    !text.chars().any(char::is_alphanumeric) || PLACEHOLDERS.iter().any(|p| text.contains(p))
}

fn anything(_: &str) -> Option<&'static str> {
    None
}

fn siren(text: &str) -> Option<&'static str> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let others = text.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace()).count();
    (digits != 9 || others != 0).then_some("is not nine digits")
}

fn mailbox(text: &str) -> Option<&'static str> {
    domain::email::EmailAddress::parse(text).err().map(|_| "is not an e-mail address")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(name: &str) -> Option<String> {
        let value = match name {
            "OPERATOR_NAME" => "Exemple SAS",
            "OPERATOR_SIREN" => "732 829 320",
            "OPERATOR_ADDRESS" => "1 rue de l'Exemple\n75000 Paris",
            "OPERATOR_CONTACT" => "contact@operator.example",
            "OPERATOR_PRIVACY_CONTACT" => "privacy@operator.example",
            "OPERATOR_ABUSE_CONTACT" => "abuse@operator.example",
            "OPERATOR_HOST" => "Hôte SARL, 2 avenue de l'Exemple, Luxembourg",
            _ => return None,
        };
        Some(value.to_owned())
    }

    const NAMES: [&str; 7] = [
        "OPERATOR_NAME",
        "OPERATOR_SIREN",
        "OPERATOR_ADDRESS",
        "OPERATOR_CONTACT",
        "OPERATOR_PRIVACY_CONTACT",
        "OPERATOR_ABUSE_CONTACT",
        "OPERATOR_HOST",
    ];

    #[test]
    fn a1_an_operator_with_anything_blank_is_refused_by_name() {
        assert!(Operator::from_env(configured).is_ok());
        for missing in NAMES {
            for value in
                [None, Some(""), Some("  "), Some("—"), Some("à compléter"), Some("(à configurer par l'opérateur)")]
            {
                let error =
                    Operator::from_env(
                        |name| {
                            if name == missing { value.map(str::to_owned) } else { configured(name) }
                        },
                    )
                    .unwrap_err();
                assert_eq!(error.0, [format!("{missing} is blank")], "{value:?}");
            }
        }
        assert_eq!(Operator::from_env(|_| None).unwrap_err().0.len(), NAMES.len());
    }

    #[test]
    fn a1_a_siren_is_nine_digits() {
        for bad in ["12345678", "1234567890", "ABC456789", "732.829.320"] {
            let error =
                Operator::from_env(
                    |name| {
                        if name == "OPERATOR_SIREN" { Some(bad.to_owned()) } else { configured(name) }
                    },
                );
            assert_eq!(error.unwrap_err().0, ["OPERATOR_SIREN is not nine digits"], "{bad}");
        }
    }

    #[test]
    fn a2_the_contact_points_are_mailboxes() {
        for name in ["OPERATOR_PRIVACY_CONTACT", "OPERATOR_ABUSE_CONTACT"] {
            let error = Operator::from_env(|n| if n == name { Some("call us".to_owned()) } else { configured(n) });
            assert_eq!(error.unwrap_err().0, [format!("{name} is not an e-mail address")]);
        }
    }
}
