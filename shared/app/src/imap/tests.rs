//! Sessions with servers that keep to the standard, and with some that do not.

use std::time::Duration;

use domain::mailbox::Stop;
use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

use super::{Session, session::Opened, wire::Wire};
use crate::mailer::Login;

/// Long enough for a busy machine, and for nobody to wait.
const PATIENT: Duration = Duration::from_secs(60);
const IMPATIENT: Duration = Duration::from_millis(300);

fn password() -> Login {
    Login::Password { username: "zoe".into(), password: SecretString::from("a \"b\"") }
}

/// A server that answers line by line as it is told: what it reads must hold the first text, `TAG` in what it says is the
/// tag that it read.
struct Script(Vec<(&'static str, String)>);

impl Script {
    fn new(lines: &[(&'static str, &str)]) -> Self {
        Self(lines.iter().map(|(reads, says)| (*reads, (*says).to_owned())).collect())
    }

    /// One that lets everybody in first.
    fn open(lines: &[(&'static str, &str)]) -> Self {
        let mut all = vec![
            ("CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK done\r\n"),
            ("AUTHENTICATE PLAIN", "+ \r\n"),
            ("AHpvZQBhICJiIg==", "TAG OK in\r\n"),
        ];
        all.extend_from_slice(lines);
        Self::new(&all)
    }

    async fn play(self, stream: DuplexStream) -> DuplexStream {
        let mut stream = BufReader::new(stream);
        let mut tag = String::new();
        for (reads, says) in self.0 {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                break;
            }
            assert!(line.contains(reads), "{line} is not {reads}");
            if line.starts_with('P') && line.contains(' ') {
                tag = line.split(' ').next().unwrap_or_default().to_owned();
            }
            let _ = stream.write_all(says.replace("TAG", &tag).as_bytes()).await;
        }
        stream.into_inner()
    }
}

async fn session(script: Script) -> Result<Session, Stop> {
    let (ours, theirs) = duplex(64 * 1024);
    tokio::spawn(async move {
        // It stays open, and says nothing more.
        let mut open = script.play(theirs).await;
        let _ = open.read_to_end(&mut Vec::new()).await;
    });
    Session::log_in(Wire::new(Box::new(ours), PATIENT), &password()).await
}

async fn opened(lines: &[(&'static str, &str)]) -> Session {
    session(Script::open(lines)).await.unwrap_or_else(|stop| panic!("{stop:?}"))
}

const EXAMINED: &str =
    "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 12] next\r\nTAG OK [READ-ONLY] open\r\n";

#[tokio::test]
async fn a_folder_is_opened_looked_through_and_read() {
    let text = "From: a@b.test\r\n\r\nHi)\r\n";
    let fetched = format!(
        "* 2 FETCH (UID 9 BODY[]<0> {{{}}}\r\n{text})\r\n* 1 FETCH (FLAGS (\\Seen))\r\nTAG OK done\r\n",
        text.len()
    );
    let mut session = opened(&[
        ("EXAMINE &AMk-l&AOk-ments", EXAMINED),
        ("UID SEARCH UID 9:11", "* SEARCH 11 9 9 40\r\nTAG OK done\r\n"),
        (
            "UID FETCH 9,11 (UID BODY.PEEK[HEADER.FIELDS (From In-Reply-To References Content-Type X-Failed-Recipients)]<0.16384>)",
            "* 3 FETCH (UID 11 BODY[HEADER.FIELDS (From)]<0> \"From: x@y.test\")\r\n* 1 FETCH (UID 1 BODY[] \"theirs\")\r\nTAG OK done\r\n",
        ),
        ("UID FETCH 9 (UID BODY.PEEK[]<0.524288>)", &fetched),
        ("UID FETCH 9 (UID BODY.PEEK[2]<0.16384>)", "TAG OK nothing\r\n"),
        ("LOGOUT", "* BYE\r\n"),
    ])
    .await;
    assert_eq!(session.open("Éléments").await, Ok(Opened { validity: 7, uid_next: 12 }));
    assert_eq!(session.among(9, 11).await.unwrap(), [9, 11]);
    let headers = session.headers(&[9, 11]).await.unwrap();
    assert_eq!(
        headers.iter().map(|headers| (headers.uid, &*headers.bytes)).collect::<Vec<_>>(),
        [(11, &b"From: x@y.test"[..])]
    );
    assert_eq!(session.mail(9).await.unwrap().as_deref(), Some(text.as_bytes()));
    assert_eq!(session.report(9).await.unwrap(), None);
    session.log_out().await;
}

#[tokio::test]
async fn who_says_no_next_uid_is_asked_for_the_last() {
    let mut session = opened(&[
        ("EXAMINE INBOX", "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK open\r\n"),
        ("FETCH * UID", "* 2 FETCH (UID 41)\r\nTAG OK done\r\n"),
        ("EXAMINE INBOX", "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK open\r\n"),
        ("EXAMINE Gone", "TAG NO there is none\r\n"),
        ("EXAMINE Odd", "TAG OK open\r\n"),
    ])
    .await;
    assert_eq!(session.open("INBOX").await, Ok(Opened { validity: 7, uid_next: 42 }));
    assert_eq!(session.open("INBOX").await, Ok(Opened { validity: 7, uid_next: 1 }));
    assert_eq!(session.open("Gone").await, Err(Stop::NoFolder));
    assert_eq!(session.open("Odd").await, Err(Stop::Garbled));
}

#[tokio::test]
async fn whoever_is_not_let_in_learns_why() {
    let plain = "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK done\r\n";
    let login = "* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n";
    for (capabilities, rest, expected) in [
        (
            plain,
            &[("AUTHENTICATE PLAIN", "+ \r\n"), ("AHp", "TAG NO [AUTHENTICATIONFAILED] wrong\r\n")][..],
            Stop::Credentials,
        ),
        (plain, &[("AUTHENTICATE PLAIN", "+ \r\n"), ("AHp", "TAG NO [UNAVAILABLE] later\r\n")][..], Stop::LoginLater),
        (plain, &[("AUTHENTICATE PLAIN", "* BYE too many\r\n")][..], Stop::LoginLater),
        (plain, &[("AUTHENTICATE PLAIN", "TAG BAD what\r\n")][..], Stop::NoMechanism),
        (login, &[("LOGIN zoe \"a \\\"b\\\"\"", "TAG NO wrong\r\n")][..], Stop::Credentials),
        ("* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nTAG OK done\r\n", &[][..], Stop::NoMechanism),
        ("TAG NO go away\r\n", &[][..], Stop::LoginLater),
    ] {
        let mut lines = vec![("CAPABILITY", capabilities)];
        lines.extend_from_slice(rest);
        assert_eq!(session(Script::new(&lines)).await.err(), Some(expected), "{lines:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_ends_with_an_empty_line() {
    let (ours, theirs) = duplex(64 * 1024);
    let script = Script::new(&[
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\nTAG OK done\r\n"),
        ("AUTHENTICATE XOAUTH2", "+ \r\n"),
        ("dXNlcj16b2UBYXV0aD1CZWFyZXIgdG9rAQE=", "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"),
        ("\r\n", "TAG NO refused\r\n"),
    ]);
    tokio::spawn(script.play(theirs));
    let login = Login::Token { username: "zoe".into(), token: SecretString::from("tok") };
    assert_eq!(Session::log_in(Wire::new(Box::new(ours), PATIENT), &login).await.err(), Some(Stop::Credentials));
}

/// What a server may say instead of an answer, again and again.
async fn told(first: &str, again: &str) -> Result<Vec<u32>, Stop> {
    let (ours, theirs) = duplex(64 * 1024);
    let (says, again) = (first.to_owned(), again.to_owned());
    let silent = says.is_empty() && again.is_empty();
    tokio::spawn(async move {
        let mut open = Script::open(&[("UID SEARCH", &says)]).play(theirs).await;
        while !again.is_empty() && open.write_all(again.as_bytes()).await.is_ok() {}
        let _ = open.read_to_end(&mut Vec::new()).await;
    });
    let wire = Wire::new(Box::new(ours), if silent { IMPATIENT } else { PATIENT });
    let mut session = Session::log_in(wire, &password()).await.unwrap_or_else(|stop| panic!("{stop:?}"));
    session.among(1, 1_000).await
}

#[tokio::test]
async fn a_server_that_lies_costs_one_bounded_look() {
    let line = "x".repeat(8 * 1024);
    let uids: String = (1..=1_000_000).map(|uid| format!(" {uid}")).collect();
    for (case, first, again) in [
        ("an endless line", "* SEARCH", line.as_str()),
        ("two gigabytes", "* 1 FETCH (UID 1 BODY[] {2147483647}\r\n", ""),
        ("a million UIDs", &format!("* SEARCH{uids}\r\nTAG OK done\r\n"), ""),
        ("answers without end", "", "* OK and another thing\r\n"),
        ("what nobody can read, without end", "", "* \u{0} {\r\n"),
        ("the end of another command", "P99 OK done\r\n", ""),
        ("what is no answer", "hello\r\n", ""),
    ] {
        assert_eq!(told(first, again).await, Err(Stop::Garbled), "{case}");
    }
    // What does not concern us is passed over.
    assert_eq!(
        told("* SEARCH 3 2000\r\n* VANISHED (EARLIER) 1\r\n* SEARCH 5\r\nTAG OK done\r\n", "").await,
        Ok(vec![3, 5])
    );
}

#[tokio::test]
async fn a_server_that_hangs_or_drips_is_given_up() {
    assert_eq!(told("", "").await, Err(Stop::Silent));
    let (ours, mut theirs) = duplex(1024);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if theirs.write_all(b"*").await.is_err() {
                break;
            }
        }
    });
    let wire = Wire::new(Box::new(ours), IMPATIENT);
    assert_eq!(Session::log_in(wire, &password()).await.err(), Some(Stop::LoginLater));
}
