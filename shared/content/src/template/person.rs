//! What a template may know of the person it is rendered for.

use std::collections::BTreeMap;

use minijinja::Value;

/// A variable that a template may use. There are no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variable {
    /// `first_name`
    FirstName,
    /// `last_name`
    LastName,
    /// `full_name`: first and last name, or the one there is.
    FullName,
    /// `company`: where the person works.
    Company,
    /// `job_title`
    JobTitle,
    /// `email`
    Email,
    /// `sender_name`: the person or team that writes.
    SenderName,
    /// `sender_company`: the company that writes.
    SenderCompany,
    /// `country`: as the prospect's record has it.
    Country,
    /// `tags`, separated by commas.
    Tags,
}

impl Variable {
    /// Every variable, in the order they are presented.
    pub const ALL: [Variable; 10] = [
        Variable::FirstName,
        Variable::LastName,
        Variable::FullName,
        Variable::Company,
        Variable::JobTitle,
        Variable::Email,
        Variable::SenderName,
        Variable::SenderCompany,
        Variable::Country,
        Variable::Tags,
    ];

    /// Its name in a template.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Variable::FirstName => "first_name",
            Variable::LastName => "last_name",
            Variable::FullName => "full_name",
            Variable::Company => "company",
            Variable::JobTitle => "job_title",
            Variable::Email => "email",
            Variable::SenderName => "sender_name",
            Variable::SenderCompany => "sender_company",
            Variable::Country => "country",
            Variable::Tags => "tags",
        }
    }

    /// The variable of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Variable> {
        Self::ALL.into_iter().find(|variable| variable.name() == name)
    }

    /// What French speakers try first; only for "write first_name instead".
    pub(crate) const fn french(self) -> &'static str {
        match self {
            Variable::FirstName => "prenom",
            Variable::LastName => "nom",
            Variable::FullName => "nomcomplet",
            Variable::Company => "societe",
            Variable::JobTitle => "fonction",
            Variable::Email => "courriel",
            Variable::SenderName => "expediteur",
            Variable::SenderCompany => "societeexpediteur",
            Variable::Country => "pays",
            Variable::Tags => "etiquettes",
        }
    }

    pub(crate) fn list() -> String {
        Self::ALL.map(Variable::name).join(", ")
    }
}

/// The values of one person. A value that is empty or only spaces counts as missing.
#[derive(Clone, Copy, Default)]
pub struct Person<'a> {
    /// What is chosen by among alternatives: a number of the person's own.
    pub seed: u64,
    /// The prospect's first name.
    pub first_name: Option<&'a str>,
    /// The prospect's last name.
    pub last_name: Option<&'a str>,
    /// Where the prospect works.
    pub company: Option<&'a str>,
    /// What the prospect does there.
    pub job_title: Option<&'a str>,
    /// The prospect's address.
    pub email: Option<&'a str>,
    /// The prospect's country, as recorded.
    pub country: Option<&'a str>,
    /// The prospect's tags.
    pub tags: &'a [String],
    /// The person or team that writes.
    pub sender_name: Option<&'a str>,
    /// The company that writes.
    pub sender_company: Option<&'a str>,
}

impl std::fmt::Debug for Person<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(…)")
    }
}

impl Person<'_> {
    /// The trimmed value of a variable, if this person has one.
    #[must_use]
    pub fn value(&self, variable: Variable) -> Option<String> {
        let text = match variable {
            Variable::FirstName => self.first_name.map(str::to_owned),
            Variable::LastName => self.last_name.map(str::to_owned),
            Variable::FullName => {
                let names = [self.first_name, self.last_name].into_iter().flatten().map(str::trim);
                Some(names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" "))
            }
            Variable::Company => self.company.map(str::to_owned),
            Variable::JobTitle => self.job_title.map(str::to_owned),
            Variable::Email => self.email.map(str::to_owned),
            Variable::SenderName => self.sender_name.map(str::to_owned),
            Variable::SenderCompany => self.sender_company.map(str::to_owned),
            Variable::Country => self.country.map(str::to_owned),
            Variable::Tags => Some(self.tags.join(", ")),
        }?;
        let trimmed = text.trim();
        match trimmed.len() {
            0 => None,
            same if same == text.len() => Some(text),
            _ => Some(trimmed.to_owned()),
        }
    }

    /// The context an expression on `variable` is evaluated in: that one value, or nothing.
    pub(crate) fn context(&self, variable: Variable) -> Value {
        let value = self.value(variable).map(|value| (variable.name(), Value::from(value)));
        Value::from(value.into_iter().collect::<BTreeMap<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_values_are_missing_and_names_are_joined() {
        let tags = ["salon".to_owned(), "lyon".to_owned()];
        let person = Person { first_name: Some(" Élodie "), last_name: Some(" "), tags: &tags, ..Person::default() };
        assert_eq!(person.value(Variable::FirstName).as_deref(), Some("Élodie"));
        assert_eq!(person.value(Variable::LastName), None);
        assert_eq!(person.value(Variable::FullName).as_deref(), Some("Élodie"));
        assert_eq!(person.value(Variable::Tags).as_deref(), Some("salon, lyon"));
        assert_eq!(Person::default().value(Variable::FullName), None);
        assert_eq!(Person::default().value(Variable::Tags), None);
    }

    #[test]
    fn every_variable_has_its_own_name() {
        for variable in Variable::ALL {
            assert_eq!(Variable::from_name(variable.name()), Some(variable));
        }
    }
}
