//! Periods, days and sources in words.

use domain::locale::Locale;
use domain::policy::retention::{Class, Policy};
use domain::prospect::{Source, SourceKind};
use jiff::civil::Date;

use crate::mime::one_line;

/// How long an opt-out is kept, as policy.toml has it.
pub(crate) fn opt_outs_kept(locale: Locale) -> String {
    let months = Policy::current().keep(Class::Suppression).months();
    period(locale, months.unwrap_or_default())
}

pub(super) fn period(locale: Locale, months: u32) -> String {
    let (count, unit) = if months >= 12 && months.is_multiple_of(12) {
        (months / 12, if locale == Locale::Fr { "an" } else { "year" })
    } else {
        (months, if locale == Locale::Fr { "mois" } else { "month" })
    };
    let plural = if count > 1 && unit != "mois" { "s" } else { "" };
    format!("{count} {unit}{plural}")
}

/// Where the address comes from, in words: kind, detail, day.
pub(super) fn origin(locale: Locale, source: &Source) -> String {
    let kind = match (locale, source.kind) {
        (Locale::Fr, SourceKind::Directory) => "annuaire professionnel",
        (Locale::Fr, SourceKind::Form) => "formulaire que vous avez rempli",
        (Locale::Fr, SourceKind::BusinessExchange) => "échange professionnel",
        (Locale::Fr, SourceKind::TradeFair) => "salon professionnel",
        (Locale::Fr, SourceKind::Website) => "site internet public de votre organisation",
        (Locale::Fr, SourceKind::Customer) => "fichier de clients et partenaires",
        (Locale::Fr, SourceKind::Other) => "autre",
        (Locale::En, SourceKind::Directory) => "professional directory",
        (Locale::En, SourceKind::Form) => "form you filled in",
        (Locale::En, SourceKind::BusinessExchange) => "business exchange",
        (Locale::En, SourceKind::TradeFair) => "trade fair",
        (Locale::En, SourceKind::Website) => "public website of your organisation",
        (Locale::En, SourceKind::Customer) => "customer and partner file",
        (Locale::En, SourceKind::Other) => "other",
    };
    let detail = one_line(&source.detail);
    let detail = detail.trim_end_matches('.');
    let day = day(locale, source.collected_on);
    match locale {
        Locale::Fr if detail.is_empty() => format!("{kind}, adresse recueillie le {day}"),
        Locale::Fr => format!("{kind} ({detail}), adresse recueillie le {day}"),
        Locale::En if detail.is_empty() => format!("{kind}, collected on {day}"),
        Locale::En => format!("{kind} ({detail}), collected on {day}"),
    }
}

/// `1er mars 2026`, `1 March 2026`.
pub(crate) fn day(locale: Locale, date: Date) -> String {
    const FRENCH: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let names = if locale == Locale::Fr { FRENCH } else { ENGLISH };
    let month = usize::try_from(date.month()).ok().and_then(|month| names.get(month.checked_sub(1)?)).unwrap_or(&"");
    let number = if date.day() == 1 && locale == Locale::Fr { "1er".to_owned() } else { date.day().to_string() };
    format!("{number} {month} {}", date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_and_days_read_like_words() {
        assert_eq!(opt_outs_kept(Locale::Fr), "3 ans");
        assert_eq!(period(Locale::Fr, 36), "3 ans");
        assert_eq!(period(Locale::Fr, 12), "1 an");
        assert_eq!(period(Locale::En, 24), "2 years");
        assert_eq!(period(Locale::Fr, 18), "18 mois");
        assert_eq!(period(Locale::En, 1), "1 month");
        let date = jiff::civil::date(2026, 3, 1);
        assert_eq!(day(Locale::Fr, date), "1er mars 2026");
        assert_eq!(day(Locale::En, date), "1 March 2026");
    }
}
