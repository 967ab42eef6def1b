//! template.yaml as the checks see it.

use serde_json::Value;

use super::{read, yaml};

/// The parsed template.
pub(super) struct Template {
    /// The whole document, short forms written out.
    pub(super) document: Value,
}

/// A resource: its logical id, its type, its properties.
#[derive(Clone, Copy)]
pub(super) struct Resource<'a> {
    pub(super) id: &'a str,
    pub(super) kind: &'a str,
    pub(super) body: &'a Value,
}

/// A route of the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) path: String,
    pub(super) method: String,
}

impl Template {
    /// The repository's own.
    pub(super) fn load() -> Self {
        Self::parse(&read("template.yaml"))
    }

    pub(super) fn parse(text: &str) -> Self {
        Self { document: yaml::parse(text) }
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        self.document["Resources"].as_object().into_iter().flatten().map(|(id, body)| Resource {
            id,
            kind: body["Type"].as_str().unwrap_or_default(),
            body,
        })
    }

    pub(super) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = Resource<'a>> {
        self.resources().filter(move |resource| resource.kind == kind)
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = Resource<'_>> {
        self.of_kind("AWS::Serverless::Function")
    }

    pub(super) fn resource(&self, id: &str) -> Option<Resource<'_>> {
        self.resources().find(|resource| resource.id == id)
    }

    /// A property of a function, its own or the one of `Globals`.
    pub(super) fn setting<'a>(&'a self, function: Resource<'a>, name: &str) -> &'a Value {
        match function.get(name) {
            Value::Null => &self.document["Globals"]["Function"][name],
            own => own,
        }
    }

    /// The environment that a function gets, `Globals` included.
    pub(super) fn environment<'a>(&'a self, function: Resource<'a>) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let shared = &self.document["Globals"]["Function"]["Environment"]["Variables"];
        [shared, &function.get("Environment")["Variables"]]
            .into_iter()
            .filter_map(Value::as_object)
            .flatten()
            .map(|(name, value)| (name.as_str(), value))
    }
}

impl<'a> Resource<'a> {
    pub(super) fn get(self, property: &str) -> &'a Value {
        &self.body["Properties"][property]
    }

    /// The last component of a function's `CodeUri`.
    pub(super) fn binary(self) -> &'a str {
        self.get("CodeUri").as_str().unwrap_or_default().trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// The events of a function: name, type, properties.
    pub(super) fn events(self) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> {
        self.get("Events")
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, event)| (name.as_str(), event["Type"].as_str().unwrap_or_default(), &event["Properties"]))
    }

    pub(super) fn routes(self) -> impl Iterator<Item = Route> {
        self.events().filter(|(_, kind, _)| *kind == "HttpApi").map(|(_, _, event)| Route {
            path: event["Path"].as_str().unwrap_or_default().to_owned(),
            method: event["Method"].as_str().unwrap_or_default().to_uppercase(),
        })
    }

    /// The statements of a function's own policies.
    pub(super) fn statements(self) -> impl Iterator<Item = &'a Value> {
        let policies = self.get("Policies").as_array().into_iter().flatten();
        policies.flat_map(|policy| policy["Statement"].as_array().into_iter().flatten())
    }
}

/// The logical id that `!Ref X` or `!GetAtt X.attribute` points to.
pub(super) fn target(value: &Value) -> Option<&str> {
    let name = value["Ref"].as_str().or_else(|| value["Fn::GetAtt"].as_str())?;
    Some(name.split('.').next().unwrap_or(name))
}

/// A value or a list of them, as a list.
pub(super) fn each(value: &Value) -> impl Iterator<Item = &Value> {
    let (one, many) = match value {
        Value::Array(items) => (None, Some(items.iter())),
        Value::Null => (None, None),
        single => (Some(single), None),
    };
    one.into_iter().chain(many.into_iter().flatten())
}
