//! `found`, `sign`: what the authority does.

use crate::make::{join, make_key, subject};
use crate::options;
use crate::say::{fact, openssl, quote, shell};
use padlock::authority::policy::typed;
use padlock::authority::{self, Charter, Grant, Places, Role, Which};
use padlock::certificate::Name;
use padlock::error::{Error, Result, exit};
use padlock::file::{self, Readers};
use padlock::key::{Key, Kind};
use padlock::request::{self, Request, Subject};
use std::path::{Path, PathBuf};
use time::Duration;

/// `ca found`: a root and an intermediate.
pub fn found(places: &Places, options: &options::Found) -> Result<()> {
    let (root, intermediate) = (places.root_certificate(), places.intermediate_certificate());
    let (name, days) = (options.name.as_str(), options.days);
    authority::found(places, &Charter::new(name, Duration::days(days.into()))?)?;
    openssl(&by_hand(&Which::Root.key(places), &root, &format!("{name} Root"), days, 1, ""));
    let signer = format!(" -CA {} -CAkey {}", shell(&root), shell(&Which::Root.key(places)));
    openssl(&by_hand(&Which::Intermediate.key(places), &intermediate, &format!("{name} Intermediate"), days / 2, 0, &signer));
    fact(&format!(
        "founded the authority: {} and {}, for localhost, *.test and loopback addresses only",
        root.display(),
        intermediate.display()
    ));
    Ok(())
}

fn by_hand(key: &Path, certificate: &Path, name: &str, days: u16, path_length: u8, signer: &str) -> String {
    let constraints = "'nameConstraints=critical,permitted;DNS:localhost,permitted;DNS:test,permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'";
    format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc{signer} -keyout {} -out {} -subj {} -days {days} -addext basicConstraints=critical,CA:TRUE,pathlen:{path_length} -addext keyUsage=critical,keyCertSign,cRLSign -addext {constraints}",
        shell(key),
        shell(certificate),
        quote(&format!("/O={}/CN={name}", name.rsplit_once(' ').map_or(name, |(organisation, _)| organisation)))
    )
}

/// What is to be signed, and where the chain goes.
struct Order {
    grant: Grant,
    request: Request,
    file: PathBuf,
    chain: PathBuf,
}

/// `ca sign`: ties names to the key of a request, as far as the policy grants them.
pub fn sign(places: &Places, options: &options::Sign) -> Result<()> {
    let mut order = match (granted(options)?, &options.request) {
        (Some(grant), None) => with_own_key(places, grant)?,
        (Some(grant), Some(file)) => beside(grant, request::load(file)?, file),
        (None, _) => {
            let request = request::load(options.what.as_ref())?;
            beside(Grant::requested(&request)?, request, options.what.as_ref())
        }
    };
    order.grant.validity = Duration::days(options.days.into());
    let Order { grant, request, file, .. } = &order;
    let chain = options.out.as_ref().unwrap_or(&order.chain);
    let leaf = leaf_beside(chain);
    if !request.others.is_empty() {
        fact(&format!("{} asks for {} as well; the policy decides that", file.display(), request.others.join(", ")));
    }
    authority::sign(places, grant, &request.key, chain, leaf.as_deref())?;
    say_openssl(places, grant, file, leaf.as_deref().unwrap_or(chain), chain, options.days);
    fact(&format!("signed {} for {} days: {}", join(&grant.names), options.days, chain.display()));
    Ok(())
}

/// A request from elsewhere is answered beside it, so that it never replaces an identity of the lab's own.
fn beside(grant: Grant, request: Request, file: &Path) -> Order {
    Order { grant, request, chain: file.with_extension("fullchain.pem"), file: file.to_path_buf() }
}

/// What the command line asks for; nothing when it names a request's file.
fn granted(options: &options::Sign) -> Result<Option<Grant>> {
    let usage = |cause: &str| {
        Error::new("usage", cause)
            .hint("./ca sign server NAME…, ./ca sign user NAME, ./ca sign service NAME, or ./ca sign FILE.csr")
            .exit(exit::USAGE)
    };
    let (what, names) = (options.what.as_str(), options.names.as_slice());
    if what != "user" && (options.country.is_some() || options.organisation.is_some()) {
        return Err(usage("--country and --organisation are for users"));
    }
    match (what, names) {
        ("server", names) => Grant::server(&names.iter().map(|name| typed(name)).collect::<Vec<_>>()).map(Some),
        ("user", [name]) => Grant::user(name, options.country.as_deref(), options.organisation.as_deref()).map(Some),
        ("service", [name]) => Grant::service(name).map(Some),
        ("user" | "service", _) => Err(usage(&format!("a {what}'s certificate has exactly one name"))),
        (_, []) if options.request.is_none() => Ok(None),
        _ => Err(usage(&format!("\"{}\" is neither server, user nor service", what.escape_default()))),
    }
}

/// Makes a request in the lab's usual place, with a key if there is none yet.
fn with_own_key(places: &Places, grant: Grant) -> Result<Order> {
    let (chain, key) = match (grant.role, grant.names.first()) {
        (Role::User, _) => places.user(&grant.common_name),
        (Role::Service | Role::Called, _) => places.service(&grant.common_name),
        (Role::Server, Some(Name::Dns(name))) => places.server(&name.replace('*', "_wildcard")),
        (Role::Server, name) => places.server(&name.map(|n| n.to_string().replace("IP:", "")).unwrap_or_default()),
    };
    let key = if key.exists() { Key::load(&key)? } else { make_key(&key, Kind::default())? };
    let asking =
        Subject { common_name: &grant.common_name, country: grant.country.as_deref(), organisation: grant.organisation.as_deref() };
    let file = leaf_beside(&chain).unwrap_or_else(|| chain.clone()).with_extension("csr");
    if let Some(directory) = file.parent() {
        file::directory(directory, Readers::Everyone)?;
    }
    file::write(&file, request::make(&key, &asking, &grant.names)?.as_bytes(), Readers::Everyone)?;
    Ok(Order { grant, request: request::load(&file)?, file, chain })
}

/// The leaf alone lies beside its chain: `localhost.crt`, or `guest/guest.crt` for `guest/fullchain.pem`.
fn leaf_beside(chain: &Path) -> Option<PathBuf> {
    let name = chain.file_name()?.to_str()?;
    match name.strip_suffix(".fullchain.pem") {
        Some(stem) => Some(chain.with_file_name(format!("{stem}.crt"))),
        None if name == "fullchain.pem" => Some(chain.with_file_name(format!("{}.crt", chain.parent()?.file_name()?.to_str()?))),
        None => None,
    }
}

fn say_openssl(places: &Places, grant: &Grant, request: &Path, leaf: &Path, chain: &Path, days: u16) {
    let section = match grant.role {
        Role::Server | Role::Called => "server",
        Role::User => "user",
        Role::Service => "service",
    };
    let configuration = Which::Intermediate.directory(places).join("openssl.cnf");
    let asking =
        Subject { common_name: &grant.common_name, country: grant.country.as_deref(), organisation: grant.organisation.as_deref() };
    openssl(&format!(
        "SAN={} openssl ca -batch -notext -config {} -extensions {section} -days {days} {} -in {} -out {}",
        quote(&join(&grant.names)),
        shell(&configuration),
        subject(&asking),
        shell(request),
        shell(leaf)
    ));
    if leaf != chain {
        openssl(&format!("cat {} {} > {}", shell(leaf), shell(&places.intermediate_certificate()), shell(chain)));
    }
}
