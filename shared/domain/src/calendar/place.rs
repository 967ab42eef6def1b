//! Where a person works, as far as it can be told: from the country that is kept of them, else from their address.

use crate::email::EmailAddress;

/// Countries with the time zone of their capital. Of those with several zones nobody knows better from a country.
const ZONES: [(&str, &str); 43] = [
    ("AD", "Europe/Andorra"),
    ("AT", "Europe/Vienna"),
    ("BE", "Europe/Brussels"),
    ("BG", "Europe/Sofia"),
    ("CA", "America/Toronto"),
    ("CH", "Europe/Zurich"),
    ("CY", "Asia/Nicosia"),
    ("CZ", "Europe/Prague"),
    ("DE", "Europe/Berlin"),
    ("DK", "Europe/Copenhagen"),
    ("DZ", "Africa/Algiers"),
    ("EE", "Europe/Tallinn"),
    ("ES", "Europe/Madrid"),
    ("FI", "Europe/Helsinki"),
    ("FR", "Europe/Paris"),
    ("GB", "Europe/London"),
    ("GR", "Europe/Athens"),
    ("HR", "Europe/Zagreb"),
    ("HU", "Europe/Budapest"),
    ("IE", "Europe/Dublin"),
    ("IS", "Atlantic/Reykjavik"),
    ("IT", "Europe/Rome"),
    ("JP", "Asia/Tokyo"),
    ("LI", "Europe/Vaduz"),
    ("LT", "Europe/Vilnius"),
    ("LU", "Europe/Luxembourg"),
    ("LV", "Europe/Riga"),
    ("MA", "Africa/Casablanca"),
    ("MC", "Europe/Monaco"),
    ("MT", "Europe/Malta"),
    ("NL", "Europe/Amsterdam"),
    ("NO", "Europe/Oslo"),
    ("PL", "Europe/Warsaw"),
    ("PT", "Europe/Lisbon"),
    ("RO", "Europe/Bucharest"),
    ("SE", "Europe/Stockholm"),
    ("SG", "Asia/Singapore"),
    ("SI", "Europe/Ljubljana"),
    ("SK", "Europe/Bratislava"),
    ("SM", "Europe/San_Marino"),
    ("TN", "Africa/Tunis"),
    ("TR", "Europe/Istanbul"),
    ("US", "America/New_York"),
];

/// A country whose time zone is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// ISO 3166-1, two capital letters.
    pub country: &'static str,
    /// A name of the IANA database.
    pub zone: &'static str,
}

impl Place {
    /// Where somebody works: what is kept of them counts more than where their mail is.
    pub fn of(country: Option<&str>, email: &EmailAddress) -> Option<Self> {
        country.and_then(Self::named).or_else(|| Self::of_domain(email.domain()))
    }

    fn named(country: &str) -> Option<Self> {
        let found = ZONES.binary_search_by_key(&country, |(country, _)| country).ok()?;
        ZONES.get(found).map(|(country, zone)| Self { country, zone })
    }

    fn of_domain(domain: &str) -> Option<Self> {
        let end = domain.rsplit('.').next()?.to_ascii_uppercase();
        Self::named(if end == "UK" { "GB" } else { &end })
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn every_zone_is_known_and_countries_are_sorted() {
        assert!(ZONES.is_sorted());
        for (country, zone) in ZONES {
            assert!(TimeZone::get(zone).is_ok(), "{country}: {zone}");
        }
    }

    #[test]
    fn a_country_counts_more_than_a_domain_and_a_domain_more_than_nothing() {
        for (country, address, expected) in [
            (Some("FI"), "a@firm.fr", Some("Europe/Helsinki")),
            (Some("XX"), "a@firm.fr", Some("Europe/Paris")),
            (None, "a@firm.co.uk", Some("Europe/London")),
            (None, "a@firm.PT", Some("Europe/Lisbon")),
            (None, "a@firm.eu", None),
            (None, "a@firm.test", None),
            // Names of companies everywhere, not of people in the British Indian Ocean Territory.
            (None, "a@firm.io", None),
        ] {
            let place = Place::of(country, &EmailAddress::parse(address).unwrap());
            assert_eq!(place.map(|place| place.zone), expected, "{country:?} {address}");
        }
    }
}
