#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
// stdin lines "label\tstatus\treply": prints label, class, cause, words, reply
use std::io::BufRead;
fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut p = line.splitn(3, '\t');
        let (label, status, reply) = (p.next().unwrap(), p.next().unwrap(), p.next().unwrap());
        let status = if status.is_empty() { "5.0.0" } else { status };
        let raw = format!("From: mailer-daemon@a.test\nSubject: x\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nhi\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.test\n\nFinal-Recipient: rfc822; zz@b.test\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {reply}\n\n--b--\n");
        match inbound::read(raw.as_bytes()).kind {
            inbound::Kind::Bounce(f) => println!("{label}\t{}\t{:?}\t{:?}\t{reply}", f[0].class, f[0].cause, f[0].evidence.words),
            other => println!("{label}\t{other:?}\t{reply}"),
        }
    }
}
