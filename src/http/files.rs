//! Files of one folder, and nothing else.

use super::{Content, Response};
use crate::error::{self, Error, exit};
use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

/// A file up to this length is kept in memory; a longer one is read piece by piece.
const KEPT_MAX: u64 = 1024 * 1024;
/// So many files are kept; then all are forgotten and read again. A folder of pages is smaller.
const FILES_MAX: usize = 64;

/// The files below one folder: `--root DIR`.
pub struct Files {
    root: PathBuf,
    more: Vec<(&'static str, String)>,
    kept: RwLock<HashMap<String, Kept>>,
}

/// A file as it was when it was read.
struct Kept {
    stamp: Stamp,
    content: Arc<Content>,
}

/// When any of these has changed, the file has: device, inode, length, seconds, nanoseconds.
type Stamp = (u64, u64, u64, i64, i64);

impl Files {
    /// `secret` is the folder of keys: a root that holds it, or lies in it, is refused. `more` goes with every file.
    pub fn new(root: &Path, secret: &Path, more: &[(&'static str, String)]) -> error::Result<Files> {
        let shown = root.display();
        let real = root.canonicalize().ok().filter(|real| real.is_dir());
        let root =
            real.ok_or_else(|| usage("root-missing", format!("there is no folder {shown}"), "name a folder of pages: --root www"))?;
        if let Ok(secret) = secret.canonicalize()
            && (secret.starts_with(&root) || root.starts_with(&secret))
        {
            return Err(usage(
                "root-has-keys",
                format!("{shown} is not served: private keys lie in {}", secret.display()),
                "put the pages into a folder of their own: --root www",
            ));
        }
        Ok(Files { root, more: more.to_vec(), kept: RwLock::default() })
    }

    /// The file at this decoded path (see [`decode_path`]), its folder's `index.html` when the path ends with `/`.
    pub fn find(&self, path: &str) -> Option<Response> {
        self.load(path).map(Response::content)
    }

    /// True for a folder with an `index.html` whose path lacks the last `/`, without which its links would lead astray.
    pub fn is_folder(&self, path: &str) -> bool {
        !path.ends_with('/')
            && path.strip_prefix('/').is_some_and(|local| self.root.join(local).is_dir())
            && self.load(&format!("{path}/")).is_some()
    }

    fn load(&self, path: &str) -> Option<Arc<Content>> {
        let local = path.strip_prefix('/')?;
        let mut name = self.root.join(local);
        if local.is_empty() || local.ends_with('/') {
            name.push("index.html");
        }
        // One stat finds any change. It follows links; where they lead was checked when this inode was read.
        let stamp = stamp(&fs::metadata(&name).ok()?);
        if let Some(kept) = self.kept.read().ok()?.get(path).filter(|kept| kept.stamp == stamp) {
            return Some(kept.content.clone());
        }
        let (content, stamp) = self.read(&name)?;
        let content = Arc::new(content);
        let mut kept = self.kept.write().ok()?;
        if kept.len() >= FILES_MAX {
            kept.clear();
        }
        kept.insert(path.to_string(), Kept { stamp, content: content.clone() });
        Some(content)
    }

    /// Reads a file that truly lies below the root. Confessed: a folder swapped for a link between the two steps would be
    /// followed; who can do that can also put the file itself here. A serious server asks the kernel (`openat2`).
    fn read(&self, name: &Path) -> Option<(Content, Stamp)> {
        let real = name.canonicalize().ok()?;
        let below = real.strip_prefix(&self.root).ok()?;
        if below.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b".")) || is_key_name(below) {
            return None;
        }
        // Without O_NONBLOCK, opening a pipe would wait for its writer.
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let mut file = File::options().read(true).custom_flags(nonblock).open(&real).ok()?;
        let metadata = file.metadata().ok().filter(Metadata::is_file)?;
        let mut start = Vec::new();
        file.by_ref().take(KEPT_MAX + 1).read_to_end(&mut start).ok()?;
        if holds_key(&start) || key_follows(&mut file, &start) {
            log::warn!(target: "http", "{} is not served: it holds a private key", below.display());
            return None;
        }
        let stamp = stamp(&metadata);
        let etag = format!("\"{:x}-{:x}-{:x}-{:x}\"", stamp.1, stamp.2, stamp.3, stamp.4);
        let (body, length) = match start.len() as u64 {
            short if short <= KEPT_MAX => (Err(start), short),
            _ => (Ok(file), metadata.len()),
        };
        let more: Vec<_> = self.more.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Some((Content::of_file(body, length, etag, metadata.modified().ok(), media_type(&real), &more), stamp))
    }
}

fn usage(code: &'static str, cause: String, hint: &str) -> Error {
    Error::new(code, cause).hint(hint).exit(exit::USAGE)
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.dev(), metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

/// A request's path, percent-decoded once, as files are named. Otherwise the status that it deserves: 400 for a broken
/// escape (`%zz`), a control character, or bytes that are no UTF-8; 404 for what no page is ever called: dot segments,
/// dotfiles, an empty segment, a backslash, a hidden slash (`%2F`).
pub fn decode_path(path: &str) -> Result<String, u16> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => rest.next().and_then(hex).zip(rest.next().and_then(hex)).map(|(high, low)| high << 4 | low).ok_or(400u16)?,
            _ => byte,
        };
        match decoded {
            _ if decoded.is_ascii_control() => return Err(400),
            b'\\' => return Err(404),
            b'/' if byte == b'%' => return Err(404),
            _ => bytes.push(decoded),
        }
    }
    let path = String::from_utf8(bytes).map_err(|_| 400u16)?;
    // Only the last segment may be empty: "/docs/".
    let hidden = |part: &str| part.starts_with('.') || part.starts_with('/');
    let clean = path.strip_prefix('/').is_some_and(|rest| rest.split_inclusive('/').all(|part| !hidden(part)));
    if clean { Ok(path) } else { Err(404) }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Names that hold private keys, whatever they contain.
