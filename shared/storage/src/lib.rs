//! DynamoDB, S3 and the keys of every table.
