//! What every Lambda needs at its rim: configuration, AWS clients, tokens, problem+json, SQS batches, telemetry.
