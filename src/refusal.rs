// CONTRACT (helper C implements)
use crate::{
    error::Error,
    tls::Failure,
    trust::{Presented, Trust},
};
use rustls::pki_types::ServerName;

/// Why the client gave up on the server, with the cure. `presented` is what the server showed.
pub fn client_side(_failure: &Failure, _asked: &ServerName<'_>, _presented: &Presented, _trust: &Trust) -> Error {
    todo!()
}
/// Why the server gave up on a client: one line for the log.
pub fn server_side(_failure: &Failure) -> Error {
    todo!()
}
