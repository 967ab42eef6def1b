//! Route matching as HTTP APIs do it: a full match first, then `{proxy+}`, the most specific of each.

use crate::template::{EventSource, Function};

/// A route of the HTTP API.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// Upper case, or `ANY`.
    method: String,
    path: String,
    segments: Vec<Segment>,
    /// The binary behind it.
    pub(crate) binary: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    Parameter(String),
    Rest(String),
}

/// Every route of the template.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(Vec<Route>);

/// A route that fits a request, with its path parameters decoded.
pub(crate) struct Matched<'a> {
    pub(crate) route: &'a Route,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Routes {
    pub(crate) fn of(functions: &[Function]) -> Routes {
        let mut routes = Vec::new();
        for function in functions {
            for event in &function.events {
                if let EventSource::HttpApi { method, path } = event {
                    routes.push(Route::new(method, path, &function.binary));
                }
            }
        }
        Routes(routes)
    }

    /// The most specific route for a request; `path` is as received, still percent-encoded.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let fits = |route: &&Route| route.method == "ANY" || route.method == method;
        let matching = self.0.iter().filter(fits).filter_map(|route| {
            let parameters = route.capture(&segments)?;
            Some(Matched { route, parameters })
        });
        matching.max_by(|a, b| a.route.rank().cmp(&b.route.rank()))
    }

    /// Each route's key, for the index page.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (String, &str)> {
        self.0.iter().map(|route| (route.key(), route.binary.as_str()))
    }
}

impl Route {
    fn new(method: &str, path: &str, binary: &str) -> Route {
        let segment = |text: &str| match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Segment::Rest(name.to_owned()),
                None => Segment::Parameter(name.to_owned()),
            },
            None => Segment::Text(text.to_owned()),
        };
        Route {
            method: method.to_owned(),
            path: path.to_owned(),
            segments: path.trim_start_matches('/').split('/').map(segment).collect(),
            binary: binary.to_owned(),
        }
    }

    /// `GET /v1/imports/{id}`.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Segment by segment, text before a parameter before the rest; then the method named before `ANY`.
    fn rank(&self) -> (Vec<u8>, bool) {
        let rank = |segment: &Segment| match segment {
            Segment::Text(_) => 3,
            Segment::Parameter(_) => 2,
            Segment::Rest(_) => 1,
        };
        (self.segments.iter().map(rank).collect(), self.method != "ANY")
    }

    fn capture(&self, path: &[&str]) -> Option<Vec<(String, String)>> {
        let mut parameters = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            let here = *path.get(at)?;
            match segment {
                Segment::Text(text) if text == here => {}
                Segment::Text(_) => return None,
                Segment::Parameter(_) if here.is_empty() => return None,
                Segment::Parameter(name) => parameters.push((name.clone(), decode(here))),
                Segment::Rest(name) => {
                    parameters.push((name.clone(), decode(&path[at..].join("/"))));
                    return Some(parameters);
                }
            }
        }
        (path.len() == self.segments.len()).then_some(parameters)
    }
}

/// Percent-decodes; what is no UTF-8 is replaced, as no function can be given it in JSON.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%').then(|| tail.get(..2).and_then(|hex| hex::decode(hex).ok())).flatten();
        if let Some(escaped) = escaped {
            bytes.extend(escaped);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(list: &[(&str, &str)]) -> Routes {
        Routes(list.iter().map(|(method, path)| Route::new(method, path, "f")).collect())
    }

    #[test]
    fn takes_the_most_specific_route() {
        let routes = routes(&[
            ("ANY", "/{proxy+}"),
            ("GET", "/v1/prospects/{id}"),
            ("GET", "/v1/prospects/export"),
            ("ANY", "/v1/prospects/{id}"),
            ("GET", "/v1/{proxy+}"),
            ("GET", "/v1/prospects/{id}/history"),
            ("POST", "/"),
        ]);
        for (method, path, key) in [
            ("GET", "/v1/prospects/export", "GET /v1/prospects/export"),
            ("GET", "/v1/prospects/p1", "GET /v1/prospects/{id}"),
            ("PATCH", "/v1/prospects/p1", "ANY /v1/prospects/{id}"),
            ("GET", "/v1/prospects/p1/history", "GET /v1/prospects/{id}/history"),
            ("GET", "/v1/other/thing", "GET /v1/{proxy+}"),
            ("POST", "/v1/other/thing", "ANY /{proxy+}"),
            ("POST", "/", "POST /"),
        ] {
            assert_eq!(routes.find(method, path).unwrap().route.key(), key, "{method} {path}");
        }
    }

    #[test]
    fn finds_nothing_where_nothing_fits() {
        let routes = routes(&[("GET", "/u/{token}"), ("GET", "/healthz")]);
        for (method, path) in [
            ("POST", "/healthz"),
            ("GET", "/u/"),
            ("GET", "/u"),
            ("GET", "/u/a/b"),
            ("GET", "/healthz/"),
            ("HEAD", "/healthz"),
            ("GET", "/"),
        ] {
            assert!(routes.find(method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn decodes_parameters() {
        let routes = routes(&[("GET", "/u/{token}"), ("GET", "/files/{path+}")]);
        let found = routes.find("GET", "/u/a%2Fb%20c%C3%A9%zz").unwrap();
        assert_eq!(found.parameters, [("token".to_owned(), "a/b cé%zz".to_owned())]);
        let found = routes.find("GET", "/files/a/b%2Bc").unwrap();
        assert_eq!(found.parameters, [("path".to_owned(), "a/b+c".to_owned())]);
    }
}
