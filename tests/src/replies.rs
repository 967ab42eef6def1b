//! Answers to messages, as Amazon SES would take them in.

use local::backends::ses::receiving::Scan;
use serde_json::json;

use crate::{Sender, TestStack, mail::Mail, store::Dump};

impl Mail {
    /// Where an answer to it goes.
    #[track_caller]
    pub fn reply_to(&self) -> String {
        self.header("Reply-To").expect("a Reply-To").trim_matches(['<', '>']).to_owned()
    }
}

impl Sender<'_> {
    /// Leaves answers to the product: no address of its own for them.
    pub async fn take_answers(&self) {
        let mut asked = self.identity(json!({"kind": "ses"}));
        asked["identity"].as_object_mut().expect("an identity").remove("reply_to");
        self.put("/v1/sender", asked).await.expect(200);
    }
}

impl TestStack {
    /// Takes a mail in and waits until it is dealt with. Nothing of it may be left.
    pub async fn receive(&self, to: &str, raw: &str, scan: Scan) {
        let taken = self.backends().receiving().receive(&[to.to_owned()], raw.as_bytes(), scan).expect("taken in");
        assert!(taken, "no rule is for {to}");
        self.settle().await;
        let left = Dump::of(self).await.objects;
        assert!(!left.keys().any(|key| key.contains("/mail/")), "{:?}", left.keys());
    }

    /// The message of the latest check of a relay.
    #[track_caller]
    pub fn message_of_check(&self) -> Mail {
        let of_a_check = |mail: &Mail| mail.to.starts_with('c') && mail.to.ends_with("@replies.operator.example.com");
        self.mails().into_iter().rfind(of_a_check).expect("the message of a check")
    }

    /// Answers the latest message to somebody in these words.
    pub async fn answer(&self, from: &str, words: &str) {
        let to = self.mails_to(from).pop().expect("a message").reply_to();
        self.receive(&to, &answer(&to, from, "Re: votre message", words), Scan::default()).await;
    }
}

/// An answer in somebody's own words.
pub fn answer(to: &str, from: &str, subject: &str, words: &str) -> String {
    format!(
        "From: Zoé Martin <{from}>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <1@{from}>\r\n\
         In-Reply-To: <0102@eu-west-3.amazonses.com>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    )
}
