//! The three templates of a campaign, compiled together.

use serde::Serialize;

use crate::html;
use crate::template::{Kind, Person, RenderError, Template, TemplateError, Variable};

/// What is wrong with one field of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {error}")]
pub struct FieldError {
    /// `subject`, `text` or `html`.
    pub field: &'static str,
    /// What, where, and what to do.
    pub error: TemplateError,
}

/// A campaign's subject and body, compiled once and rendered for each person.
#[derive(Debug)]
pub struct CampaignTemplate {
    subject: Template,
    text: Template,
    html: Template,
    /// What to store as the campaign's HTML: `None` when it is derived from the text.
    html_source: Option<String>,
    removed: Vec<&'static str>,
}

/// One person's message, before the footer.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// Safe HTML, a fragment.
    pub html: String,
}

/// Forms of a part that are listed, at most.
const LISTED: usize = 20;

/// The forms that alternatives give a message.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Forms {
    /// Of its subject.
    pub subject: FormsOf,
    /// Of its text.
    pub text: FormsOf,
}

impl std::fmt::Debug for Forms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Forms(…)")
    }
}

/// The forms of one part.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct FormsOf {
    /// How many.
    pub count: u64,
    /// Each, when there are few and more than one.
    pub all: Option<Vec<String>>,
}

impl FormsOf {
    fn new(template: &Template, person: &Person<'_>) -> Self {
        let count = template.forms();
        Self { count, all: template.every_form(person, LISTED).filter(|_| count > 1) }
    }
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rendered(…)")
    }
}

impl CampaignTemplate {
    /// Compiles what a member wrote. Either body may be left empty; it is then made from the other.
    /// Store [`CampaignTemplate::html_source`] in place of the HTML that came in.
    ///
    /// # Errors
    /// Every field that cannot be used, with its place and what to do.
    pub fn parse(subject: &str, text: &str, html: Option<&str>) -> Result<Self, Vec<FieldError>> {
        let mut parsed = Self::compile(subject, text, html, Template::parse)?;
        parsed.removed = html.map(html::removed).unwrap_or_default();
        Ok(parsed)
    }

    /// Compiles what was stored, without the HTML sanitiser: the HTML is only checked to be in its
    /// safe form. For the function that sends.
    ///
    /// # Errors
    /// As [`CampaignTemplate::parse`].
    pub fn stored(subject: &str, text: &str, html: Option<&str>) -> Result<Self, Vec<FieldError>> {
        Self::compile(subject, text, html, Template::stored)
    }

    fn compile(
        subject: &str,
        text: &str,
        html: Option<&str>,
        parse: fn(&str, Kind) -> Result<Template, TemplateError>,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut field = |field, source: &str, kind| match parse(source, kind) {
            Ok(template) => Some(template),
            Err(error) => {
                errors.push(FieldError { field, error });
                None
            }
        };
        let given = |source: &str| !source.trim().is_empty();
        let subject = field("subject", subject, Kind::Subject);
        let html = html.filter(|html| given(html)).map(|html| field("html", html, Kind::Html));
        let text = match (given(text), &html) {
            (true, _) => field("text", text, Kind::Text),
            (false, Some(html)) => html.as_ref().and_then(Template::to_text),
            (false, None) => {
                let message = "write the message, as text, as HTML or both".to_owned();
                errors.push(FieldError { field: "text", error: TemplateError { line: 1, column: 1, message } });
                None
            }
        };
        let html_source = html.as_ref().and_then(Option::as_ref).map(Template::source);
        let html = html.unwrap_or_else(|| text.as_ref().and_then(Template::to_html));
        match (subject, text, html) {
            (Some(subject), Some(text), Some(html)) if errors.is_empty() => {
                Ok(Self { subject, text, html, html_source, removed: Vec::new() })
            }
            _ => Err(errors),
        }
    }

    /// The HTML to store, made safe; `None` when the campaign has no HTML of its own.
    #[must_use]
    pub fn html_source(&self) -> Option<&str> {
        self.html_source.as_deref()
    }

