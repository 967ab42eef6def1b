//! What the API says of variants that are compared with each other: what became of each, and which one wins and why.

use domain::{
    Timestamp,
    campaign::{Clicks, Progress, Tallies},
    chunk::Outcome,
    sequence::Step,
    variant::{After, By, Contest, FEWEST_SAYING, Letter, Seen, Standing, Variant},
};
use serde::Serialize;

/// One variant of a step, and what became of it. What it has from its step is `null`.
#[derive(Debug, Serialize)]
pub(super) struct VariantView {
    name: String,
    weight: u8,
    subject: Option<String>,
    text: Option<String>,
    html: Option<String>,
    sent: u64,
    failed: u64,
    unknown: u64,
    replied: u64,
    bounced: u64,
    complained: u64,
    opted_out: u64,
    clicks: Clicks,
}

impl VariantView {
    pub(super) fn all(step: u8, variants: Vec<Variant>, tallies: &Tallies) -> Vec<Self> {
        let of = |(index, variant): (usize, Variant)| {
            let letter = Letter::at(index);
            let tally = letter.map(|letter| tallies.of_variant(step, letter)).unwrap_or_default();
            Self {
                name: variant.name,
                weight: variant.weight,
                subject: variant.subject,
                text: Some(variant.text).filter(|text| !text.is_empty()),
                html: variant.html,
                sent: tally.sent(),
                failed: tally.failed(),
                unknown: tally.of(Outcome::Unknown),
                replied: tally.of(Outcome::Replied),
                bounced: tally.of(Outcome::Bounced),
                complained: tally.of(Outcome::Complained),
                opted_out: letter.map_or(0, |letter| tallies.opted_out(step, Some(letter))),
                clicks: letter.map(|letter| tallies.clicks(step, Some(letter))).unwrap_or_default(),
            }
        };
        variants.into_iter().enumerate().map(of).collect()
    }
}

/// How one of them wins, and how that stands.
#[derive(Debug, Serialize)]
pub(super) struct WinnerView {
    by: By,
    after: After,
    status: Status,
    variant: Option<String>,
    decided_at: Option<Timestamp>,
    reason: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// What has to be over before is not.
    Waiting,
    /// Too few replies to say anything.
    TooFewReplies,
    /// Too few clicks.
    TooFewClicks,
    /// Two or more are level.
    Tie,
    /// One is ahead; it wins with the next message that leaves.
    Ahead,
    /// One has won.
    Decided,
}

impl WinnerView {
    pub(super) fn new(number: u8, step: &Step, progress: &Progress, tallies: &Tallies, now: Timestamp) -> Option<Self> {
        let (contest, variants) = (step.winner?, step.variants.as_slice());
        let view = |status, variant: Option<Letter>, decided_at, reason| Self {
            by: contest.by,
            after: contest.after,
            status,
            variant: step.variant(variant).map(|variant| variant.name.clone()),
            decided_at,
            reason,
        };
        if let Some(won) = progress.winner(number) {
            let reason =
                format!("{}. Whoever was still to get this step then got it", shares(contest.by, variants, &won.seen));
            return Some(view(Status::Decided, Some(won.variant), Some(won.at), reason));
        }
        let seen = tallies.seen(number, variants.len());
        Some(match contest.standing(variants, &seen, tallies.begun(number), now) {
            Standing::Waiting => view(Status::Waiting, None, None, awaited(contest)),
            Standing::TooFew => {
                let shares = shares(contest.by, variants, &seen);
                let status = match contest.by {
                    By::Replies => Status::TooFewReplies,
                    By::Clicks => Status::TooFewClicks,
                };
                view(status, None, None, format!("{shares}; fewer than {FEWEST_SAYING} in all say nothing"))
            }
            Standing::Tie => {
                let reason = format!("{}: the largest share is that of several", shares(contest.by, variants, &seen));
                view(Status::Tie, None, None, reason)
            }
            Standing::Ahead(letter) => {
                let reason =
                    format!("{}. It wins with the next message that leaves", shares(contest.by, variants, &seen));
                view(Status::Ahead, Some(letter), None, reason)
            }
        })
    }
}

fn awaited(contest: Contest) -> String {
    match contest.after {
        After::Messages(messages) => format!("{messages} messages of each variant have to leave first"),
        After::Hours(hours) => format!("{hours} hours have to be over since the first message of the step left"),
    }
}

/// `A: 3 of 20 answered; B: 1 of 21 answered`.
fn shares(by: By, variants: &[Variant], seen: &[Seen]) -> String {
    let what = match by {
        By::Replies => "answered",
        By::Clicks => "whose clicks are recorded clicked",
    };
    let of = |(variant, seen): (&Variant, &Seen)| {
        let (messages, hits) = seen.by(by);
        format!("{}: {hits} of {messages} {what}", variant.name)
    };
    let each: Vec<String> = variants.iter().zip(seen).map(of).collect();
    each.join("; ")
}

#[cfg(test)]
mod tests {
    use domain::{id::CampaignId, variant::Decision};

    use super::*;

    #[test]
    fn it_says_how_a_contest_stands_and_why() {
        let step: Step = serde_json::from_value(serde_json::json!({
            "variants": [{"name": "court", "weight": 1}, {"name": "long", "weight": 2}],
            "winner": {"by": "replies", "after": {"messages": 10}},
        }))
        .unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let mut progress = Progress::draft(CampaignId::from_bytes([1; 10]));
        let look = |progress: &Progress, seen: [(i64, i64); 2]| {
            let mut tallies = Tallies::default();
            for (index, (sent, replied)) in seen.into_iter().enumerate() {
                let tally = tallies.variant_mut(1, Letter::at(index).unwrap());
                tally.add(Outcome::Sent, sent - replied);
                tally.add(Outcome::Replied, replied);
            }
            let view = WinnerView::new(1, &step, progress, &tallies, now).unwrap();
            (view.status, view.variant.unwrap_or_default(), view.reason)
        };
        for (seen, status, variant, reason) in [
            ([(9, 9), (90, 9)], Status::Waiting, "", "10 messages of each variant have to leave first"),
            (
                [(10, 1), (90, 3)],
                Status::TooFewReplies,
                "",
                "court: 1 of 10 answered; long: 3 of 90 answered; fewer than 5 in all say nothing",
            ),
            (
                [(10, 3), (20, 6)],
                Status::Tie,
                "",
                "court: 3 of 10 answered; long: 6 of 20 answered: the largest share is that of several",
            ),
            (
                [(10, 3), (20, 7)],
                Status::Ahead,
                "long",
                "court: 3 of 10 answered; long: 7 of 20 answered. It wins with the next message that leaves",
            ),
        ] {
            assert_eq!(look(&progress, seen), (status, variant.to_owned(), reason.to_owned()));
        }
        let seen = [(10, 3), (20, 7)].map(|(sent, replied)| Seen { sent, replied, ..Seen::default() }).into();
        progress.winners.push(Decision { step: 1, variant: Letter::at(1).unwrap(), at: now, seen });
        // What came after changes nothing.
        let (status, variant, reason) = look(&progress, [(10, 9), (90, 7)]);
        assert_eq!((status, variant.as_str()), (Status::Decided, "long"));
        assert!(reason.starts_with("court: 3 of 10 answered; long: 7 of 20 answered."), "{reason}");
    }
}
