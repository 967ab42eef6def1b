//! Which company somebody works at, without saying which: the keyed hash of a workspace and the domain of an address.
//!
//! Everybody under the name that a company registered is of one company, whatever stands before it, except at providers of
//! mailboxes for everybody. Under an ending for many (`co.uk`, `github.io`) each name is a company of its own.

use std::{fmt, str::FromStr};

use crate::{
    email::{EmailAddress, professional},
    id::WorkspaceId,
    organisation::registrable,
    subject::Pepper,
};

/// Bytes of the hash: of a million companies no two meet by chance.
const BYTES: usize = 8;

/// A company as one workspace knows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Company([u8; BYTES]);

impl Company {
    /// Where whoever has this address works; `None` at a provider of mailboxes for everybody.
    pub fn of(address: &EmailAddress, workspace: WorkspaceId, pepper: &Pepper) -> Option<Self> {
        professional(address).ok()?;
        let message =
            [workspace.as_bytes().as_slice(), registrable(address.domain()).to_lowercase().as_bytes()].concat();
        let hash = pepper.mac("company", 1, &message)?;
        hash.first_chunk().copied().map(Self)
    }

    /// The company of these bytes, as stored.
    pub const fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// The list, of sixteen, that it is in.
    pub const fn shard(&self) -> u8 {
        self.0[0] >> 4
    }
}

impl fmt::Display for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Company {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; BYTES];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_a_domain_and_a_provider_of_mailboxes_is_none() {
        let pepper = Pepper::from_json(r#"{"v1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let of = |address: &str, workspace| {
            Company::of(&EmailAddress::parse(address).unwrap(), WorkspaceId::from_bytes([workspace; 10]), &pepper)
        };
        let firm = of("ada@firm.test", 1).unwrap();
        assert_eq!(of("BOB@Firm.TEST", 1), Some(firm));
        assert_eq!(of("eve@fr.mail.firm.test", 1), Some(firm));
        assert_ne!(of("ada@firm.co.uk", 1), of("ada@other.co.uk", 1));
        assert_ne!(of("ada@a.github.io", 1), of("ada@b.github.io", 1));
        assert_eq!(firm.to_string().parse(), Ok(firm));
        assert!(!firm.to_string().contains("firm"));
        for (address, workspace) in [("ada@other.test", 1), ("ada@xfirm.test", 1), ("ada@firm.test", 2)] {
            assert_ne!(of(address, workspace), Some(firm), "{address}");
        }
        for address in ["ada@gmail.com", "bob@orange.fr", "eve@mailinator.com", "eve@eu.yahoo.com"] {
            assert_eq!(of(address, 1), None, "{address}");
        }
        assert!("xyz".parse::<Company>().is_err());
    }
}
