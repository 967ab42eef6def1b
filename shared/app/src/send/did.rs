//! What a channel did with the messages of a group, and whether that says something of the channel or of the people.

use domain::{cause::Class, hindrance::Reason};

use crate::{evidence::Refused, mailer::Handed};

/// So many messages in a row that a channel refuses: it refuses everybody's.
pub(super) const TOO_MANY: isize = 10;

/// So many messages in a row of which nobody can tell what became: the next would go the same way.
pub(super) const TOO_SILENT: usize = 5;

/// When none is taken and so many are put off, it is the channel that puts them off.
const ALL_PUT_OFF: usize = 5;

/// What a channel did with the messages of a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Did {
    pub(super) accepted: usize,
    refused: usize,
    /// Of those that were refused, how many for what is in them or for who wrote them.
    pub(super) blocked: usize,
    /// And for addresses that it says to be bad.
    bad: usize,
    put_off: usize,
    /// Those of which nobody can tell.
    unknown: usize,
    hindered: Option<Reason>,
    /// Those were refused as anybody's would have been: nobody is used up by it.
    pub(super) refuses_all: bool,
}

impl Did {
    /// What it did when these were handed over.
    pub(super) fn of<'a>(handed: impl Iterator<Item = &'a Handed>) -> Self {
        let mut did = Self::default();
        for handed in handed {
            match handed {
                Handed::Accepted(_) => did.accepted += 1,
                Handed::Rejected(refused) => {
                    did.refused += 1;
                    did.blocked += usize::from(is_of(Class::Block, refused.as_deref()));
                    did.bad += usize::from(is_of(Class::Hard, refused.as_deref()));
                }
                Handed::PutOff(_) => did.put_off += 1,
                Handed::Hindered(reason) => did.hindered = did.hindered.max(Some(*reason)),
                Handed::Unknown => did.unknown += 1,
                Handed::Later | Handed::QuotaUsed | Handed::Paused => {}
            }
        }
        did
    }

    /// Whether it puts off everybody.
    pub(super) const fn puts_all_off(self) -> bool {
        self.accepted + self.refused == 0 && self.put_off >= ALL_PUT_OFF
    }

    /// What stands in its way. Whoever tries it again knows by one message.
    pub(super) fn trouble(self, trial: bool) -> Option<Reason> {
        let busy = self.puts_all_off().then_some(Reason::ChannelBusy);
        let silent =
            self.accepted + self.refused + self.put_off == 0 && self.unknown > if trial { 0 } else { TOO_SILENT - 1 };
        let silent = silent.then_some(Reason::Unreachable);
        self.refuses_all.then_some(Reason::MessagesRefused).or(self.hindered).or(busy).or(silent)
    }

    /// Whether it answered for somebody in particular, so that it works on the whole.
    pub(super) const fn works(self) -> bool {
        let for_all = match (self.refuses_all, self.refuses_many()) {
            (false, _) => 0,
            (true, false) => self.blocked,
            (true, true) => self.blocked + self.bad,
        };
        self.accepted + self.refused > for_all
    }

    /// Whether it took none and refused so many that it refuses everybody's: what it calls a bad address may be a good one then.
    pub(super) const fn refuses_many(self) -> bool {
        self.accepted == 0 && self.blocked + self.bad >= TOO_MANY.unsigned_abs()
    }

    /// Whether a refusal is one of those that it gives everybody.
    pub(super) fn is_for_all(self, refused: Option<&Refused>) -> bool {
        self.refuses_all && (is_of(Class::Block, refused) || (self.refuses_many() && is_of(Class::Hard, refused)))
    }
}

/// Whether what a channel said of a message is of a class.
pub(super) fn is_of(class: Class, refused: Option<&Refused>) -> bool {
    refused.is_some_and(|refused| refused.found.class == class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_takes_some_works_and_one_that_refuses_all_does_not() {
        let did = |accepted, refused, put_off, hindered| Did { accepted, refused, put_off, hindered, ..Did::default() };
        let (unreachable, messages) = (Some(Reason::Unreachable), Some(Reason::MessagesRefused));
        let all =
            |refused, blocked| Did { blocked, bad: refused - blocked, refuses_all: true, ..did(0, refused, 0, None) };
        for (did, trouble, works) in [
            (did(25, 0, 0, None), None, true),
            (did(24, 0, 0, unreachable), unreachable, true),
            (did(0, 0, 0, unreachable), unreachable, false),
            (did(0, 3, 0, None), None, true),
            (all(10, 10), messages, false),
            (all(3, 3), messages, false),
            (all(11, 10), messages, false),
            (all(25, 0), messages, false),
            // It knows one address to be bad: it answers for people, and refuses what is written to them all the same.
            (all(3, 2), messages, true),
            (did(0, 0, 4, None), None, false),
            (did(0, 0, 5, None), Some(Reason::ChannelBusy), false),
            (did(1, 0, 20, None), None, true),
            (did(0, 1, 20, None), None, true),
        ] {
            assert_eq!((did.trouble(false), did.works()), (trouble, works), "{did:?}");
        }
    }

    #[test]
    fn a_channel_of_whose_messages_nobody_can_tell_is_left_alone() {
        let did = |unknown, accepted| Did { unknown, accepted, ..Did::default() };
        for (did, trial, trouble) in [
            (did(4, 0), false, false),
            (did(5, 0), false, true),
            (did(24, 1), false, false),
            (did(1, 0), true, true),
            (did(0, 0), true, false),
        ] {
            assert_eq!(did.trouble(trial), trouble.then_some(Reason::Unreachable), "{did:?}");
        }
    }
}
