//! Pure rules: values in, decision out. No clock, no network, no AWS.
