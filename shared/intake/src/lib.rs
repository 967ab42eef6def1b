//! From the bytes of an uploaded file to prospect rows: detection, decoding, mapping, validation.
