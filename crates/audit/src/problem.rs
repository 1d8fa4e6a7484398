//! A request that was refused, or carried out in part: an entry of the refusal journal.

use std::net::IpAddr;

use domain::id::{ConnectorId, CredentialId, OperatorId, RequestId, TenantId};
use domain::time::Timestamp;
use eventlog::{Journal, JournalError};
use serde::{Deserialize, Serialize};

/// What was refused or left out, why, by whom, about whom. It never holds a body or a query.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// When.
    pub at: Timestamp,
    /// The request.
    pub request: RequestId,
    /// The connector whose credential was shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connector: Option<ConnectorId>,
    /// The credential that was shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<CredentialId>,
    /// The operator whose key was shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator: Option<OperatorId>,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<IpAddr>,
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The status that was answered.
    pub status: u16,
    /// The SCIM detail error keyword (RFC 7644 §3.12).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scim_type: Option<String>,
    /// What was answered, or what was left out.
    pub detail: String,
}

impl Problem {
    /// A tenant's problems, newest first, `count` at most. An entry that this release cannot read
    /// is passed over.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn list(
        journal: &Journal,
        tenant: TenantId,
        count: usize,
    ) -> Result<Vec<Problem>, JournalError> {
        let entries = journal.list(tenant)?;
        Ok(entries
            .iter()
            .filter_map(|entry| serde_json::from_slice(entry).ok())
            .take(count)
            .collect())
    }
}