    /// Elements that were taken out of the HTML with their content, by name, for the preview.
    #[must_use]
    pub fn removed(&self) -> &[&'static str] {
        &self.removed
    }

    /// The variables it uses, each once.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        let used: Vec<_> = [&self.subject, &self.text, &self.html].into_iter().flat_map(Template::variables).collect();
        Variable::ALL.into_iter().filter(|variable| used.contains(variable)).collect()
    }

    /// The forms it has for one person.
    #[must_use]
    pub fn forms(&self, person: &Person<'_>) -> Forms {
        Forms { subject: FormsOf::new(&self.subject, person), text: FormsOf::new(&self.text, person) }
    }

    /// Whether it is not the same for everybody with the same values.
    pub(crate) fn has_alternatives(&self) -> bool {
        [&self.subject, &self.text, &self.html].into_iter().any(|template| template.forms() > 1)
    }

    /// The first field, of those that were written, for which somebody without this value is not written to.
    #[must_use]
    pub fn needs(&self, variable: Variable) -> Option<&'static str> {
        let html = self.html_source.as_ref().map(|_| ("html", &self.html));
        let fields = [Some(("subject", &self.subject)), html, Some(("text", &self.text))];
        fields.into_iter().flatten().find(|(_, template)| template.needs(variable)).map(|(field, _)| field)
    }

    /// Whether nobody without a value for this variable is written to; otherwise it is in some alternatives only.
    #[must_use]
    pub fn always_needs(&self, variable: Variable) -> bool {
        [&self.subject, &self.text, &self.html].into_iter().any(|template| template.always_needs(variable))
    }

    /// Fills in one person's values.
    ///
    /// # Errors
    /// Why this person cannot be written to, see [`RenderError`].
    pub fn render(&self, person: &Person<'_>) -> Result<Rendered, RenderError> {
        Ok(Rendered {
            subject: self.subject.render(person)?,
            text: self.text.render(person)?,
            html: self.html.render(person)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person<'a>() -> Person<'a> {
        Person { first_name: Some("Zoé"), ..Person::default() }
    }

    #[test]
    fn either_part_is_made_from_the_other() {
        let from_text = CampaignTemplate::parse("Hi", "Hi {{ first_name }}", None).unwrap();
        assert_eq!(from_text.render(&person()).unwrap().html, "<p>Hi Zoé</p>");
        assert_eq!(from_text.html_source(), None);
        let from_html = CampaignTemplate::parse("Hi", " ", Some("<p>Hi {{ first_name }}")).unwrap();
        assert_eq!(from_html.render(&person()).unwrap().text, "Hi Zoé");
        assert_eq!(from_html.html_source(), Some("<p>Hi {{ first_name }}</p>"));
        let both = CampaignTemplate::parse("Hi", "text", Some("<b>html</b><script></script>")).unwrap();
        assert_eq!(both.render(&person()).unwrap().text, "text");
        assert_eq!(both.render(&person()).unwrap().html, "<b>html</b>");
        assert_eq!(both.removed(), ["script"]);
        assert_eq!(both.variables(), []);
        assert_eq!(from_html.variables(), [Variable::FirstName]);
    }

    #[test]
    fn what_was_stored_renders_the_same() {
        let parsed = CampaignTemplate::parse("Hi", "", Some("<P>{{first_name}}<script></script>")).unwrap();
        let stored = CampaignTemplate::stored("Hi", "", parsed.html_source()).unwrap();
        assert_eq!(stored.render(&person()), parsed.render(&person()));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let errors = CampaignTemplate::parse("{{ x }}", "{{ y }}", Some("{% z %}")).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|error| error.field).collect();
        assert_eq!(fields, ["subject", "html", "text"]);
        assert_eq!(CampaignTemplate::parse("Hi", " ", Some("")).unwrap_err()[0].field, "text");
        assert_eq!(CampaignTemplate::parse("Hi", "", Some("{{ y }}")).unwrap_err()[0].field, "html");
    }
}
