//! Whom a member says a campaign is for. Everybody is only ever meant by saying so.

use std::collections::BTreeSet;

use domain::{
    campaign::{Audience, LONGEST_SEARCH, search},
    id::ImportId,
};
use intake::{MAX_TAG, MAX_TAGS};
use serde::Deserialize;

use crate::FieldError;

/// An audience as it is written in a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedAudience {
    all: Option<bool>,
    tags_any: Option<BTreeSet<String>>,
    tags_all: Option<BTreeSet<String>>,
    import: Option<ImportId>,
    text: Option<String>,
}

impl AskedAudience {
    /// The audience. A condition that says nothing (a blank text, no tag) is refused, because without it the
    /// others would reach more people than was meant.
    pub(super) fn checked(self, errors: &mut Vec<FieldError>) -> Audience {
        let mut wrong = |field: &str, message: String| {
            errors.push(FieldError { field: format!("audience{field}"), message });
        };
        if self.all == Some(false) {
            wrong(".all", "true, or left out".into());
        }
        for (field, tags) in [(".tags_any", &self.tags_any), (".tags_all", &self.tags_all)] {
            let Some(tags) = tags else { continue };
            if tags.is_empty() || tags.len() > MAX_TAGS {
                wrong(field, format!("1 to {MAX_TAGS} tags, or left out"));
            } else if tags.iter().any(|tag| tag.trim().is_empty() || tag.chars().count() > MAX_TAG) {
                wrong(field, format!("each tag has 1 to {MAX_TAG} characters"));
            }
        }
        let text = self.text.as_deref().map(search);
        if text == Some(None) {
            wrong(".text", format!("1 to {LONGEST_SEARCH} characters to look for, or left out"));
        }
        let audience = Audience {
            all: self.all == Some(true),
            tags_any: self.tags_any.unwrap_or_default(),
            tags_all: self.tags_all.unwrap_or_default(),
            import: self.import,
            text: text.flatten().map(str::to_owned),
        };
        if audience.is_empty() && errors.iter().all(|error| !error.field.starts_with("audience")) {
            let message = "say who: tags_any, tags_all, import or text, or {\"all\": true} for everybody";
            errors.push(FieldError { field: "audience".into(), message: message.into() });
        }
        audience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(json: &str) -> Vec<String> {
        let mut errors = Vec::new();
        serde_json::from_str::<AskedAudience>(json).unwrap().checked(&mut errors);
        errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn nobody_is_written_to_by_leaving_something_blank() {
        for (json, fields) in [
            (r#"{"all":true}"#, [].as_slice()),
            (r#"{"text":" lyon ","tags_any":["btp"]}"#, &[]),
            ("{}", &["audience"]),
            (r#"{"text":null}"#, &["audience"]),
            (r#"{"all":false}"#, &["audience.all"]),
            (r#"{"text":""}"#, &["audience.text"]),
            (r#"{"all":true,"text":"   "}"#, &["audience.text"]),
            (r#"{"tags_any":[]}"#, &["audience.tags_any"]),
            (r#"{"tags_all":[" "],"tags_any":["a"]}"#, &["audience.tags_all"]),
        ] {
            assert_eq!(wrong(json), fields, "{json}");
        }
        assert_eq!(wrong(&format!(r#"{{"text":"{}"}}"#, "x".repeat(201))), ["audience.text"]);
    }
}
