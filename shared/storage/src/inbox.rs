//! Mail that came in, until it is read.

use aws_sdk_s3::Client;
use bytes::Bytes;

use crate::StoreError;

/// The mails of a bucket.
#[derive(Debug, Clone, Copy)]
pub struct Inbox<'a> {
    client: &'a Client,
    bucket: &'a str,
}

impl<'a> Inbox<'a> {
    /// Those in this bucket.
    pub fn new(client: &'a Client, bucket: &'a str) -> Self {
        Self { client, bucket }
    }

    /// One mail, whole: 40 MB at most. `None` when it is not there: it was read before.
    pub async fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let answer = match self.client.get_object().bucket(self.bucket).key(key).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let body = answer.body.collect().await.map_err(|_| StoreError::Unavailable("a mail's body".into()))?;
        Ok(Some(body.into_bytes()))
    }

    /// Deletes one, there or not.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.client.delete_object().bucket(self.bucket).key(key).send().await?;
        Ok(())
    }
}
