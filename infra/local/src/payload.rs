//! HTTP ↔ Lambda, payload format 2.0.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::ids::uuid;
use crate::routes::Matched;
use crate::template::{ACCOUNT, REGION};

/// What of a request is not in it.
pub(crate) struct Origin {
    pub(crate) source_ip: String,
    /// The port of the gateway.
    pub(crate) port: u16,
    pub(crate) now: Timestamp,
}

/// A request as the function gets it. Absent members are left out, not null.
pub(crate) fn event(request: &Request<()>, body: &Bytes, matched: &Matched<'_>, origin: &Origin) -> Value {
    let request_id = uuid();
    let headers = request.headers();
    let domain = format!("local.execute-api.{REGION}.amazonaws.com");
    let path = request.uri().path();
    let key = matched.route.key();
    let user_agent = headers.get(header::USER_AGENT).map(text).unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": request.uri().query().unwrap_or_default(),
        "headers": event_headers(headers, origin),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": "local",
            "http": {
                "method": request.method().as_str(),
                "path": path,
                "protocol": format!("{:?}", request.version()),
                "sourceIp": origin.source_ip,
                "userAgent": user_agent,
            },
            "requestId": request_id,
            "routeKey": key,
            "stage": "$default",
            "time": origin.now.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": origin.now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let cookies: Vec<String> = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| text(value).split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>())
        .filter(|cookie| !cookie.is_empty())
        .collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if let Some(query) = request.uri().query().filter(|query| !query.is_empty()) {
        event["queryStringParameters"] = query_parameters(query);
    }
    if !matched.parameters.is_empty() {
        let parameters = matched.parameters.iter().map(|(name, value)| (name.clone(), json!(value)));
        event["pathParameters"] = Value::Object(parameters.collect());
    }
    if !body.is_empty() {
        let kind = headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default();
        match std::str::from_utf8(body) {
            Ok(plain) if is_text(&kind) => event["body"] = plain.into(),
            _ => {
                event["body"] = STANDARD.encode(body).into();
                event["isBase64Encoded"] = true.into();
            }
        }
    }
    event
}

/// Names in lower case, repeated ones joined by commas, cookies apart.
fn event_headers(headers: &HeaderMap, origin: &Origin) -> Value {
    let mut joined: Map<String, Value> = Map::new();
    for name in headers.keys() {
        if name != header::COOKIE {
            let values: Vec<String> = headers.get_all(name).iter().map(text).collect();
            joined.insert(name.as_str().to_owned(), values.join(",").into());
        }
    }
    // A forwarding header that the client made up stays before what the gateway saw.
    let forwarded = match joined.get("x-forwarded-for").and_then(Value::as_str) {
        Some(claimed) => format!("{claimed}, {}", origin.source_ip),
        None => origin.source_ip.clone(),
    };
    joined.insert("x-forwarded-for".to_owned(), forwarded.into());
    joined.insert("x-forwarded-port".to_owned(), origin.port.to_string().into());
    joined.insert("x-forwarded-proto".to_owned(), "http".into());
    Value::Object(joined)
}

fn query_parameters(query: &str) -> Value {
    let mut joined: Map<String, Value> = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = match joined.get(&*name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value.into_owned(),
        };
        joined.insert(name.into_owned(), value.into());
    }
    Value::Object(joined)
}

/// The media types whose bodies HTTP APIs pass as they are. A form is not among them.
fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || ["application/json", "application/xml", "application/javascript"].contains(&essence.as_str())
        || (essence.starts_with("application/") && (essence.ends_with("+json") || essence.ends_with("+xml")))
}

/// The function's answer as a response; nothing if it is none.
pub(crate) fn response(answer: &[u8]) -> Option<Response<Body>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let Some(status) = answer.get("statusCode") else {
        // Without a status the whole answer is the body.
        let body = match answer {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
        return response.body(Body::from(body)).ok();
    };
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let body = match &answer["body"] {
        Value::Null => Bytes::new(),
        Value::String(text) if answer["isBase64Encoded"] == true => STANDARD.decode(text).ok()?.into(),
        Value::String(text) => text.clone().into(),
        other => other.to_string().into(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return None,
        };
        headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie.as_str()?).ok()?);
    }
    // These are the connection's own affair.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONNECTION);
    if !body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8"));
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests;
