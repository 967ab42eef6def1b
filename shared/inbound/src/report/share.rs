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
    // Those whom the lines are about, and whether the last one named one of them and said no more.
    let (mut current, mut listing) = (Vec::<usize>::new(), false);
    for line in text.lines() {
        let named = address::find(line).iter().find_map(|found| {
            let named = found.address.canonical();
            canonical.iter().position(|known| *known == named)
        });
        if let Some(named) = named {
            add(&mut shares[named], &std::mem::take(&mut pending));
            add(&mut shares[named], line);
            let bare = is_bare(line);
            if bare && listing {
                current.push(named);
            } else if bare || !current.contains(&named) {
                current = vec![named];
            }
            for other in current.iter().filter(|other| !bare && **other != named) {
                add(&mut shares[*other], line);
            }
            listing = bare;
            continue;
        }
        listing = false;
        if line.trim().is_empty() {
            current.clear();
        } else if is_dialogue(line) {
            add(&mut pending, line);
        } else if current.is_empty() {
            add(&mut common, line);
        }
        for known in current.iter().filter(|_| !is_dialogue(line)) {
            add(&mut shares[*known], line);
        }
    }
    add(&mut common, &pending);
    (shares, common)
}

/// Whether a line names somebody and says no more. What is said below several such lines is said of all.
fn is_bare(line: &str) -> bool {
    let [found] = &address::find(line)[..] else { return false };
    let (before, after) = (&line[..found.start], &line[found.end..]);
    before.chars().chain(after.chars()).all(|c| c.is_whitespace() || "<>\"'*-,;".contains(c))
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
