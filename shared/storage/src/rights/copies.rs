//! The bucket of copies of identity documents: nothing else is in it, and no backup has it.
//!
//! The name of an object is its request and the moment it was received: nothing of the person, and all
//! that the purge needs to know.

use aws_sdk_s3::{Client, presigning::PresigningConfig, primitives::ByteStream};
use bytes::Bytes;
use domain::{Timestamp, id::RequestId, rights::identity::Document};
use std::time::Duration;

use crate::StoreError;

/// The copies of all requests.
#[derive(Debug, Clone, Copy)]
pub struct Copies<'a> {
    client: &'a Client,
    bucket: &'a str,
}

/// Where a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The request it was asked for.
    pub request: RequestId,
    /// When it was received, to the millisecond.
    pub received: Timestamp,
}

impl Place {
    fn key(self) -> String {
        format!("{}/{}", self.request, self.received.as_millisecond())
    }

    /// Reads [`Place::key`].
    fn of(key: &str) -> Option<Self> {
        let (request, moment) = key.split_once('/')?;
        let received = Timestamp::from_millisecond(moment.parse().ok()?).ok()?;
        Some(Self { request: request.parse().ok()?, received })
    }
}

impl<'a> Copies<'a> {
    /// Those in this bucket.
    pub fn new(client: &'a Client, bucket: &'a str) -> Self {
        Self { client, bucket }
    }

    /// Puts one there.
    pub async fn put(&self, place: Place, document: Document, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.client.put_object().bucket(self.bucket).key(place.key()).content_type(document.media_type());
        put.body(ByteStream::from(Bytes::from(bytes))).send().await?;
        Ok(())
    }

    /// Lets the holder get one, as a download that names nobody. No call is made.
    pub async fn sign(&self, place: Place, valid: Duration) -> Result<String, StoreError> {
        let config = PresigningConfig::expires_in(valid).map_err(|_| StoreError::Unavailable("presigning".into()))?;
        let get = self.client.get_object().bucket(self.bucket).key(place.key());
        Ok(get.response_content_disposition("attachment").presigned(config).await?.uri().to_owned())
    }

    /// Deletes one, there or not.
    pub async fn delete(&self, place: Place) -> Result<(), StoreError> {
        self.client.delete_object().bucket(self.bucket).key(place.key()).send().await?;
        Ok(())
    }

    /// All that are there: a handful.
    pub async fn all(&self) -> Result<Vec<Place>, StoreError> {
        let mut places = Vec::new();
        let mut pages = self.client.list_objects_v2().bucket(self.bucket).into_paginator().send();
        while let Some(page) = pages.next().await {
            places.extend(page?.contents().iter().filter_map(|object| Place::of(object.key()?)));
        }
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a48_a_copys_name_says_which_request_and_when_and_nothing_else() {
        let place = Place {
            request: RequestId::from_bytes([3; 10]),
            received: Timestamp::from_millisecond(1_790_000_000_123).unwrap(),
        };
        let key = place.key();
        assert_eq!(key, "req_03030303030303030303/1790000000123");
        assert_eq!(Place::of(&key), Some(place));
        for other in ["", "req_03030303030303030303", "req_03030303030303030303/x", "x/1790000000123"] {
            assert_eq!(Place::of(other), None, "{other}");
        }
    }
}
