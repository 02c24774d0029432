//! Where everything that the authority makes lies.

use std::path::{Path, PathBuf};

/// Where the lab keeps what it makes: `--certs DIR`, `PADLOCK_CERTS` or `certs/` here. `CAROOT` moves `ca/` elsewhere.
#[derive(Debug, Clone)]
pub struct Places {
    pub dir: PathBuf,
    ca: PathBuf,
}

impl Places {
    /// Everything below `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Places {
        let dir = dir.into();
        Places { ca: dir.join("ca"), dir }
    }

    /// As a program finds them: below `dir`, but the authority where `CAROOT` says, if it is set.
    pub fn of_program(dir: impl Into<PathBuf>) -> Places {
        let places = Places::new(dir);
        match std::env::var_os("CAROOT").filter(|root| !root.is_empty()) {
            Some(root) => Places { ca: root.into(), ..places },
            None => places,
        }
    }

    /// The authority's own directory: its certificates, and a private directory for each of its two issuers.
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    pub fn root_certificate(&self) -> PathBuf {
        self.ca.join("root.crt")
    }

    pub fn intermediate_certificate(&self) -> PathBuf {
        self.ca.join("intermediate.crt")
    }

    /// (fullchain, key) of a server's identity: `server/NAME.fullchain.pem`, `private/NAME.key`.
    pub fn server(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.dir.join(format!("server/{name}.fullchain.pem")), self.dir.join(format!("private/{name}.key")))
    }

    /// (fullchain, key) of a user's identity: `users/NAME/{fullchain.pem,NAME.key}`.
    pub fn user(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.dir.join(format!("users/{name}/fullchain.pem")), self.dir.join(format!("users/{name}/{name}.key")))
    }

    /// (fullchain, key) of a service's identity: `services/NAME/{fullchain.pem,NAME.key}`.
    pub fn service(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.dir.join(format!("services/{name}/fullchain.pem")), self.dir.join(format!("services/{name}/{name}.key")))
    }

    /// What hangs in the gallery, and its keys.
    pub fn gallery(&self) -> PathBuf {
        self.dir.join("gallery")
    }

    /// The accounts of the auth service, in a directory of their own.
    pub fn accounts(&self) -> PathBuf {
        self.dir.join("accounts/accounts.txt")
    }

    /// The revocation list of `root` or `intermediate`.
    pub fn crl(&self, which: &str) -> PathBuf {
        self.dir.join(format!("crl/{which}.crl"))
    }
}
