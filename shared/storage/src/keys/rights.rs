//! Table `rights`: requests about rights, and cases of abuse.

use domain::id::{CampaignId, CaseId, MemberId, RequestId, WorkspaceId};

use super::Key;

/// Partition of the requests about rights that somebody still has to answer.
pub const OPEN_REQUESTS: &str = "OPEN";

/// A request that is not answered yet.
pub fn open_request(request: RequestId) -> Key {
    Key::new(OPEN_REQUESTS, request.to_string())
}

/// What is kept of one that is.
pub fn closed_request(request: RequestId) -> Key {
    Key::new("CLOSED", request.to_string())
}

/// Partition of the cases of abuse that are open.
pub const OPEN_CASES: &str = "ABUSE_OPEN";

/// One of them.
pub fn open_case(case: CaseId) -> Key {
    Key::new(OPEN_CASES, case.to_string())
}

/// What is kept of one that is closed.
pub fn closed_case(case: CaseId) -> Key {
    Key::new("ABUSE_CLOSED", case.to_string())
}

/// Which open case complaints about a campaign go to.
pub fn complained_of(campaign: CampaignId) -> Key {
    Key::new("ABUSE_CAMPAIGN", campaign.to_string())
}

/// A workspace's part in requests about rights.
pub fn rights(workspace: WorkspaceId) -> String {
    format!("W#{workspace}#R")
}

/// What a Sender has to do about a request.
pub fn rights_task(workspace: WorkspaceId, request: RequestId) -> Key {
    Key::new(rights(workspace), format!("{RIGHTS_TASK}{request}"))
}

/// What a task's sort key starts with.
pub const RIGHTS_TASK: &str = "TASK#";

/// A member's own request.
pub fn own_request(workspace: WorkspaceId, member: MemberId, request: RequestId) -> Key {
    Key::new(rights(workspace), format!("{}{request}", own_requests(member)))
}

/// What the sort keys of a member's own requests start with.
pub fn own_requests(member: MemberId) -> String {
    format!("OWN#{member}#")
}
