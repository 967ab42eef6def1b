//! A Sender's own mailbox, read for answers: how far a look into it came, where the next one begins, and when nobody looks
//! any more.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::channel_check::State;

/// Mailboxes of one workspace, at most.
pub const MOST_MAILBOXES: usize = 16;

/// Folders of one mailbox, at most.
pub const MOST_FOLDERS: usize = 4;

/// Where a mailbox gets its mail unless its Sender says otherwise.
pub const INBOX: &str = "INBOX";

/// How long a mailbox may fail before it is switched off.
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// How long a mailbox is left alone after one failure; twice as long after each further one.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// The longest such pause.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// A step of a look into a mailbox, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Its name is looked up, its address judged, a connection made.
    Connect,
    /// The connection is encrypted, and the certificate is the host's.
    Tls,
    /// The account is let in.
    Authenticate,
    /// The folders are opened, and only read.
    Open,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Connect, Self::Tls, Self::Authenticate, Self::Open];
}

/// Why a look into a mailbox came no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The name leads nowhere.
    Unresolved,
    /// One of its addresses is not public, or the port is not one of IMAP's.
    NotPublic,
    /// Nobody answered, or not as a mail server does.
    Unreachable,
    /// The server offers no encryption.
    NoEncryption,
    /// The certificate is not one for this host, or the handshake failed.
    Certificate,
    /// The account or its password is wrong.
    Credentials,
    /// The server offers no way to log in that we know.
    NoMechanism,
    /// The provider gives no access token: what it is asked for with was revoked, or is wrong.
    TokenRefused,
    /// The provider could not be asked for an access token.
    NoToken,
    /// The server did not let us in just now.
    LoginLater,
    /// There is no such folder, or it may not be read.
    NoFolder,
    /// The server went silent, or hung up.
    Silent,
    /// The server says what no server may say, or more than is read of it.
    Garbled,
}

impl Stop {
    /// Where it stopped.
    #[must_use]
    pub const fn step(self) -> Step {
        match self {
            Self::Unresolved | Self::NotPublic | Self::Unreachable => Step::Connect,
            Self::NoEncryption | Self::Certificate => Step::Tls,
            Self::Credentials | Self::NoMechanism | Self::TokenRefused | Self::NoToken | Self::LoginLater => {
                Step::Authenticate
            }
            Self::NoFolder | Self::Silent | Self::Garbled => Step::Open,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::NotPublic => "not_public",
            Self::Unreachable => "unreachable",
            Self::NoEncryption => "no_encryption",
            Self::Certificate => "certificate",
            Self::Credentials => "credentials",
            Self::NoMechanism => "no_mechanism",
            Self::TokenRefused => "token_refused",
            Self::NoToken => "no_token",
            Self::LoginLater => "login_later",
            Self::NoFolder => "no_folder",
            Self::Silent => "silent",
            Self::Garbled => "garbled",
        }
    }
}

/// How each step went, when it stopped there or nowhere.
#[must_use]
pub fn steps(stopped: Option<Stop>) -> [(Step, State); 4] {
    Step::ALL.map(|step| {
        let state = match stopped.map(Stop::step) {
            Some(at) if at == step => State::Failed,
            Some(at) if at < step => State::NotReached,
            _ => State::Done,
        };
        (step, state)
    })
}

/// Where the next look into a folder begins (RFC 3501 §2.3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// UIDVALIDITY: as long as it stays, a UID means the same mail.
    pub validity: u32,
    /// The first UID that was not looked at.
    pub next: u32,
}

impl Cursor {
    /// From where to look, in a folder that now has this validity and gives the next mail this UID. What was there before
    /// anybody asked us is none of our business, and neither is a folder that was made anew.
    #[must_use]
    pub fn of(known: Option<Self>, validity: u32, uid_next: u32) -> Self {
        match known {
            Some(known) if known.validity == validity && known.next <= uid_next => known,
            _ => Self { validity, next: uid_next },
        }
    }
}

/// Where the next look into one folder begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which.
    pub folder: String,
    /// From where.
    pub cursor: Cursor,
}