fn is_key_name(name: &Path) -> bool {
    let ends = name.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
    let key = ["key", "p12", "pfx", "jks", "keystore", "ppk", "keylog"].contains(&ends.as_str());
    key || name.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"id_") && ends.is_empty())
}

/// Whether there is PEM of a private key further down in a long file. It is read once, until it changes.
fn key_follows(file: &mut File, start: &[u8]) -> bool {
    if start.len() as u64 <= KEPT_MAX {
        return false;
    }
    let mut window = start[start.len() - OVERLAP..].to_vec();
    loop {
        let kept = window.len();
        match file.take(KEPT_MAX).read_to_end(&mut window) {
            Ok(_) if holds_pem_key(&window) => return true,
            Ok(_) if window.len() > kept => drop(window.drain(..window.len() - OVERLAP)),
            Ok(_) => return false,
            Err(_) => return true, // what can't be read can't be vouched for
        }
    }
}

/// A mark that lies across two reads is found in their overlap.
const OVERLAP: usize = 64;

/// PEM of any kind of private key, or the DER of PKCS#8, PKCS#1, SEC1 or PKCS#12.
fn holds_key(bytes: &[u8]) -> bool {
    // All four begin with a SEQUENCE whose first member is a small version number; a certificate's is a SEQUENCE.
    let der = match bytes {
        [0x30, 0x82, _, _, rest @ ..] | [0x30, 0x81, _, rest @ ..] | [0x30, _, rest @ ..] => matches!(rest, [2, 1, 0..=3, ..]),
        _ => false,
    };
    der || holds_pem_key(bytes)
}

fn holds_pem_key(bytes: &[u8]) -> bool {
    // PGP's ends in `BLOCK`, so the dashes are left out.
    let marks = [&b"PRIVATE KEY"[..], b"PuTTY-User-Key-File", b"BEGIN SSL SESSION PARAMETERS"];
    marks.iter().any(|mark| bytes.windows(mark.len()).any(|window| window == *mark))
}

/// The type of a file by its name (RFC 9110 8.3). With nosniff, browsers believe it.
pub fn media_type(name: &Path) -> &'static str {
    match name.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" | "md" | "rs" | "toml" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "crt" | "cer" => "application/x-x509-ca-cert",
        "crl" => "application/pkix-crl",
        "pem" => "application/x-pem-file",
        _ => "application/octet-stream",
    }
}
