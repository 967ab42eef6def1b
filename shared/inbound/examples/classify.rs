#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
use inbound::Kind;
fn main() {
    let mut all = serde_json::Map::new();
    for file in std::env::args().skip(1) {
        let raw = std::fs::read(&file).unwrap();
        let read = inbound::read(&raw);
        let (kind, list) = match &read.kind {
            Kind::Bounce(list) | Kind::Delay(list) => ("bounce", list.clone()),
            Kind::Reply(_) | Kind::Other => ("none", Vec::new()),
            other => (other.as_str(), Vec::new()),
        };
        let list: Vec<_> = list.iter().map(|f| serde_json::json!({"address": f.address.expose(), "hard": f.is_hard(), "class": f.class.as_str(), "cause": format!("{:?}", f.cause), "words": f.evidence.words, "status": f.evidence.status.map(|s| s.to_string()), "reply": f.evidence.reply, "source": format!("{:?}", f.evidence.source)})).collect();
        let name = std::path::Path::new(&file).file_name().unwrap().to_str().unwrap().to_owned();
        all.insert(name, serde_json::json!({"kind": kind, "recipients": list}));
    }
    println!("{}", serde_json::to_string_pretty(&all).unwrap());
}
