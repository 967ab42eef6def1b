//! Which lines of a report are about which recipient.

use domain::email::EmailAddress;

use crate::address;
use crate::smtp;

/// For each of `recipients` the lines about them, and the lines that are about nobody in particular.
pub(crate) fn share(text: &str, recipients: &[EmailAddress]) -> (Vec<String>, String) {
    if let [_] = recipients {
        return (vec![text.to_owned()], String::new());
    }
    let canonical: Vec<_> = recipients.iter().map(EmailAddress::canonical).collect();
    let mut shares = vec![String::new(); recipients.len()];
    let mut common = String::new();
    // Lines of a dialogue go before the line that names whom it was about.
    let mut pending = String::new();
    let mut current: Option<usize> = None;
    for line in text.lines() {
        let named = address::find(line).iter().find_map(|found| {
            let named = found.address.canonical();
            canonical.iter().position(|known| *known == named)
        });
        if let Some(named) = named {
            add(&mut shares[named], &std::mem::take(&mut pending));
            add(&mut shares[named], line);
            current = Some(named);
        } else if line.trim().is_empty() {
            current = None;
        } else if is_dialogue(line) {
            add(&mut pending, line);
        } else if let Some(current) = current {
            add(&mut shares[current], line);
        } else {
            add(&mut common, line);
        }
    }
    add(&mut common, &pending);
    (shares, common)
}

fn add(lines: &mut String, line: &str) {
    if !line.is_empty() {
        lines.push_str(line);
        lines.push('\n');
    }
}

/// `>>> RCPT TO:…`, `<<< 550 …`, `... while talking to`, `550 example.org (smtp)... Host unknown`.
fn is_dialogue(line: &str) -> bool {
    let line = line.trim_end();
    line.starts_with(">>>")
        || line.starts_with("<<<")
        || line.to_ascii_lowercase().contains("while talking to")
        || line.starts_with(|c: char| c.is_ascii_digit()) && line.contains("...") && !smtp::replies(line).is_empty()
}
