//! `classify FILE…`: what mails on disk are (bounces and of whom, complaints, automatic answers), as JSON.

#![expect(clippy::print_stderr, reason = "what could not be read")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use domain::email::EmailAddress;
use inbound::{Failure, FeedbackType, Inbound, Kind, Original, Said};
use serde_json::{Value, json};

use crate::answer;

/// Which mails, and how much to say of each.
#[derive(Clone, Debug, clap::Args)]
pub struct Classify {
    /// Files with one raw mail each, and folders: of those, every file ending in `.eml`.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Also says what each finding rests on, and which message it is about.
    #[arg(long)]
    evidence: bool,
}

/// Prints one object: for each file's name what the mail is, and whom it speaks of. What cannot be read is said on
/// standard error.
///
/// # Errors
/// When something could not be read, after everything else is printed: the command then ends with status 1.
pub fn run(classify: &Classify) -> anyhow::Result<()> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    let mut failed = 0;
    for file in classify.paths.iter().flat_map(|path| files(path)) {
        if let Err(error) = file.and_then(|file| add(&mut found, &file, classify.evidence)) {
            eprintln!("{error:#}");
            failed += 1;
        }
    }
    answer::line(serde_json::to_string_pretty(&found)?)?;
    if failed > 0 {
        bail!("{failed} of the files and folders could not be read");
    }
    Ok(())
}

/// The mails that a path stands for.
fn files(path: &Path) -> Vec<anyhow::Result<PathBuf>> {
    if !path.is_dir() {
        return vec![Ok(path.to_owned())];
    }
    let unreadable = || format!("{} cannot be read", path.display());
    let entries = match fs::read_dir(path).with_context(unreadable) {
        Ok(entries) => entries,
        Err(error) => return vec![Err(error)],
    };
    let paths = entries.map(|entry| Ok(entry.with_context(unreadable)?.path()));
    paths.filter(|path| path.as_ref().map_or(true, |path| path.extension().is_some_and(|end| end == "eml"))).collect()
}

fn add(found: &mut BTreeMap<String, Value>, file: &Path, evidence: bool) -> anyhow::Result<()> {
    let shown = file.display();
    let name = file.file_name().with_context(|| format!("{shown} is not a file"))?.to_string_lossy().into_owned();
    ensure!(!found.contains_key(&name), "{shown} has the name of a file before it: classify the two one by one");
    let mut raw = Vec::new();
    let opened = File::open(file).with_context(|| format!("{shown} cannot be read"))?;
    opened.take(inbound::MAX_READ).read_to_end(&mut raw).with_context(|| format!("{shown} cannot be read"))?;
    found.insert(name, answer(&inbound::read(&raw), evidence));
    Ok(())
}

fn answer(mail: &Inbound, evidence: bool) -> Value {
    // A delay is a failure that may still end well; a mail that somebody wrote is none of all this.
    let (kind, recipients) = match &mail.kind {
        Kind::Bounce(failures) | Kind::Delay(failures) => {
            ("bounce", failures.iter().map(|failure| of_failure(failure, evidence)).collect())
        }
        // Somebody says that it is no spam: nobody complains.
        Kind::Complaint(complaint) if complaint.feedback == FeedbackType::NotSpam => ("none", Vec::new()),
        Kind::Complaint(complaint) => ("complaint", complaint.recipients.iter().map(of_complainant).collect()),
        Kind::AutoReply(_) => ("auto_reply", Vec::new()),
        Kind::Reply(_) | Kind::Other => ("none", Vec::new()),
    };
    let mut answer = json!({ "kind": kind, "recipients": recipients });
    if evidence {
        answer["evidence"] = of_mail(mail);
    }
    answer
}

