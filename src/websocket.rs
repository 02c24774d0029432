// CONTRACT (in work by the lead)
use crate::{
    error::Result,
    http::{Head, Response},
};
use std::io::{Read, Write};
/// Server: answers a good upgrade request with 101; a bad one gets its status (400, 403, 405, 426) as a `Response`.
pub fn check_upgrade(_head: &Head, _own_origins: &[String]) -> std::result::Result<String, Response> {
    todo!()
}
/// Client: asks for the upgrade, checks Sec-WebSocket-Accept. Returns bytes that came after the answer's head.
pub fn connect(_stream: &mut (impl Read + Write), _host: &str, _path: &str, _origin: Option<&str>) -> Result<Vec<u8>> {
    todo!()
}
