//! Everything a person reads: campaign messages, system mails, pages and legal texts, in French and English.
