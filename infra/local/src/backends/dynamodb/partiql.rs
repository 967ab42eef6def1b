//! Just enough PartiQL to know what a statement does to which item: permissions and the bill depend on it.
//! The database itself parses the statement again, in full.

use serde_json::{Map, Value, json};

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Select,
    Insert,
    Update,
    Delete,
}

impl Kind {
    /// The IAM action it needs.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Select => "dynamodb:PartiQLSelect",
            Self::Insert => "dynamodb:PartiQLInsert",
            Self::Update => "dynamodb:PartiQLUpdate",
            Self::Delete => "dynamodb:PartiQLDelete",
        }
    }
}

/// One statement, as far as it matters here.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) kind: Kind,
    pub(super) table: String,
    pub(super) index: Option<String>,
    /// The item of an INSERT, or the attributes that the WHERE clause fixes by `=`, in DynamoDB JSON.
    pub(super) attributes: Map<String, Value>,
}

impl Statement {
    /// Reads a statement and its parameters; `None` when it is not one of the four kinds.
    pub(super) fn parse(text: &str, parameters: &[Value]) -> Option<Self> {
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, at: 0, parameters: parameters.iter() };
        let kind = match reader.word()?.to_ascii_uppercase().as_str() {
            "SELECT" => Kind::Select,
            "INSERT" => Kind::Insert,
            "UPDATE" => Kind::Update,
            "DELETE" => Kind::Delete,
            _ => return None,
        };
        match kind {
            Kind::Select | Kind::Delete => reader.skip_past("FROM")?,
            Kind::Insert => reader.skip_past("INTO")?,
            Kind::Update => {}
        }
        let table = reader.name()?;
        let index = reader.symbol('.').then(|| reader.name()).flatten();
        let attributes = match kind {
            Kind::Insert => {
                reader.skip_past("VALUE")?;
                match reader.value()? {
                    Value::Object(mut whole) => match whole.remove("M") {
                        Some(Value::Object(item)) => item,
                        _ => return None,
                    },
                    _ => return None,
                }
            }
            _ => reader.fixed_by_where(),
        };
        Some(Self { kind, table, index, attributes })
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A bare word: keyword, identifier, number, TRUE, NULL.
    Word(String),
    /// `"quoted"`.
    Quoted(String),
    /// `'text'`.
    Text(String),
    Symbol(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&first) = chars.peek() {
        if first.is_whitespace() {
            chars.next();
        } else if first == '\'' || first == '"' {
            chars.next();
            let mut inside = String::new();
            loop {
                match chars.next()? {
                    quote if quote == first => {
                        // A doubled quote is a quote.
                        if chars.next_if_eq(&first).is_none() {
                            break;
                        }
                        inside.push(first);
                    }
                    other => inside.push(other),
                }
            }
            tokens.push(if first == '"' { Token::Quoted(inside) } else { Token::Text(inside) });
        } else if first.is_alphanumeric() || first == '_' {
            let mut word = String::new();
            let numeric = first.is_ascii_digit();
            while let Some(next) =
                chars.next_if(|&next| next.is_alphanumeric() || next == '_' || next == '-' || (numeric && next == '.'))
            {
                word.push(next);
            }
            tokens.push(Token::Word(word));
        } else {
            tokens.push(Token::Symbol(first));
            chars.next();
        }
    }
    Some(tokens)
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    parameters: std::slice::Iter<'a, Value>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<&Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    fn word(&mut self) -> Option<String> {
        match self.next()? {
            Token::Word(word) => Some(word.clone()),
            _ => None,
        }
    }

    fn name(&mut self) -> Option<String> {
        match self.next()? {
            Token::Word(name) | Token::Quoted(name) => Some(name.clone()),
            _ => None,
        }
    }

    fn symbol(&mut self, wanted: char) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Symbol(wanted));
        self.at += usize::from(found);
        found
    }

    fn skip_past(&mut self, keyword: &str) -> Option<()> {
        loop {
            if let Token::Word(word) = self.next()?
                && word.eq_ignore_ascii_case(keyword)
            {
                return Some(());
            }
        }
    }

    /// A value: a parameter, a literal, a tuple or a list, in DynamoDB JSON.
    fn value(&mut self) -> Option<Value> {
        let token = self.next()?.clone();
        Some(match token {
            Token::Symbol('?') => self.parameters.next()?.clone(),
            Token::Text(text) => json!({ "S": text }),
            Token::Symbol('-') => {
                let Token::Word(digits) = self.next()? else {
                    return None;
                };
                json!({ "N": format!("-{digits}") })
            }
            Token::Word(word) => match word.to_ascii_uppercase().as_str() {
                "TRUE" => json!({ "BOOL": true }),
                "FALSE" => json!({ "BOOL": false }),
                "NULL" | "MISSING" => json!({ "NULL": true }),
                _ => json!({ "N": word }),
            },
            Token::Symbol('{') => {
                let mut map = Map::new();
                while !self.symbol('}') {
                    let name = match self.next()?.clone() {
                        Token::Text(name) | Token::Quoted(name) | Token::Word(name) => name,
                        Token::Symbol(',') => continue,
                        Token::Symbol(_) => return None,
                    };
                    if !self.symbol(':') {
                        return None;
                    }
                    let value = self.value()?;
                    map.insert(name, value);
                }
                json!({ "M": map })
            }
            Token::Symbol('[') => {
                let mut list = Vec::new();
                while !self.symbol(']') {
                    if self.symbol(',') {
                        continue;
                    }
                    list.push(self.value()?);
                }
                json!({ "L": list })
            }
            Token::Quoted(_) | Token::Symbol(_) => return None,
        })
    }

    /// Walks to the end; every `name = value` after WHERE is kept, and every `?` on the way uses up its parameter.
    fn fixed_by_where(&mut self) -> Map<String, Value> {
        let mut fixed = Map::new();
        let mut in_where = false;
        while let Some(token) = self.next().cloned() {
            match token {
                Token::Word(word) if word.eq_ignore_ascii_case("WHERE") => in_where = true,
                Token::Word(name) | Token::Quoted(name) if in_where && self.symbol('=') => {
                    if let Some(value) = self.value() {
                        fixed.insert(name, value);
                    }
                }
                Token::Symbol('?') => {
                    self.parameters.next();
                }
                _ => {}
            }
        }
        fixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_shows_its_item() {
        let statement = Statement::parse(
            r#"INSERT INTO "outreach" VALUE {'pk': ?, 'sk': 'a''b', 'n': 3, 'on': true, 'tags': [?, 'x'], 'm': {'k': ?}}"#,
            &[json!({"S": "W#1"}), json!({"S": "t"}), json!({"N": "9"})],
        )
        .unwrap();
        assert_eq!(statement.kind, Kind::Insert);
        assert_eq!(statement.table, "outreach");
        assert_eq!(
            Value::Object(statement.attributes),
            json!({
                "pk": {"S": "W#1"}, "sk": {"S": "a'b"}, "n": {"N": "3"}, "on": {"BOOL": true},
                "tags": {"L": [{"S": "t"}, {"S": "x"}]}, "m": {"M": {"k": {"N": "9"}}},
            })
        );
    }

    #[test]
    fn an_insert_may_bring_its_whole_item_as_one_parameter() {
        let item = json!({"M": {"pk": {"S": "W#1"}, "sk": {"S": "P"}}});
        let statement = Statement::parse("insert into outreach value ?", &[item]).unwrap();
        assert_eq!(statement.attributes["sk"], json!({"S": "P"}));
    }

    #[test]
    fn where_clauses_fix_the_key() {
        let statement = Statement::parse(
            r#"UPDATE "outreach" SET state = ? SET n = n + 1 WHERE "pk" = ? AND sk = 'D#1' AND state = ?"#,
            &[json!({"S": "sent"}), json!({"S": "W#1"}), json!({"S": "claimed"})],
        )
        .unwrap();
        assert_eq!(statement.kind, Kind::Update);
        assert_eq!(statement.attributes["pk"], json!({"S": "W#1"}));
        assert_eq!(statement.attributes["sk"], json!({"S": "D#1"}));
        assert_eq!(statement.attributes["state"], json!({"S": "claimed"}));

        let statement =
            Statement::parse(r#"SELECT * FROM "outreach"."due" WHERE shard = ?"#, &[json!({"N": "4"})]).unwrap();
        assert_eq!(statement.index.as_deref(), Some("due"));
        assert_eq!(statement.attributes["shard"], json!({"N": "4"}));

        let statement = Statement::parse("DELETE FROM t WHERE pk = 'a' AND sk = 'b'", &[]).unwrap();
        assert_eq!(statement.kind, Kind::Delete);
        assert!(Statement::parse("DROP TABLE t", &[]).is_none());
        assert!(Statement::parse("INSERT INTO t VALUE {'a", &[]).is_none());
    }
}
