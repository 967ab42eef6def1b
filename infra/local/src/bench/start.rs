//! How long a function takes from its start to its first question for work, AWS clients and warm-up included.

use std::time::Duration;

use serde_json::json;

use super::figure::{Bar, Figure, median_ms};
use crate::Stack;

/// Starts of each function.
const STARTS: usize = 20;

pub(super) async fn measure(stack: &Stack, binaries: &[String]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for binary in binaries {
        while stack.starts(binary).len() <= STARTS {
            // No function knows this event: it says so at once, and is then killed.
            let before = stack.starts(binary).len();
            let _ = stack.invoke(binary, &json!({})).await;
            stack.kill(binary).await;
            if stack.starts(binary).len() == before {
                break;
            }
        }
        // The first reads the binary from the disk.
        let starts: Vec<Duration> = stack.starts(binary).into_iter().skip(1).collect();
        let note = format!("median of {}, back ends on loopback", starts.len());
        figures
            .push(Figure::new(format!("start: {binary}"), median_ms(starts), "ms").bar(Bar::AtMost(10.0)).note(note));
    }
    figures
}
