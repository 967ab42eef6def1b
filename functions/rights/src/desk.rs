//! Which event it is that is no request.

use app::{Failure, rights::DeskOrder};
use serde_json::Value;

/// What an event asks for.
pub enum Order {
    /// Time has passed.
    Clock,
    /// Staff invoked the function, with `{"time": …, "<order>": {…}}`.
    Desk(Box<DeskOrder>),
}

impl Order {
    /// Reads an event. EventBridge names itself; everything else is staff's.
    pub fn of(event: Value) -> Result<Self, Failure> {
        if event["source"] == "aws.events" || event["source"] == "aws.scheduler" {
            return Ok(Self::Clock);
        }
        let Value::Object(mut event) = event else { return Err(unreadable("an object with a time and an order")) };
        event.remove("time");
        let order = serde_json::from_value(Value::Object(event));
        order.map(|order| Self::Desk(Box::new(order))).map_err(|error| unreadable(&error.to_string()))
    }
}

fn unreadable(why: &str) -> Failure {
    Failure::field("order", why)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_clock_and_the_desk_are_told_apart() {
        let clock = json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": "2026-05-01T10:00:00Z"});
        assert!(matches!(Order::of(clock), Ok(Order::Clock)));
        let enter = json!({"time": "2026-05-01T10:00:00Z", "enter": {
            "channel": "post", "kind": "access", "email": "ada@firm.test", "received_at": "2026-04-30T10:00:00Z"
        }});
        assert!(matches!(Order::of(enter), Ok(Order::Desk(_))));
        for wrong in [json!([]), json!({"time": "x", "erase": {}}), json!({"list": {}, "enter": {}})] {
            assert!(Order::of(wrong).is_err());
        }
    }
}
