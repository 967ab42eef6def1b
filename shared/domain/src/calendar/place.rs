//! Where a person works, as far as it can be told: from the country that is kept of them, else from their address.

use jiff::tz::TimeZone;

use super::zones::{SOLD_ANYWHERE, ZONES};
use crate::email::EmailAddress;

/// A country whose time zones are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// ISO 3166-1, two capital letters.
    pub country: &'static str,
    zones: &'static [&'static str],
}

impl Place {
    /// Where somebody works: what is kept of them counts more than where their mail is.
    #[must_use]
    pub fn of(country: Option<&str>, email: &EmailAddress) -> Option<Self> {
        country.and_then(Self::named).or_else(|| Self::of_domain(email.domain()))
    }

    /// Its main time zones, by their names in the IANA database: first the one of most people.
    #[must_use]
    pub const fn zones(&self) -> &'static [&'static str] {
        self.zones
    }

    /// The time zone of most people there.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        self.zones.first().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
    }

    fn named(country: &str) -> Option<Self> {
        let found = ZONES.binary_search_by_key(&country, |(country, _)| country).ok()?;
        ZONES.get(found).map(|(country, zones)| Self { country, zones })
    }

    fn of_domain(domain: &str) -> Option<Self> {
        let end = domain.rsplit('.').next()?.to_ascii_uppercase();
        let end = if end == "UK" { "GB" } else { &end };
        Self::named(end).filter(|place| !SOLD_ANYWHERE.contains(&place.country))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_zones_that_are_known_and_the_table_is_sorted() {
        assert!(ZONES.is_sorted_by_key(|(country, _)| country) && SOLD_ANYWHERE.is_sorted());
        for (country, zones) in ZONES {
            assert!(country.len() == 2 && !zones.is_empty(), "{country}");
            for zone in zones {
                assert!(TimeZone::get(zone).is_ok_and(|known| !known.is_unknown()), "{country}: {zone}");
            }
        }
    }

    #[test]
    fn a_country_counts_more_than_a_domain_and_a_domain_more_than_nothing() {
        for (country, address, expected) in [
            (Some("FI"), "a@firm.fr", Some("Europe/Helsinki")),
            (Some("XX"), "a@firm.fr", Some("Europe/Paris")),
            (Some("IO"), "a@firm.fr", Some("Indian/Chagos")),
            (Some("NG"), "a@firm.test", Some("Africa/Lagos")),
            (None, "a@firm.co.uk", Some("Europe/London")),
            (None, "a@firm.PT", Some("Europe/Lisbon")),
            (None, "a@firm.co.za", Some("Africa/Johannesburg")),
            (None, "a@firm.eu", None),
            (None, "a@firm.test", None),
            // Names of companies everywhere, not of people in the British Indian Ocean Territory.
            (None, "a@firm.io", None),
            (None, "a@firm.ai", None),
        ] {
            let place = Place::of(country, &EmailAddress::parse(address).unwrap());
            let zone = place.and_then(|place| place.zones().first().copied());
            assert_eq!(zone, expected, "{country:?} {address}");
        }
        let states = Place::named("US").unwrap();
        assert_eq!((states.zones().len(), states.zone().iana_name()), (5, Some("America/New_York")));
    }
}
