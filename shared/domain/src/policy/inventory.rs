//! Everything that is stored, down to the attribute: infra/policy/inventory.toml, loaded and checked.
//!
//! Which class of policy.toml covers an item, whom it is about and what each attribute is: the purge
//! names what it deletes by it, the record of processing activities lists it, and whoever gathers or
//! erases what is held of a person finds here where it is.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{
    register::Bilingual,
    retention::{Class, Policy, Store},
};
use crate::locale::Locale;

static CURRENT: LazyLock<Inventory> = LazyLock::new(|| {
    Inventory::load(include_str!("../../../../infra/policy/inventory.toml"), Policy::current())
        .expect("a test loads the compiled-in inventory")
});

/// Why an inventory is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// Not TOML, something twice, or an unknown class, store, person or field.
    #[error("inventory: {0}")]
    Syntax(String),
    /// A kind or a field without a name in both languages.
    #[error("inventory: `{0}` is not named in both languages")]
    Blank(String),
    /// Stored where the class of policy.toml says that it is not.
    #[error("inventory: `{kind}` is in {store:?}, where policy.toml has no `{class}`")]
    Misplaced {
        /// The kind.
        kind: String,
        /// Where it is said to be.
        store: Store,
        /// Its class.
        class: &'static str,
    },
    /// A kind of a class that policy.toml says the product does not have.
    #[error("inventory: `{kind}` is of `{class}`, which policy.toml says is not in the product")]
    NotInTheProduct {
        /// The kind.
        kind: String,
        /// Its class.
        class: &'static str,
    },
    /// A class that policy.toml says is in a store, of which nothing is listed there.
    #[error("inventory: nothing of `{class}` is listed in {store:?}")]
    Unlisted {
        /// The class.
        class: &'static str,
        /// The store that has none of it.
        store: Store,
    },
}

/// Whose data something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A person who is written to.
    Prospect,
    /// A person who signs in.
    Member,
    /// The company that uses the service.
    Sender,
    /// Nobody: numbers and technical facts.
    Nobody,
}

/// One attribute.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// What it is, in French.
    fr: String,
    /// What it is, in English.
    en: String,
    /// Never shown, not even to the person it is about: hashes of passwords, keys.
    #[serde(default)]
    pub secret: bool,
}

impl Field {
    /// What it is, in one language.
    #[must_use]
    pub fn label(&self, locale: Locale) -> &str {
        match locale {
            Locale::Fr => &self.fr,
            Locale::En => &self.en,
        }
    }
}

/// One kind of item, object, message or line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// The class of policy.toml that covers it.
    pub class: Class,
    /// Where it is.
    pub store: Store,
    #[serde(default)]
    pk: Option<String>,
    #[serde(default)]
    sk: Option<String>,
    #[serde(default)]
    when: BTreeMap<String, Vec<String>>,
    /// Whose data it is.
    pub about: About,
    /// Its attributes.
    pub fields: BTreeMap<String, Field>,
}

impl Kind {
    /// Whether an item with these keys, whose attributes `text` reads, is of this kind.
    fn fits(&self, pk: &str, sk: &str, text: &impl Fn(&str) -> Option<String>) -> bool {
        let key = |pattern: &Option<String>, key: &str| pattern.as_deref().is_none_or(|p| glob(p, key));
        key(&self.pk, pk)
            && key(&self.sk, sk)
            && self.when.iter().all(|(name, values)| text(name).is_some_and(|value| values.contains(&value)))
    }

    /// The attribute that a path (`terms.version`) belongs to.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<(&str, &Field)> {
        let exact = self.fields.get_key_value(path);
        let found = exact.or_else(|| self.fields.iter().find(|(name, _)| dotted(name, path)));
        found.map(|(name, field)| (name.as_str(), field))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    common: BTreeMap<String, Bilingual>,
    kind: BTreeMap<String, Kind>,
}

/// Every kind of thing that is stored.
#[derive(Clone, Debug)]
pub struct Inventory {
    common: BTreeMap<String, Bilingual>,
    kinds: BTreeMap<String, Kind>,
}

