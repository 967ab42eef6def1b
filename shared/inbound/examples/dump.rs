#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
fn main() {
    let raw = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let m = mail_parser::MessageParser::new().with_mime_headers().default_header_text().parse(&raw).unwrap();
    for p in &m.parts { println!("{:?} {:?}", p.headers.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), format!("{:?}", p.body).chars().take(1500).collect::<String>()); }
    println!("{:?}", inbound::read(&raw));
}
