//! Names of people, groups and files, as strangers say them.

use crate::authority::policy::{USERS, check_user};
use crate::certificate::{Name, summary};
use crate::error::{Error, Result, printable};
use rustls::pki_types::{CertificateDer, ServerName};

/// Whose certificate this is: `alice` of `alice.users.test`. Nobody's, if it is a host's or a service's.
pub fn of_user(chain: &[CertificateDer<'_>]) -> Option<String> {
    let names = summary(chain.first()?).ok()?.names;
    match &names[..] {
        [Name::Dns(name)] => name.strip_suffix(USERS)?.strip_suffix('.').map(str::to_owned),
        _ => None,
    }
}

/// The name that a person's certificate proves, for [`connect`](crate::tls::connect).
///
/// # Errors
/// No certificate of ours can be for such a name.
pub fn server_name(user: &str) -> Result<ServerName<'static>> {
    check_user(user)?;
    ServerName::try_from(format!("{user}.{USERS}")).map_err(|_| Error::new("policy", format!("{} is no name", printable(user))))
}

/// A group is called like a person: `[a-z0-9-]`, 40 at most.
///
/// # Errors
/// It is not.
pub fn check_group(name: &str) -> Result<()> {
    check_user(name)
}

/// The name to keep a file under that a peer calls `said`: its last part, without what a shell, a terminal or a file system
/// could take for more than a letter. Never hidden, never empty.
pub fn file_name(said: &str) -> String {
    /// File systems take 255 bytes; a number may be put behind.
    const LONGEST: usize = 100;
    let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).take(LONGEST).collect();
    let clean = clean.trim_start_matches(['.', '-']);
    if clean.is_empty() { "file".into() } else { clean.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stays_where_it_belongs() {
        let table = [
            ("a.txt", "a.txt"),
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            (".bashrc", "bashrc"),
            ("..", "file"),
            ("", "file"),
            ("a/", "file"),
            ("-rf", "rf"),
            ("a\u{1b}[31m\nb", "a__31m_b"),
            ("über", "_ber"),
        ];
        for (said, kept) in table {
            assert_eq!(file_name(said), kept, "{said:?}");
        }
        assert_eq!(file_name(&"a".repeat(1_000)).len(), 100);
    }
}
