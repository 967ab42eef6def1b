//! Cursors: where a list goes on. Opaque to the caller; they name a place, never a workspace.

use app::Failure;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::http::Request;

/// The `?cursor=` of a request, decoded.
pub fn read(request: &Request) -> Result<Option<String>, Failure> {
    let Some(cursor) = request.query("cursor") else { return Ok(None) };
    let text = URL_SAFE_NO_PAD.decode(&cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    // What a sort key may hold, and nothing that a key expression could choke on.
    let place = text.filter(|t| !t.is_empty() && t.len() <= 200 && t.chars().all(|c| c.is_ascii_graphic()));
    place.map(Some).ok_or_else(|| Failure::field("cursor", "use `next_cursor` of the page before, unchanged"))
}

/// The cursor for a place.
pub fn write(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}