/// How reading a mailbox goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Where the next look begins, folder by folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    /// When it was last read to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// When it was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<Timestamp>,
    /// Why it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Tries on end that failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// Answers found.
    #[serde(default)]
    pub answers: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Reading {
    /// Whether it is to be tried at `now`: whoever fails is left alone for a while.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let Some(tried) = self.tried_at.filter(|_| self.failures > 0) else { return true };
        let doublings = self.failures.saturating_sub(1).min(6);
        let pause = (FIRST_PAUSE * (1_i32 << doublings)).min(LONGEST_PAUSE);
        // The schedule does not come to the second.
        tried + pause - SignedDuration::from_secs(30) <= now
    }

    /// Where the next look into a folder begins, if there was one before.
    #[must_use]
    pub fn cursor(&self, folder: &str) -> Option<Cursor> {
        self.places.iter().find(|place| place.folder == folder).map(|place| place.cursor)
    }

    /// Moves that on.
    pub fn move_to(&mut self, folder: &str, cursor: Cursor) {
        match self.places.iter_mut().find(|place| place.folder == folder) {
            Some(place) => place.cursor = cursor,
            None => self.places.push(Place { folder: folder.to_owned(), cursor }),
        }
    }

    /// After a look that came to its end.
    pub fn succeed(&mut self, now: Timestamp) {
        (self.read_at, self.tried_at) = (Some(now), Some(now));
        (self.stopped, self.failing_since, self.failures) = (None, None, 0);
    }

    /// After one that did not. True when it has failed for so long that nobody looks any more.
    pub fn fail(&mut self, stop: Stop, now: Timestamp) -> bool {
        self.tried_at = Some(now);
        self.stopped = Some(stop);
        self.failures = self.failures.saturating_add(1);
        let since = *self.failing_since.get_or_insert(now);
        self.failures > 1 && now.duration_since(since) >= PATIENCE
    }

    /// Forgets how it failed: its settings were entered again.
    pub fn start_over(&mut self) {
        (self.stopped, self.failing_since, self.failures) = (None, None, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        "2026-11-26T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn a_check_says_where_it_stopped() {
        use State::{Done, Failed, NotReached};
        let states = |stopped| steps(stopped).map(|(_, state)| state);
        assert_eq!(states(None), [Done; 4]);
        assert_eq!(states(Some(Stop::NotPublic)), [Failed, NotReached, NotReached, NotReached]);
        assert_eq!(states(Some(Stop::Credentials)), [Done, Done, Failed, NotReached]);
        assert_eq!(states(Some(Stop::NoFolder)), [Done, Done, Done, Failed]);
    }

    #[test]
    fn the_word_is_the_one_that_is_stored() {
        for stop in [Stop::NotPublic, Stop::LoginLater, Stop::TokenRefused, Stop::Garbled] {
            assert_eq!(serde_json::to_value(stop).unwrap(), stop.as_str());
        }
    }

    #[test]
    fn the_first_look_and_one_into_a_folder_made_anew_begin_now() {
        assert_eq!(Cursor::of(None, 7, 1_000), Cursor { validity: 7, next: 1_000 });
        let place = Cursor { validity: 7, next: 900 };
        let known = Some(place);
        assert_eq!(Cursor::of(known, 7, 1_000), place);
        assert_eq!(Cursor::of(known, 8, 1_000), Cursor { validity: 8, next: 1_000 });
        // A UID is never given twice: a folder that says so is another one.
        assert_eq!(Cursor::of(known, 7, 10), Cursor { validity: 7, next: 10 });
    }

    #[test]
    fn whoever_fails_is_left_alone_longer_each_time_and_given_up_after_a_day() {
        let mut reading = Reading::default();
        assert!(reading.is_due(at(0)));
        assert!(!reading.fail(Stop::Credentials, at(0)));
        assert!(!reading.is_due(at(3)) && reading.is_due(at(5)));
        assert!(!reading.fail(Stop::Credentials, at(5)));
        assert!(!reading.is_due(at(10)) && reading.is_due(at(15)));
        assert!(!reading.fail(Stop::Unreachable, at(24 * 60 - 1)));
        assert!(reading.fail(Stop::Unreachable, at(24 * 60)));
        assert_eq!((reading.failing_since, reading.stopped), (Some(at(0)), Some(Stop::Unreachable)));
        reading.succeed(at(24 * 60 + 5));
        assert!(reading.is_due(at(24 * 60 + 5)) && reading.stopped.is_none() && reading.failing_since.is_none());
        // One failure alone is no day of them, whenever it was.
        assert!(!reading.fail(Stop::Silent, at(0)));
        reading.start_over();
        assert!(!reading.fail(Stop::Silent, at(3_000)));
    }

    #[test]
    fn each_folder_has_a_place_of_its_own() {
        let mut reading = Reading::default();
        for (folder, next) in [("INBOX", 3), ("Sent", 4), ("INBOX", 5)] {
            reading.move_to(folder, Cursor { validity: 7, next });
        }
        assert_eq!(reading.cursor("INBOX"), Some(Cursor { validity: 7, next: 5 }));
        assert_eq!((reading.places.len(), reading.cursor("Junk")), (2, None));
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_an_hour(failures in 1_u32..u32::MAX) {
            let reading = Reading { failures, tried_at: Some(at(0)), ..Reading::default() };
            prop_assert!(reading.is_due(at(60)));
            prop_assert!(!reading.is_due(at(0)));
        }

        #[test]
        fn a_cursor_never_goes_back_and_never_skips(next in 1_u32.., uid_next in 1_u32.., validity in 1_u32..4) {
            let known = Cursor { validity: 1, next };
            let cursor = Cursor::of(Some(known), validity, uid_next);
            prop_assert!(cursor.next <= uid_next);
            if validity == 1 && next <= uid_next {
                prop_assert_eq!(cursor, known);
            }
        }
    }
}
