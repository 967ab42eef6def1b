//! Uploads into prospects: one message, one file.

use app::{
    App, Failure,
    import::{Attempt, ImportMessage},
};
use edge::queue::Record;
use serde::Deserialize;
use storage::objects::read_upload_key;

/// One message of the import queue: S3's news of an upload, or our own that a file is not at its end.
pub async fn handle(app: &App, record: Record) -> Result<(), Failure> {
    let files = files(&record.body)?;
    let Record { id, receives, now, deadline, .. } = record;
    let attempt = Attempt { message: id, receives, now, deadline };
    for file in files {
        app.run_import(file, &attempt).await?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Ours(ImportMessage),
    Uploads {
        #[serde(rename = "Records")]
        records: Vec<Upload>,
    },
    /// What S3 sends once, when the notification is set up.
    Test {
        #[serde(rename = "Event")]
        event: String,
    },
}

#[derive(Deserialize)]
struct Upload {
    s3: S3,
}

#[derive(Deserialize)]
struct S3 {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    /// As in a form: our own names have nothing to decode.
    key: String,
}

/// The files that a message is about.
fn files(body: &str) -> Result<Vec<ImportMessage>, Failure> {
    let message =
        serde_json::from_str(body).map_err(|_| Failure::internal("an unknown message on the import queue"))?;
    let uploads = match message {
        Message::Ours(file) => return Ok(vec![file]),
        Message::Test { event } if event == "s3:TestEvent" => return Ok(Vec::new()),
        Message::Test { .. } => return Err(Failure::internal("an unknown event on the import queue")),
        Message::Uploads { records } => records,
    };
    let keys = uploads.into_iter().map(|upload| upload.s3.object.key);
    let files = keys.filter_map(|key| {
        let found = read_upload_key(&key.replace("%2F", "/"));
        if found.is_none() {
            tracing::warn!("an upload that names no import");
        }
        found.map(|(workspace, import)| ImportMessage { workspace, import })
    });
    Ok(files.collect())
}

#[cfg(test)]
mod tests {
    use domain::id::{ImportId, WorkspaceId};

    use super::*;

    const WORKSPACE: &str = "ws_01010101010101010101";
    const IMPORT: &str = "imp_02020202020202020202";

    fn ours() -> ImportMessage {
        ImportMessage { workspace: WorkspaceId::from_bytes([1; 10]), import: ImportId::from_bytes([2; 10]) }
    }

    #[test]
    fn news_of_an_upload_and_our_own_message_name_the_same_file() {
        let news = format!(
            r#"{{"Records":[{{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-3",
            "eventTime":"2026-09-15T16:20:00.000Z","eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"b"}},
            "object":{{"key":"uploads/{WORKSPACE}/{IMPORT}","size":12,"eTag":"x","sequencer":"00"}}}}}}]}}"#
        );
        assert_eq!(files(&news).unwrap(), [ours()]);
        assert_eq!(files(&serde_json::to_string(&ours()).unwrap()).unwrap(), [ours()]);
    }

    #[test]
    fn the_test_event_and_foreign_objects_are_nothing_to_do_and_the_rest_is_an_error() {
        assert!(files(r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#).unwrap().is_empty());
        assert!(files(r#"{"Records":[{"s3":{"object":{"key":"uploads/x.csv"}}}]}"#).unwrap().is_empty());
        for bad in ["", "{}", r#"{"Event":"other"}"#, "[]"] {
            assert!(files(bad).is_err(), "{bad}");
        }
    }
}
