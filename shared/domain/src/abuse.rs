//! Reports of abuse (A71): what can be reported, how it comes, whom a report is about, and how a case ends.
//!
//! A report is written by anybody about anybody. What it names is a clue for staff and proves nothing, except an
//! unsubscribe link, which only we can make.

use serde::{Deserialize, Serialize};

use crate::id::{CampaignId, ID_BYTES, WorkspaceId};

/// What a Sender is reported for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbuseKind {
    /// A message although the person had unsubscribed.
    DespiteUnsubscribe,
    /// A list that was manifestly obtained unlawfully.
    UnlawfulList,
    /// What a message says or offers.
    UnlawfulContent,
}

impl AbuseKind {
    /// Every kind, as the form lists them.
    pub const ALL: [Self; 3] = [Self::DespiteUnsubscribe, Self::UnlawfulList, Self::UnlawfulContent];

    /// The name in the API and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DespiteUnsubscribe => "despite_unsubscribe",
            Self::UnlawfulList => "unlawful_list",
            Self::UnlawfulContent => "unlawful_content",
        }
    }

    /// Reads [`AbuseKind::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The way a case came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseChannel {
    /// The public page, or its API.
    Page,
    /// The mailbox for abuse, entered by the operator.
    Mailbox,
    /// A mailbox provider: somebody pressed the button for spam (ARF, RFC 5965).
    Complaint,
    /// Nobody: campaigns of the workspace paused themselves (A70).
    Threshold,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    /// Nothing had to be done.
    Nothing,
    /// The owners of the Sender's workspace were warned.
    Warned,
    /// The workspace sends nothing any more.
    Suspended,
}

impl CaseOutcome {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Warned => "warned",
            Self::Suspended => "suspended",
        }
    }
}

/// What the text of a report says of the message it is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clues {
    /// What stands where an unsubscribe link has its token.
    pub tokens: Vec<String>,
    /// The first name of a workspace, as `List-Id` and `Feedback-ID` have it.
    pub workspace: Option<WorkspaceId>,
    /// The first name of a campaign, as `Feedback-ID` and `Message-ID` have it.
    pub campaign: Option<CampaignId>,
}

/// What an unsubscribe link has before its token.
const LINK: &str = "/u/";
/// Tokens looked at, at most.
const MOST_TOKENS: usize = 20;
/// A run of such characters after [`LINK`] that is shorter is no token.
const SHORTEST_TOKEN: usize = 40;

/// Looks for whom a report is about, in pasted headers and links.
#[must_use]
pub fn clues(text: &str) -> Clues {
    let text = unfolded(text);
    let tokens = text.split(LINK).skip(1).map(|rest| &rest[..token(rest)]).filter(|t| t.len() >= SHORTEST_TOKEN);
    Clues {
        tokens: tokens.take(MOST_TOKENS).map(str::to_owned).collect(),
        workspace: named(&text, "ws_"),
        campaign: named(&text, "cmp_"),
    }
}

/// The text of a report as it is kept: of addresses only the domain, of unsubscribe links no token, because both name
/// the person who was written to.
#[must_use]
pub fn without_people(text: &str) -> String {
    let text = unfolded(text);
    let mut masked = String::with_capacity(text.len());
    let mut pieces = text.split('@').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            masked.push_str(piece);
            break;
        }
        let ends = |c: char| c.is_whitespace() || "<>()[]\"',;:/=".contains(c);
        let kept = piece.rfind(ends).map_or(0, |at| at + piece[at..].chars().next().map_or(0, char::len_utf8));
        masked.push_str(&piece[..kept]);
        masked.push_str("…@");
    }
    let mut parts = masked.split(LINK);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let length = token(rest);
        kept.push_str(LINK);
        if length < SHORTEST_TOKEN {
            kept.push_str(rest);
        } else {
            kept.push('…');
            kept.push_str(&rest[length..]);
        }
    }
    kept
}

/// Without the soft line breaks of quoted-printable (RFC 2045), which cut links in two.
fn unfolded(text: &str) -> String {
    text.replace("=\r\n", "").replace("=\n", "")
}

/// How many bytes of base64url a text begins with.
fn token(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(text.len())
}

fn named<T: std::str::FromStr>(text: &str, prefix: &str) -> Option<T> {
    let length = prefix.len() + 2 * ID_BYTES;
    text.match_indices(prefix).find_map(|(at, _)| text.get(at..at + length)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        locale::Locale,
        subject::{Pepper, Subject},
        unsubscribe::OptOutClaim,
    };

    fn link() -> String {
        let pepper = Pepper::from_json(r#"{"v1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let (workspace, subject) = (WorkspaceId::from_bytes([3; 10]), Subject::from_bytes([4; 16]));
        OptOutClaim { workspace, subject, locale: Locale::Fr, told: false }.sign(&pepper)
    }

    #[test]
    fn a71_a_report_names_its_sender_by_link_or_headers() {
        let (workspace, campaign) = (WorkspaceId::from_bytes([1; 10]), CampaignId::from_bytes([2; 10]));
        let headers = format!(
            "List-Id: <{workspace}.firm.test>\nFeedback-ID: {campaign}:{workspace}:prospectra\n\
             List-Unsubscribe: <https://x.test/u/{}>",
            link()
        );
        let expected = Clues { tokens: vec![link()], workspace: Some(workspace), campaign: Some(campaign) };
        assert_eq!(clues(&headers), expected);
        // As the source of a message has it: in two, by a soft line break.
        let whole = link();
        let (head, tail) = whole.split_at(30);
        let folded = format!("https://x.test/u/{head}=\r\n{tail}");
        assert_eq!(clues(&folded).tokens, [link()]);
        for nothing in ["", "ws_", "cmp_12", "ws_é1111111111111111111", "https://x.test/u/short", "/u/"] {
            assert_eq!(clues(nothing), Clues::default(), "{nothing}");
        }
    }

    #[test]
    fn a71_a_report_is_kept_without_addresses() {
        let text = format!(
            "To: Zoé <zoe.durand@example.org>, max@example.com\nFrom: a@firm.test\nmailto:b@firm.test https://x.test/u/{}?x=1 ok",
            link()
        );
        let expected =
            "To: Zoé <…@example.org>, …@example.com\nFrom: …@firm.test\nmailto:…@firm.test https://x.test/u/…?x=1 ok";
        assert_eq!(without_people(&text), expected);
        assert_eq!(without_people("@ a@ é@b /u/x"), "…@ …@ …@b /u/x");
    }

    proptest! {
        /// Whatever is written, no token and no local part is left, and nothing panics.
        #[test]
        fn a71_nothing_that_is_written_gets_through(head in ".{0,40}", local in "[a-zé.+_-]{3,12}", tail in ".{0,40}") {
            let kept = without_people(&format!("{head} {local}secret@example.org /u/{} {tail}", link()));
            prop_assert!(!kept.contains("secret@") && !kept.contains(&link()), "{kept}");
            prop_assert_eq!(clues(&head).tokens, Vec::<String>::new());
        }
    }
}
