//! Inline styles: a list of harmless properties, with values that cannot hide, overlay or fetch.

const PROPERTIES: [&str; 44] = [
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-radius",
    "border-right",
    "border-spacing",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-width",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-transform",
    "vertical-align",
    "width",
];

/// The declarations that may stay on a `tag`, as `property:value` joined by `;`. Cleaning twice changes nothing.
pub(super) fn clean(tag: &str, style: &str) -> String {
    let mut out = String::new();
    for (property, value) in declarations(style) {
        if PROPERTIES.contains(&property.as_str()) && is_harmless(&value) && has_room(tag, &property, &value) {
            if !out.is_empty() {
                out.push(';');
            }
            out.push_str(&property);
            out.push(':');
            out.push_str(&value);
        }
    }
    out
}

/// Property and value of each declaration, trimmed.
pub(super) fn declarations(style: &str) -> impl Iterator<Item = (String, String)> {
    style.split(';').filter_map(|declaration| {
        let (property, value) = declaration.split_once(':')?;
        Some((property.trim().to_ascii_lowercase(), value.trim().to_owned()))
    })
}

/// Whether what is in a box stays in it: a box or a line that is lower than its content would have that
/// drawn over what follows. Images, lines and cells of a table may have a height, because cells grow.
fn has_room(tag: &str, property: &str, value: &str) -> bool {
    match property {
        "height" => matches!(tag, "img" | "hr" | "table" | "tr" | "td" | "th"),
        "line-height" => !value.split([' ', '/']).any(|word| measure(word).is_some_and(|size| size < 1.0)),
        "font" => !value.contains('/') && !value.split(' ').any(|word| measure(word).is_some_and(|size| size < 0.5)),
        "font-size" => !value.split(' ').any(|word| measure(word).is_some_and(|size| size < 0.5)),
        _ => true,
    }
}

/// The number that a word begins with, in lines where it is a percentage; `None` for a word without one.
fn measure(word: &str) -> Option<f64> {
    let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let number: f64 = word[..digits].parse().ok()?;
    Some(if word[digits..].starts_with('%') { number / 100.0 } else { number })
}

/// Letters, numbers below 1000, colours, quoted font names. No escape, comment, address, negative
/// size or function but those of colours.
fn is_harmless(value: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " #%.,()'\"-!".contains(c);
    if value.is_empty() || value.len() > 200 || !value.chars().all(allowed) {
        return false;
    }
    let even = |quote: char| value.matches(quote).count().is_multiple_of(2);
    let colours = |(at, _)| {
        let name = value[..at].rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        ["rgb", "rgba", "hsl", "hsla"].iter().any(|colour| colour.eq_ignore_ascii_case(name))
    };
    even('\'') && even('"') && value.match_indices('(').all(colours) && value.split([' ', ',', '(']).all(is_small)
}

/// Whether a word is no number, or one from 0 to 999.
fn is_small(word: &str) -> bool {
    let bytes = word.as_bytes();
    match bytes.first() {
        Some(b'-' | b'.') if bytes[1..].iter().any(u8::is_ascii_digit) => bytes[0] == b'.',
        Some(b'0'..=b'9') => bytes.iter().take_while(|b| b.is_ascii_digit()).count() <= 3,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_overlays_or_fetches_is_dropped() {
        for (style, kept) in [
            ("color: red; font-size:14px", "color:red;font-size:14px"),
            ("COLOR:#a1b2c3;background-color:rgba(0, 0, 0, .5)", "color:#a1b2c3;background-color:rgba(0, 0, 0, .5)"),
            ("font-family:'Segoe UI', \"Arial\", sans-serif", "font-family:'Segoe UI', \"Arial\", sans-serif"),
            ("margin:0 auto;line-height:1.45", "margin:0 auto;line-height:1.45"),
            ("display:none", ""),
            ("visibility:hidden;opacity:0;position:absolute", ""),
            ("margin-bottom:-900px", ""),
            ("margin:0 -9px", ""),
            ("padding:9999px", ""),
            ("background-color:url(https://example.com/p.gif)", ""),
            ("width:expression(alert(1))", ""),
            ("color:r\\65 d", ""),
            ("color:red/*;*/", ""),
            ("font-family:'x;display:none;y'", ""),
            ("width:calc(100% - 1px)", ""),
            ("--x:1;color", ""),
            ("height:0", ""),
            ("height:40px", ""),
            ("line-height:0", ""),
            ("line-height:.4;font-size:0px", ""),
            ("line-height:80%", ""),
            ("line-height:150%;font-size:.9em", "line-height:150%;font-size:.9em"),
            ("font:0/0 a", ""),
            ("font:bold 14px Arial", "font:bold 14px Arial"),
        ] {
            assert_eq!(clean("div", style), kept, "{style}");
            assert_eq!(clean("div", kept), kept);
        }
    }
}
