//! The bucket of uploads and of the reports about them.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    presigning::{PresignedRequest, PresigningConfig},
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use domain::id::{ImportId, WorkspaceId};

use crate::{StoreError, WorkspaceScope};

/// Where uploads are put; what arrives there starts an import.
pub const UPLOADS: &str = "uploads/";

/// Where the reports of rejected rows are.
pub const REJECTS: &str = "rejects/";

/// The name of an uploaded file.
pub fn upload_key(workspace: WorkspaceId, import: ImportId) -> String {
    format!("{UPLOADS}{workspace}/{import}")
}

/// Reads [`upload_key`].
pub fn read_upload_key(key: &str) -> Option<(WorkspaceId, ImportId)> {
    let (workspace, import) = key.strip_prefix(UPLOADS)?.split_once('/')?;
    Some((workspace.parse().ok()?, import.parse().ok()?))
}

/// The name of a report of rejected rows.
pub fn rejects_key(workspace: WorkspaceId, import: ImportId) -> String {
    format!("{REJECTS}{workspace}/{import}.csv")
}

/// A request that somebody without our credentials may make, for a while.
#[derive(Clone)]
pub struct Presigned {
    /// Where to. The address is the permission: it is given to its reader and never logged.
    pub url: String,
    /// Headers that have to be sent exactly so.
    pub headers: Vec<(String, String)>,
}

impl From<PresignedRequest> for Presigned {
    fn from(request: PresignedRequest) -> Self {
        // Sent by every client anyway, or a trace of our own invocation: nothing the holder has to send.
        let not_theirs =
            |name: &str| ["host", "content-length", "x-amzn-trace-id"].contains(&name.to_ascii_lowercase().as_str());
        let headers = request.headers().filter(|(name, _)| !not_theirs(name));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { url: request.uri().to_owned(), headers }
    }
}

/// An object that is being read.
#[derive(Debug)]
pub struct Object {
    /// Its size.
    pub bytes: u64,
    /// What names this content of it.
    pub etag: Option<String>,
    /// Its content, as it arrives.
    pub body: ByteStream,
}

/// The objects of one workspace.
#[derive(Debug, Clone, Copy)]
pub struct Objects<'a> {
    client: &'a Client,
    /// The function's own: what it signs is good for longer than a session may last.
    own: &'a Client,
    bucket: &'a str,
    workspace: WorkspaceId,
}

impl<'a> Objects<'a> {
    /// The objects of the scope's workspace.
    pub fn new(client: &'a Client, bucket: &'a str, scope: &'a WorkspaceScope) -> Self {
        let reached = scope.reach().map_or(client, |reach| &reach.s3);
        Self { client: reached, own: client, bucket, workspace: scope.workspace() }
    }

    /// Lets the holder put an import's file, once: a second file would not be read. No call is made.
    pub async fn sign_upload(&self, import: ImportId, valid: Duration) -> Result<Presigned, StoreError> {
        let put = self.own.put_object().bucket(self.bucket).key(upload_key(self.workspace, import));
        let put = put.if_none_match("*");
        Ok(put.presigned(presigning(valid)?).await?.into())
    }

    /// Lets the holder get an import's report, as a download of that name. No call is made.
    pub async fn sign_rejects(&self, import: ImportId, name: &str, valid: Duration) -> Result<Presigned, StoreError> {
        let get = self
            .client
            .get_object()
            .bucket(self.bucket)
            .key(rejects_key(self.workspace, import))
            .response_content_disposition(format!("attachment; filename=\"{name}\""));
        Ok(get.presigned(presigning(valid)?).await?.into())
    }

    /// Opens an import's file; `None` when it is not there.
    pub async fn upload(&self, import: ImportId) -> Result<Option<Object>, StoreError> {
        self.open(upload_key(self.workspace, import)).await
    }

    /// Opens an import's report; `None` when there is none.
    pub async fn rejects(&self, import: ImportId) -> Result<Option<Object>, StoreError> {
        self.open(rejects_key(self.workspace, import)).await
    }

