//! The relay, spoken to by a mail library and by hand.

use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backends::faults::{Plan, SmtpPlan};
use crate::backends::tests::Stack;
use crate::mailbox::Channel;

fn message(to: &str) -> Message {
    Message::builder()
        .from("News <news@example.org>".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("Héllo")
        .header(ContentType::TEXT_PLAIN)
        .body(".starts with a dot\r\n..two\r\n.\r\nend".to_owned())
        .unwrap()
}

fn transport(stack: &Stack, host: &str, implicit: bool, password: &str) -> AsyncSmtpTransport<Tokio1Executor> {
    let smtp = stack.backends.smtp();
    let root = Certificate::from_pem(smtp.root_pem().as_bytes()).unwrap();
    let parameters = TlsParameters::builder(host.to_owned()).add_root_certificate(root).build_rustls().unwrap();
    let (port, tls) = if implicit {
        (smtp.tls_port(), Tls::Wrapper(parameters))
    } else {
        (smtp.starttls_port(), Tls::Required(parameters))
    };
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(port)
        .tls(tls)
        .credentials(Credentials::new("user".to_owned(), password.to_owned()))
        .build()
}

#[tokio::test]
async fn both_ports_deliver_what_was_written() {
    let stack = Stack::start().await;
    for (host, implicit) in [("localhost", true), ("127.0.0.1", false)] {
        let transport = transport(&stack, host, implicit, "right");
        let sent = message("ana@example.com");
        transport.send(sent.clone()).await.unwrap();
        transport.send(sent.clone()).await.unwrap();
        let kept = stack.backends.mailbox().all();
        let last = kept.last().unwrap();
        assert_eq!(last.envelope.channel, Channel::Smtp);
        assert_eq!(last.envelope.envelope_from, "news@example.org");
        assert_eq!(last.envelope.envelope_to, ["ana@example.com"]);
        let mut expected = sent.formatted();
        if !expected.ends_with(b"\r\n") {
            expected.extend_from_slice(b"\r\n");
        }
        assert_eq!(String::from_utf8_lossy(&last.raw), String::from_utf8_lossy(&expected));
    }
    assert_eq!(stack.backends.mailbox().len(), 4);
    let logins = stack.backends.smtp().logins();
    assert!(logins.iter().all(|login| login.accepted));
    assert_eq!((logins[0].username.as_str(), logins[0].password.as_str()), ("user", "right"));
    assert!(!format!("{logins:?}").contains("right"));
}

#[tokio::test]
async fn logins_and_recipients_are_refused() {
    let stack = Stack::start().await;
    let wrong = transport(&stack, "localhost", true, super::WRONG_PASSWORD);
    let refusal = wrong.send(message("ana@example.com")).await.unwrap_err();
    assert!(refusal.is_permanent(), "{refusal}");
    let right = transport(&stack, "localhost", true, "right");
    let refusal = right.send(message("reject-5xx@example.com")).await.unwrap_err();
    assert!(refusal.is_permanent(), "{refusal}");
    let refusal = right.send(message("reject-4xx-now@example.com")).await.unwrap_err();
    assert!(refusal.is_transient(), "{refusal}");
    assert!(stack.backends.mailbox().is_empty());
}

#[tokio::test]
async fn the_certificate_is_no_public_one() {
    let stack = Stack::start().await;
    let parameters = TlsParameters::builder("localhost".to_owned()).build_rustls().unwrap();
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(stack.backends.smtp().tls_port())
        .tls(Tls::Wrapper(parameters))
        .build();
    assert!(transport.send(message("ana@example.com")).await.is_err());
}

#[tokio::test]
async fn a_cut_after_data_keeps_the_message() {
    let stack = Stack::start().await;
    stack.backends.faults().set(Plan {
        smtp: SmtpPlan { cut_after_data_every: 1, latency_ms: 0, ..SmtpPlan::default() },
        ..Plan::default()
    });
    let transport = transport(&stack, "localhost", true, "right");
    assert!(transport.send(message("ana@example.com")).await.is_err());
    assert_eq!(stack.backends.mailbox().len(), 1);
}

/// Writes everything at once and reads until the server has nothing more to say.
async fn plain(stack: &Stack, script: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", stack.backends.smtp().starttls_port())).await.unwrap();
    stream.write_all(script.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn nothing_is_taken_without_tls_and_login() {
    let stack = Stack::start().await;
    let answer = plain(&stack, "EHLO me\r\nAUTH PLAIN AHUAcA==\r\nMAIL FROM:<a@example.org>\r\nDATA\r\nQUIT\r\n").await;
    let codes: Vec<&str> = answer.lines().map(|line| &line[..3]).collect();
    assert!(answer.contains("250-PIPELINING") && answer.contains("250 STARTTLS"), "{answer}");
    assert!(!answer.contains("AUTH PLAIN"), "no password in the clear");
    assert_eq!(&codes[codes.len() - 4..], ["530", "530", "503", "221"], "{answer}");
    assert!(stack.backends.smtp().logins().is_empty());
}
