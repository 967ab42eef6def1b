//! The product as a Sender and its recipients live through it.

mod alternatives;
mod api_keys;
mod api_rules;
mod campaigns;
mod channel_check;
mod channels;
mod checks;
mod domain_check;
mod fairness;
mod health;
mod import_again;
mod import_formats;
mod legal;
mod main_job;
mod members;
mod prospects;
mod relay;
mod replies;
mod second_factor;
mod sequences;
mod sessions;
mod sign_up;
mod unsubscribe;
mod variants;
mod webhooks;
mod windows;