    async fn open(&self, key: String) -> Result<Option<Object>, StoreError> {
        match self.client.get_object().bucket(self.bucket).key(key).send().await {
            Ok(answer) => Ok(Some(Object {
                bytes: answer.content_length.and_then(|bytes| bytes.try_into().ok()).unwrap_or(0),
                etag: answer.e_tag,
                body: answer.body,
            })),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes an import's file, there or not. Its report names lines and columns, and nobody.
    pub async fn delete_upload(&self, import: ImportId) -> Result<(), StoreError> {
        self.client.delete_object().bucket(self.bucket).key(upload_key(self.workspace, import)).send().await?;
        Ok(())
    }

    /// Deletes an import's file and report, there or not.
    pub async fn delete_files(&self, import: ImportId) -> Result<(), StoreError> {
        for key in [upload_key(self.workspace, import), rejects_key(self.workspace, import)] {
            self.client.delete_object().bucket(self.bucket).key(key).send().await?;
        }
        Ok(())
    }

    /// The imports that the workspace has objects of: once for each object.
    pub async fn imports(&self) -> Result<Vec<ImportId>, StoreError> {
        let keys = self.list(&[UPLOADS, REJECTS]).await?;
        Ok(keys.iter().filter_map(|key| import_of(key)).collect())
    }

    /// The imports whose file is still there.
    pub async fn uploads(&self) -> Result<Vec<ImportId>, StoreError> {
        Ok(self.list(&[UPLOADS]).await?.iter().filter_map(|key| import_of(key)).collect())
    }

    /// Deletes every object of the workspace; how many there were.
    pub async fn delete_all(&self) -> Result<u64, StoreError> {
        let keys = self.list(&[UPLOADS, REJECTS]).await?;
        for key in &keys {
            self.client.delete_object().bucket(self.bucket).key(key).send().await?;
        }
        Ok(keys.len() as u64)
    }

    /// The paths of every object that the workspace has in these folders.
    async fn list(&self, folders: &[&str]) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        for folder in folders {
            let prefix = format!("{folder}{}/", self.workspace);
            let mut pages = self.client.list_objects_v2().bucket(self.bucket).prefix(prefix).into_paginator().send();
            while let Some(page) = pages.next().await {
                keys.extend(page?.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            }
        }
        Ok(keys)
    }

    /// Starts writing an import's report. Nothing is there before [`Report::finish`].
    pub fn write_rejects(&self, import: ImportId) -> Report<'a> {
        Report {
            client: self.client,
            bucket: self.bucket,
            key: rejects_key(self.workspace, import),
            upload: None,
            parts: Vec::new(),
        }
    }
}

/// The import that an object's path names.
fn import_of(key: &str) -> Option<ImportId> {
    key.rsplit('/').next()?.trim_end_matches(".csv").parse().ok()
}

fn presigning(valid: Duration) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(valid).map_err(|_| StoreError::Unavailable("presigning".into()))
}

/// Smallest part of a multipart upload but the last, in bytes: S3's rule.
pub const PART: usize = 5 * 1024 * 1024;

/// A report on its way to the bucket: one call when it is small, parts when it is not.
#[derive(Debug)]
pub struct Report<'a> {
    client: &'a Client,
    bucket: &'a str,
    key: String,
    upload: Option<String>,
    parts: Vec<CompletedPart>,
}

const CSV: &str = "text/csv; charset=utf-8";

impl Report<'_> {
    /// Sends a part of [`PART`] bytes or more.
    pub async fn part(&mut self, bytes: Vec<u8>) -> Result<(), StoreError> {
        let upload = match &self.upload {
            Some(upload) => upload.clone(),
            None => {
                let create = self.client.create_multipart_upload().bucket(self.bucket).key(&self.key);
                let answer = create.content_type(CSV).send().await?;
                let upload = answer.upload_id.ok_or_else(|| StoreError::Unavailable("no upload id".into()))?;
                self.upload.insert(upload).clone()
            }
        };
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let answer = self
            .client
            .upload_part()
            .bucket(self.bucket)
            .key(&self.key)
            .upload_id(upload)
            .part_number(number)
            .body(ByteStream::from(Bytes::from(bytes)))
            .send()
            .await?;
        self.parts.push(CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag).build());
        Ok(())
    }

    /// Sends the last bytes. From now on the report can be read, whole.
    pub async fn finish(mut self, rest: Vec<u8>) -> Result<(), StoreError> {
        if self.upload.is_none() {
            let put = self.client.put_object().bucket(self.bucket).key(&self.key).content_type(CSV);
            put.body(ByteStream::from(Bytes::from(rest))).send().await?;
            return Ok(());
        }
        if !rest.is_empty() {
            self.part(rest).await?;
        }
        self.client
            .complete_multipart_upload()
            .bucket(self.bucket)
            .key(&self.key)
            .set_upload_id(self.upload.take())
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(self.parts)).build())
            .send()
            .await?;
        Ok(())
    }

    /// Gives up what was sent. What cannot be given up now, the bucket's lifecycle drops in a day.
    pub async fn abandon(self) {
        if let Some(upload) = self.upload {
            let abort = self.client.abort_multipart_upload().bucket(self.bucket).key(self.key).upload_id(upload);
            if abort.send().await.is_err() {
                tracing::warn!("a report in parts was left to the bucket's lifecycle");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_names_its_import_and_nothing_else_does() {
        let (workspace, import) = (WorkspaceId::from_bytes([1; 10]), ImportId::from_bytes([2; 10]));
        assert_eq!(read_upload_key(&upload_key(workspace, import)), Some((workspace, import)));
        for other in [
            rejects_key(workspace, import),
            format!("uploads/{workspace}/{import}/x"),
            format!("uploads/{workspace}"),
            String::new(),
        ] {
            assert_eq!(read_upload_key(&other), None, "{other}");
        }
    }
}
