//! A refusal as an HTTP response: the same two lines as everywhere, as JSON.

use padlock::certificate::{Summary, date};
use padlock::error::Error;
use padlock::http::Response;
use serde_json::{Value, json};

/// There is a valid certificate for this name already.
pub fn exists(held: &Summary) -> Response {
    let e = Error::new("certificate-exists", "Certificate already exists and is not expired.").hint(
        "use it: it is in certs/users/NAME; if its key is lost, take it back: ./ca revoke NAME; in the last third of its life it can be renewed",
    );
    response(409, &e, Some(held))
}

/// There is one, with another country or organisation.
pub fn taken(held: &Summary) -> Response {
    let e = Error::new("name-taken", "Certificate with the same Username already exists. Try sending CSR with a valid Username.")
        .hint("ask with the same country and organisation as before, or for another name");
    response(409, &e, Some(held))
}

/// Whatever else went wrong.
pub fn failed(e: &Error) -> Response {
    let status = match e.code {
        "unproved" | "ticket-refused" => 401,
        "not-yours" | "proof-outdated" | "policy" => 403,
        "auth-unavailable" | "authority-busy" => 503,
        // Ours, and nobody else's business: the reason stands in the log.
        _ => {
            log::error!(target: "authority", "{} ({})", e.cause, e.hint);
            let e = Error::new("authority-failed", "the authority can't sign at the moment")
                .hint("whoever runs ./ca serve finds the reason in its log");
            return response(500, &e, None);
        }
    };
    response(status, e, None)
}

/// With a status that the caller knows.
pub fn with(status: u16, e: &Error) -> Response {
    response(status, e, None)
}

fn response(status: u16, e: &Error, held: Option<&Summary>) -> Response {
    let mut told = json!({ "code": e.code, "cause": e.cause, "hint": e.hint });
    if let Some(held) = held {
        told["certificate"] = json!({
            "subject": held.subject,
            "serial": held.serial,
            "not_before": date(held.not_before),
            "not_after": date(held.not_after),
        });
    }
    let response = match status {
        401 => Response::new(401).field("WWW-Authenticate", "Bearer"),
        503 => Response::new(503).field("Retry-After", "5"),
        status => Response::new(status),
    };
    response.field("Content-Type", "application/json").field("Cache-Control", "no-store").body(format!("{}\n", told as Value))
}
