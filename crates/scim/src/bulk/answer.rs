//! The answer to a bulk request (RFC 7644 §3.7.3).

use crate::json::write_text;

/// What came of one operation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// The method, as the client wrote it.
    pub method: Option<String>,
    /// The client's name for the operation.
    pub bulk_id: Option<String>,
    /// The address of the resource; none for a POST that failed.
    pub location: Option<String>,
    /// The version that the resource has now, as its `ETag`.
    pub version: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// The body that a request of its own would have been answered with, as JSON. Always there for an error.
    pub response: Option<Vec<u8>>,
}

/// Writes the answer to a job.
pub fn write_answer<'o>(out: &mut Vec<u8>, outcomes: impl IntoIterator<Item = &'o Outcome>) {
    out.extend_from_slice(
        br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],"Operations":["#,
    );
    for (at, outcome) in outcomes.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let texts = [
            ("method", &outcome.method),
            ("bulkId", &outcome.bulk_id),
            ("location", &outcome.location),
            ("version", &outcome.version),
        ];
        out.extend_from_slice(b"{");
        for (name, text) in texts {
            if let Some(text) = text {
                write_text(out, name);
                out.push(b':');
                write_text(out, text);
                out.push(b',');
            }
        }
        out.extend_from_slice(b"\"status\":");
        write_text(out, &outcome.status.to_string());
        if let Some(response) = &outcome.response {
            out.extend_from_slice(b",\"response\":");
            out.extend_from_slice(response);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}
