// CONTRACT (in work by the lead): key log, first bytes
/// What a stranger's first bytes are.
pub enum First {
    Tls,
    Http,
    Nothing,
    Other,
}
