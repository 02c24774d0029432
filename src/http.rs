mod body;
mod check;
mod conditional;
mod content;
mod files;
mod head;
mod print;
#[cfg(test)]
mod respond_tests;
mod response;
mod serve;
#[cfg(test)]
mod tests;

pub use body::{BadJson, json, read_body};
pub use check::BODY_MAX;
pub use content::Content;
pub use files::{Files, decode_path, media_type};
pub use head::{FIELDS_MAX, HEAD_MAX, Head, Next, REQUEST_LINE_MAX, Refuse, read_head};
pub use response::{Response, escape, refuse, respond};
pub use serve::{Answer, Request, Transport, Upgraded, serve};