impl Inventory {
    /// The inventory compiled into the binary.
    #[must_use]
    pub fn current() -> &'static Self {
        &CURRENT
    }

    /// Reads an inventory and holds it against a policy.
    ///
    /// # Errors
    /// [`InventoryError`] names the first thing wrong: an unknown word, something listed twice or
    /// without a name, a kind in a store that its class does not name or of a class that the product
    /// does not have, a class of which a store should hold something and nothing is listed.
    pub fn load(text: &str, policy: &Policy) -> Result<Self, InventoryError> {
        let File { common, kind: kinds } = toml::from_str(text).map_err(|e| InventoryError::Syntax(e.to_string()))?;
        for (name, kind) in &kinds {
            let class = kind.class.key();
            let rule = policy.rule(kind.class);
            if !rule.is_in_the_product() {
                return Err(InventoryError::NotInTheProduct { kind: name.clone(), class });
            }
            if !rule.stores.contains(&kind.store) {
                return Err(InventoryError::Misplaced { kind: name.clone(), store: kind.store, class });
            }
            let unnamed = kind.fields.iter().find(|(_, f)| f.fr.trim().is_empty() || f.en.trim().is_empty());
            if let Some((field, _)) = unnamed {
                return Err(InventoryError::Blank(format!("{name}.{field}")));
            }
            if kind.fields.is_empty() {
                return Err(InventoryError::Blank(name.clone()));
            }
        }
        for &class in Class::ALL.iter().filter(|class| class.stored_as() == **class) {
            let rule = policy.rule(class);
            let listed = |store| kinds.values().any(|kind| kind.class == class && kind.store == store);
            if let Some(&store) = rule.stores.iter().find(|store| rule.is_in_the_product() && !listed(**store)) {
                return Err(InventoryError::Unlisted { class: class.key(), store });
            }
        }
        Ok(Self { common, kinds })
    }

    /// Every kind, by its name.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &Kind)> {
        self.kinds.iter().map(|(name, kind)| (name.as_str(), kind))
    }

    /// One kind by its name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// Everything of one class.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = (&str, &Kind)> {
        self.kinds().filter(move |(_, kind)| kind.class == class)
    }

    /// Everything about one sort of person, or about nobody.
    pub fn about(&self, about: About) -> impl Iterator<Item = (&str, &Kind)> {
        self.kinds().filter(move |(_, kind)| kind.about == about)
    }

    /// What an item of a store is, by its keys and by what `text` reads of its attributes; `None` when it
    /// is nothing that is listed. The bucket's objects have their path for `pk` and no `sk`.
    pub fn kind_of(
        &self,
        store: Store,
        pk: &str,
        sk: &str,
        text: impl Fn(&str) -> Option<String>,
    ) -> Option<(&str, &Kind)> {
        self.kinds().find(|(_, kind)| kind.store == store && kind.pk.is_some() && kind.fits(pk, sk, &text))
    }

    /// Whether an attribute may be on an item of any kind: its keys, its end, its version.
    #[must_use]
    pub fn is_common(&self, attribute: &str) -> bool {
        matches!(attribute, "pk" | "sk") || self.common.contains_key(attribute)
    }
}

