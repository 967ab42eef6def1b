//! prospects
