mod conditional;
mod files;
mod head;
mod response;

pub use files::{Files, decode_path, media_type};
pub use head::{HEAD_MAX, Head, Next, REQUEST_LINE_MAX, Refuse, read_head};
pub use response::{Content, Response, escape, refuse, respond};
