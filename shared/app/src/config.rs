//! What the environment tells a function. template.yaml sets it; a name that a function does not
//! need is empty there, and using it is an error that names it.

use std::collections::BTreeMap;

use domain::blocklist::Blocklist;
use storage::Tables;

/// Names and addresses.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Table names.
    pub tables: Tables,
    /// Bucket of uploads and reject reports.
    pub uploads_bucket: String,
    /// Bucket of copies of identity documents; only `rights` and `purge` have it.
    pub identity_bucket: String,
    /// Bucket of mail that came in; only `replies` has it.
    pub inbound_bucket: String,
    /// Domain of the addresses that answers go to; blank where nothing comes in.
    pub inbound_domain: String,
    /// Queue that `import` reads.
    pub import_queue_url: String,
    /// Queue that `fan-out` reads.
    pub fan_out_queue_url: String,
    /// Queue that `send` reads.
    pub send_queue_url: String,
    /// Queue that `feedback` reads.
    pub feedback_queue_url: String,
    /// Queue that `webhook` reads.
    pub webhook_queue_url: String,
    /// Queue that `mailboxes` reads.
    pub mailbox_queue_url: String,
    /// Secret of keyed hashes and tokens.
    pub pepper_secret: String,
    /// Secret of access tokens; only `session` has it.
    pub session_secret: String,
    /// Secret of signed statements; only `purge` has it.
    pub statement_secret: String,
    /// Name of the restore after which nothing is sent until it is replayed; blank when nothing was restored.
    pub restore: String,
    /// Secrets that get new versions: ARNs by their names in the template. Only `rotate` knows them.
    pub rotated_secrets: BTreeMap<String, String>,
    /// KMS key that wraps data keys.
    pub data_key: String,
    /// Role that a workspace's session is of; blank where the function's own reaches all it needs.
    pub workspace_role: String,
    /// Base of every link, without a slash at the end.
    pub public_url: String,
    /// Address that system mail comes from.
    pub mail_from: String,
    /// SES configuration set that publishes events.
    pub ses_configuration_set: String,
    /// The same, with news of each delivery among them.
    pub ses_delivery_configuration_set: String,
    /// CIDRs beside the public internet where a relay may live.
    pub relay_networks: String,
    /// PEM of roots, beside the public ones, that a relay's certificate may chain to.
    pub relay_root_certificates: String,
    /// Name server (`address:port`) that domains are looked up with; blank for the machine's own.
    pub name_server: String,
    /// Blocklists that a domain check asks: `ip:<zone>` of addresses, `domain:<zone>` of domains. Nobody is asked unless
    /// the operator names them.
    pub blocklists: Vec<Blocklist>,
    /// CIDRs beside the public internet where an endpoint for events may live.
    pub webhook_networks: String,
    /// PEM of roots, beside the public ones, that such an endpoint's certificate may chain to.
    pub webhook_root_certificates: String,
    /// The operator, as the legal pages and system mails name it.
    pub operator_name: String,
    /// Where the operator answers questions.
    pub operator_contact: String,
    /// Where the operator answers questions about data, and is told what is overdue.
    pub operator_privacy_contact: String,
    /// Where abuse is reported.
    pub operator_abuse_contact: String,
}

impl Config {
    /// Reads it with `get`, usually `std::env::var`.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| get(name).unwrap_or_default();
        Self {
            tables: Tables {
                accounts: var("ACCOUNTS_TABLE"),
                prospects: var("PROSPECTS_TABLE"),
                outreach: var("OUTREACH_TABLE"),
                suppressions: var("SUPPRESSIONS_TABLE"),
                evidence: var("EVIDENCE_TABLE"),
                rights: var("RIGHTS_TABLE"),
                keys: var("KEYS_TABLE"),
            },
            uploads_bucket: var("UPLOADS_BUCKET"),
            identity_bucket: var("IDENTITY_BUCKET"),
            inbound_bucket: var("INBOUND_BUCKET"),
            inbound_domain: var("INBOUND_DOMAIN"),
            import_queue_url: var("IMPORT_QUEUE_URL"),
            fan_out_queue_url: var("FAN_OUT_QUEUE_URL"),
            send_queue_url: var("SEND_QUEUE_URL"),
            feedback_queue_url: var("FEEDBACK_QUEUE_URL"),
            webhook_queue_url: var("WEBHOOK_QUEUE_URL"),
            mailbox_queue_url: var("MAILBOX_QUEUE_URL"),
            pepper_secret: var("PEPPER_SECRET"),
            session_secret: var("SESSION_SECRET"),
            statement_secret: var("STATEMENT_SECRET"),
            restore: var("RESTORE_NAME"),
            rotated_secrets: var("ROTATED_SECRETS")
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, arn)| (name.to_owned(), arn.to_owned()))
                .collect(),
            data_key: var("DATA_KEY"),
            workspace_role: var("WORKSPACE_ROLE"),
            public_url: var("PUBLIC_URL").trim_end_matches('/').to_owned(),
            mail_from: var("MAIL_FROM"),
            ses_configuration_set: var("SES_CONFIGURATION_SET"),
            ses_delivery_configuration_set: var("SES_DELIVERY_CONFIGURATION_SET"),
            relay_networks: var("RELAY_NETWORKS"),
            relay_root_certificates: var("RELAY_ROOT_CERTIFICATES"),
            name_server: var("NAME_SERVER"),
            blocklists: var("DNS_BLOCKLISTS").split(',').filter_map(Blocklist::read).collect(),
            webhook_networks: var("WEBHOOK_NETWORKS"),
            webhook_root_certificates: var("WEBHOOK_ROOT_CERTIFICATES"),
            operator_name: var("OPERATOR_NAME"),
            operator_contact: var("OPERATOR_CONTACT"),
            operator_privacy_contact: var("OPERATOR_PRIVACY_CONTACT"),
            operator_abuse_contact: var("OPERATOR_ABUSE_CONTACT"),
        }
    }
}