fn of_failure(failure: &Failure, evidence: bool) -> Value {
    let mut answer = json!({
        "address": failure.address.expose(),
        "hard": failure.is_hard(),
        "class": failure.class.as_str(),
    });
    if evidence {
        let known = &failure.evidence;
        answer["evidence"] = json!({
            "cause": format!("{:?}", failure.cause),
            "source": format!("{:?}", known.source),
            "action": known.action.map(|action| format!("{action:?}")),
            "status": known.status.map(|status| status.to_string()),
            "reply": known.reply,
            "words": known.words,
            "said": known.said.as_ref().map(Said::expose),
            "original_recipient": known.original_recipient.as_ref().map(EmailAddress::expose),
        });
    }
    answer
}

fn of_complainant(address: &EmailAddress) -> Value {
    json!({ "address": address.expose(), "hard": Value::Null, "class": Value::Null })
}

fn of_mail(mail: &Inbound) -> Value {
    let Original { message_id, recipient, subject, list_unsubscribe } = &mail.original;
    let more = match &mail.kind {
        Kind::Complaint(complaint) => {
            json!({ "feedback": format!("{:?}", complaint.feedback), "objection": complaint.is_objection() })
        }
        Kind::AutoReply(reply) => {
            json!({ "absence": reply.is_absence, "until": reply.until.map(|until| until.to_string()) })
        }
        Kind::Reply(reply) => json!({ "opt_out": reply.is_opt_out }),
        _ => Value::Null,
    };
    json!({
        "is": mail.kind.as_str(),
        "more": more,
        "original": {
            "message_id": message_id,
            "recipient": recipient.as_ref().map(EmailAddress::expose),
            "subject": subject,
            "list_unsubscribe": list_unsubscribe,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNCE: &str = "From: MAILER-DAEMON@example.org\nSubject: failure notice\n\n\
        Hi. This is the qmail-send program at example.org.\n\n<a@example.com>:\n\
        Sorry, no mailbox here by that name. (#5.1.1)\n";

    #[test]
    fn a_folder_is_its_mails_and_what_is_missing_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("b.eml"), BOUNCE).expect("a file");
        fs::write(folder.path().join("notes.txt"), BOUNCE).expect("a file");
        let mut found = BTreeMap::new();
        for file in files(folder.path()) {
            add(&mut found, &file.expect("an entry"), false).expect("a mail");
        }
        let recipient = json!({ "address": "a@example.com", "hard": true, "class": "hard" });
        assert_eq!(json!(found), json!({ "b.eml": { "kind": "bounce", "recipients": [recipient] } }));

        let missing = add(&mut found, &folder.path().join("c.eml"), false).expect_err("no such file");
        assert!(missing.to_string().contains("c.eml cannot be read"), "{missing}");
        let twice = add(&mut found, &folder.path().join("b.eml"), false).expect_err("a name twice");
        assert!(twice.to_string().contains("has the name of a file before it"), "{twice}");
    }

    #[test]
    fn a_report_of_what_is_no_spam_is_no_complaint() {
        for (feedback, expected) in [
            ("not-spam", "none"),
            ("abuse", "complaint"),
            ("fraud", "complaint"),
            ("virus", "complaint"),
            ("auth-failure", "complaint"),
            ("dmarc", "complaint"),
            ("other", "complaint"),
            ("another", "complaint"),
        ] {
            let raw = format!(
                "From: loop@example.org\nSubject: report\nContent-Type: multipart/report; \
                 report-type=feedback-report; boundary=b\n\n--b\n\nA report.\n\n--b\n\
                 Content-Type: message/feedback-report\n\nFeedback-Type: {feedback}\n\
                 Original-Rcpt-To: a@example.com\n\n--b--\n"
            );
            let answer = answer(&inbound::read(raw.as_bytes()), false);
            assert_eq!(answer["kind"], expected, "{feedback}");
            assert_eq!(answer["recipients"].as_array().is_some_and(Vec::is_empty), expected == "none", "{feedback}");
        }
    }

    #[test]
    fn evidence_is_said_when_it_is_asked_for() {
        let answer = answer(&inbound::read(BOUNCE.as_bytes()), true);
        assert_eq!(answer["recipients"][0]["evidence"]["status"], "5.1.1");
        assert_eq!(answer["evidence"]["is"], "bounce");
    }
}