/// Whether `text` is as `pattern` says: `*` is anything without `#` or `/`, `**` anything.
fn glob(pattern: &str, text: &str) -> bool {
    let Some(at) = pattern.find('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(&pattern[..at]) else { return false };
    let anything = pattern[at..].starts_with("**");
    let tail = &pattern[at + if anything { 2 } else { 1 }..];
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    let within = |end: &usize| anything || !rest[..*end].contains(['#', '/']);
    ends.skip(1).take_while(within).any(|end| glob(tail, &rest[end..]))
}

/// Whether a path is as a pattern says, part by part; `*` is within one part.
fn dotted(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), path.split('.').collect());
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(pattern, part)| glob(pattern, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../../infra/policy/inventory.toml");

    fn load(text: &str) -> Result<Inventory, InventoryError> {
        Inventory::load(text, Policy::current())
    }

    fn instead(of: &str, put: &str) -> Result<Inventory, InventoryError> {
        assert!(FILE.contains(of), "the inventory no longer says {of}");
        load(&FILE.replacen(of, put, 1))
    }

    fn kind_of(store: Store, pk: &str, sk: &str, why: &str) -> Option<&'static str> {
        let found = Inventory::current().kind_of(store, pk, sk, |name| (name == "why").then(|| why.to_owned()));
        found.map(|(name, _)| name)
    }

    #[test]
    fn a13_every_class_in_the_product_has_something_in_each_of_its_stores() {
        assert!(load(FILE).is_ok());
        let error = instead(
            "class = \"delivery\"\nstore = \"outreach\"\npk = \"W#*#D#*\"",
            "class = \"delivery\"\nstore = \"keys\"\npk = \"W#*#D#*\"",
        );
        assert_eq!(
            error.unwrap_err(),
            InventoryError::Misplaced { kind: "delivery".into(), store: Store::Keys, class: "delivery" }
        );
        let error = instead("[kind.limit]\nclass = \"limiter\"", "[kind.limit]\nclass = \"account\"").unwrap_err();
        assert_eq!(error, InventoryError::Unlisted { class: "limiter", store: Store::Accounts });
        let error = instead("[kind.limit]\nclass = \"limiter\"", "[kind.limit]\nclass = \"billing\"").unwrap_err();
        assert_eq!(error, InventoryError::NotInTheProduct { kind: "limit".into(), class: "billing" });
    }

    #[test]
    fn a13_unknown_words_and_repetitions_are_refused() {
        for (known, unknown) in [
            ("class = \"limiter\"", "class = \"limits\""),
            ("store = \"accounts\"", "store = \"drawer\""),
            ("about = \"member\"", "about = \"somebody\""),
            ("about = \"member\"", "about = \"member\"\ncolour = \"red\""),
            ("secret = true }", "hidden = true }"),
            ("[kind.limit]", "[kind.session]"),
            ("[kind.limit.fields]\n", "[kind.limit.fields]\nn = { fr = \"x\", en = \"x\" }\n"),
        ] {
            let error = instead(known, unknown).unwrap_err();
            assert!(matches!(error, InventoryError::Syntax(_)), "{unknown}: {error}");
        }
        let error = instead("fr = \"Nombre de tentatives\"", "fr = \" \"").unwrap_err();
        assert_eq!(error, InventoryError::Blank("limit.n".into()));
    }

    #[test]
    fn an_item_is_known_by_its_keys_and_where_it_must_by_what_is_in_it() {
        for (store, pk, sk, why, kind) in [
            (Store::Accounts, "W#ws_1", "WORKSPACE", "", Some("workspace")),
            (Store::Accounts, "W#ws_1", "MEMBER#mem_1", "", Some("member")),
            (Store::Accounts, "W#ws_1", "SOMETHING", "", None),
            (Store::Accounts, "W#ws_1#P#0", "ab", "", None),
            (Store::Prospects, "W#ws_1#P#0", "ab", "", Some("prospect")),
            (Store::Outreach, "W#ws_1#C", "cmp_1", "", Some("campaign")),
            (Store::Outreach, "W#ws_1#C#cmp_1", "PLAN", "", Some("plan")),
            (Store::Outreach, "W#ws_1#C#cmp_1", "K#00000001#01", "", Some("chunk")),
            (Store::Outreach, "W#ws_1#D#0", "ab#cmp_1#01", "", Some("delivery")),
            (Store::Suppressions, "W#ws_1#S#0", "ab", "opted_out", Some("suppression")),
            (Store::Suppressions, "W#ws_1#S#0", "ab", "erased", Some("erasure")),
            (Store::Suppressions, "W#ws_1#S#0", "ab", "other", None),
            (Store::UploadsBucket, "uploads/ws_1/imp_1", "", "", Some("upload")),
            (Store::UploadsBucket, "uploads/ws_1/imp_1/more", "", "", None),
            (Store::Queues, "x", "y", "", None),
        ] {
            assert_eq!(kind_of(store, pk, sk, why), kind, "{pk} {sk}");
        }
    }

    #[test]
    fn fields_are_found_by_their_path() {
        let inventory = Inventory::current();
        let field = |kind: &str, path| inventory.kind(kind).unwrap().field(path).map(|(name, _)| name);
        assert_eq!(field("workspace", "terms.version"), Some("terms.version"));
        assert_eq!(field("import", "rejected_by_reason.freemail"), Some("rejected_by_reason.*"));
        assert_eq!(field("campaign_counter", "refused_opted_out"), Some("refused_*"));
        assert_eq!(field("purge_place", "uninformed.ws_1.people"), Some("uninformed.*.people"));
        for unknown in ["terms", "terms.version.more", "colour"] {
            assert_eq!(field("workspace", unknown), None, "{unknown}");
        }
        assert!(inventory.is_common("pk") && inventory.is_common("ttl") && !inventory.is_common("e"));
    }

    #[test]
    fn what_is_about_a_person_is_listed() {
        let names = |about| Inventory::current().about(about).map(|(name, _)| name).collect::<Vec<_>>();
        assert!(names(About::Prospect).contains(&"delivery") && names(About::Member).contains(&"login"));
        let kinds: Vec<_> = Inventory::current().of_class(Class::Delivery).map(|(name, _)| name).collect();
        assert_eq!(kinds, ["chunk", "delivery", "message_names", "plan", "stopped_companies"]);
    }
}
