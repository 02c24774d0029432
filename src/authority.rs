// CONTRACT (helper A implements, as a folder src/authority/; others rely on these names)
use std::path::{Path, PathBuf};

/// Where the lab keeps what it makes. `--certs DIR`, `PADLOCK_CERTS` or `certs/` here; `CAROOT` moves `ca/`.
#[derive(Debug, Clone)]
pub struct Places {
    pub dir: PathBuf,
}
impl Places {
    pub fn new(dir: impl Into<PathBuf>) -> Places {
        Places { dir: dir.into() }
    }
    pub fn root_certificate(&self) -> PathBuf {
        self.dir.join("ca/root.crt")
    }
    pub fn intermediate_certificate(&self) -> PathBuf {
        self.dir.join("ca/intermediate.crt")
    }
    /// (fullchain, key) of a server's identity: certs/server/NAME.fullchain.pem, certs/private/NAME.key
    pub fn server(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.dir.join(format!("server/{name}.fullchain.pem")), self.dir.join(format!("private/{name}.key")))
    }
    /// (fullchain, key) of a user's identity: certs/users/NAME/{fullchain.pem,NAME.key}
    pub fn user(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.dir.join(format!("users/{name}/fullchain.pem")), self.dir.join(format!("users/{name}/{name}.key")))
    }
    pub fn crl(&self, which: &str) -> PathBuf {
        self.dir.join(format!("crl/{which}.crl"))
    }
    pub fn exists(p: &Path) -> bool {
        p.exists()
    }
}
