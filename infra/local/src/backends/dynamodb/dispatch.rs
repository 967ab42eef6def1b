//! Calls the in-process database: JSON in, JSON and consumed capacity out.

use dynoxide::types::ConsumedCapacity;
use dynoxide::{Database, DynoxideError};
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What an operation gave.
pub(super) struct Done {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    /// Per table, whether or not the caller asked for it.
    pub(super) capacity: Vec<ConsumedCapacity>,
}

/// How much of the consumed capacity the caller asked to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Total,
    Indexes,
}

impl Wanted {
    fn of(mode: Option<&str>) -> Self {
        match mode {
            Some("TOTAL") => Self::Total,
            Some("INDEXES") => Self::Indexes,
            _ => Self::Nothing,
        }
    }

    fn shown(self, mut capacity: ConsumedCapacity) -> ConsumedCapacity {
        if self == Self::Total {
            capacity.table = None;
            capacity.global_secondary_indexes = None;
            capacity.local_secondary_indexes = None;
            capacity.vector_indexes = None;
        }
        capacity
    }
}

/// The two shapes in which answers carry capacity.
trait Capacity: Sized {
    /// Everything that was consumed, and what the caller gets to see of it.
    fn split(self, wanted: Wanted) -> (Vec<ConsumedCapacity>, Option<Self>);
}

impl Capacity for ConsumedCapacity {
    fn split(self, wanted: Wanted) -> (Vec<ConsumedCapacity>, Option<Self>) {
        let shown = (wanted != Wanted::Nothing).then(|| wanted.shown(self.clone()));
        (vec![self], shown)
    }
}

impl Capacity for Vec<ConsumedCapacity> {
    fn split(self, wanted: Wanted) -> (Vec<ConsumedCapacity>, Option<Self>) {
        let shown = (wanted != Wanted::Nothing).then(|| {
            let all = self.iter().cloned();
            all.map(|capacity| wanted.shown(capacity)).collect()
        });
        (self, shown)
    }
}

/// Runs one operation, or answers that there is no such operation. It blocks: call it off the async threads.
pub(super) fn run(database: &Database, operation: &str, body: &str) -> Done {
    let result = dispatch(database, operation, body);
    result.unwrap_or_else(|error| Done {
        status: StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST),
        body: error.to_json().into_bytes(),
        capacity: Vec::new(),
    })
}

/// An operation that reports capacity: always asked for, shown only to a caller who asked too.
macro_rules! metered {
    ($database:expr, $body:expr, $method:ident) => {{
        // The request's type is inferred from the method.
        let mut request = request($body, |request| $database.$method(request))?;
        let wanted = Wanted::of(request.return_consumed_capacity.as_deref());
        if matches!(request.return_consumed_capacity.as_deref(), None | Some("NONE" | "TOTAL" | "INDEXES")) {
            request.return_consumed_capacity = Some("INDEXES".to_owned());
        }
        let mut response = $database.$method(request)?;
        let mut capacity = Vec::new();
        if let Some(consumed) = response.consumed_capacity.take() {
            let (all, shown) = consumed.split(wanted);
            capacity = all;
            response.consumed_capacity = shown;
        }
        done(&response, capacity)
    }};
}

macro_rules! plain {
    ($database:expr, $body:expr, $method:ident) => {{
        let request = request($body, |request| $database.$method(request))?;
        done(&$database.$method(request)?, Vec::new())
    }};
}

fn dispatch(database: &Database, operation: &str, body: &str) -> Result<Done, DynoxideError> {
    match operation {
        "GetItem" => metered!(database, body, get_item),
        "PutItem" => metered!(database, body, put_item),
        "UpdateItem" => metered!(database, body, update_item),
        "DeleteItem" => metered!(database, body, delete_item),
        "Query" => metered!(database, body, query),
        "Scan" => metered!(database, body, scan),
        "BatchGetItem" => metered!(database, body, batch_get_item),
        "BatchWriteItem" => metered!(database, body, batch_write_item),
        "TransactGetItems" => metered!(database, body, transact_get_items),
        "TransactWriteItems" => metered!(database, body, transact_write_items),
        "ExecuteStatement" => metered!(database, body, execute_statement),
        "BatchExecuteStatement" => metered!(database, body, batch_execute_statement),
        "ExecuteTransaction" => metered!(database, body, execute_transaction),
        "CreateTable" => plain!(database, body, create_table),
        "DeleteTable" => plain!(database, body, delete_table),
        "DescribeTable" => plain!(database, body, describe_table),
        "ListTables" => plain!(database, body, list_tables),
        "UpdateTable" => plain!(database, body, update_table),
        "UpdateTimeToLive" => plain!(database, body, update_time_to_live),
        "DescribeTimeToLive" => plain!(database, body, describe_time_to_live),
        _ => Ok(Done {
            status: StatusCode::BAD_REQUEST,
            body: br#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#.to_vec(),
            capacity: Vec::new(),
        }),
    }
}

/// Reads a request of the type that `_method` takes.
fn request<T: DeserializeOwned, R>(body: &str, _method: impl FnOnce(T) -> R) -> Result<T, DynoxideError> {
    serde_json::from_str(body).map_err(|error| refusal(&error.to_string()))
}

/// The database marks a refusal found while reading a request with a prefix of its message.
fn refusal(message: &str) -> DynoxideError {
    let cut = message.rfind(" at line ").unwrap_or(message.len());
    let message = &message[..cut];
    for mark in ["VALIDATION_REQUEST:", "VALIDATION:"] {
        if let Some(rest) = message.strip_prefix(mark) {
            return DynoxideError::ValidationException(rest.to_owned());
        }
    }
    DynoxideError::SerializationException(message.to_owned())
}

fn done<T: Serialize>(response: &T, capacity: Vec<ConsumedCapacity>) -> Result<Done, DynoxideError> {
    let body = serde_json::to_vec(response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
    Ok(Done { status: StatusCode::OK, body, capacity })
}
