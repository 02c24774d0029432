//! `chain`: a long chain with everything that it takes to serve it, and to knock with it.

use crate::make::join;
use crate::options;
use crate::say::{fact, openssl, shell};
use padlock::authority::{
    chain::{Leaf, chain as make},
    policy::typed,
};
use padlock::certificate::Name;
use padlock::error::Result;
use padlock::file::{self, Readers};
use std::path::Path;

/// `ca chain --out DIR`: a root, authorities one below the other, a server's leaf and a client's.
pub fn chain(options: &options::Chain) -> Result<()> {
    let (out, levels) = (&options.out, options.levels);
    let names: Vec<Name> = options.names.iter().map(|name| typed(name)).collect();
    let made = make(levels, &names)?;
    file::directory(out, Readers::Everyone)?;
    // The keys first: they are never replaced, so a second run into the same directory changes nothing.
    made.server.key.save(&out.join("leaf.key"))?;
    made.client.key.save(&out.join("client.key"))?;
    let root = out.join("root.crt");
    file::write(&root, made.root.as_bytes(), Readers::Everyone)?;
    fact(&format!("made a root, which is all that the other side has to trust: {}", root.display()));
    write(out, "chain.pem", "leaf.key", &made.server, &format!("{}, the leaf", join(&names)), levels)?;
    write(out, "client.pem", "client.key", &made.client, "a client's leaf", levels)?;
    fact("the authorities' keys are gone: nothing more can be signed with them");
    let shown = shell(&out.join("chain.pem"));
    openssl(&format!("openssl verify -x509_strict -show_chain -CAfile {} -untrusted {shown} {shown}", shell(&root)));
    Ok(())
}

fn write(out: &Path, name: &str, key: &str, leaf: &Leaf, what: &str, levels: u8) -> Result<()> {
    let path = out.join(name);
    file::write(&path, leaf.chain.as_bytes(), Readers::Everyone)?;
    let authorities = if levels == 1 { "the authority" } else { "the authorities" };
    fact(&format!("made {what}, then {authorities} above it ({levels}): {}, with {}", path.display(), out.join(key).display()));
    Ok(())
}
