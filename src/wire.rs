// CONTRACT (in work by the lead): first bytes
mod key_log;
pub use key_log::key_log;

/// What a stranger's first bytes are.
pub enum First {
    Tls,
    Http,
    Nothing,
    Other,
}
