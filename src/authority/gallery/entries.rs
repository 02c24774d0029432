//! What hangs in the gallery, in the order in which one would show it.

use super::wrong::{self, Make};
use super::{Entry, Manner};
use crate::key::Kind;

/// Every entry. What our client says of it is its code; what others say was recorded from real runs, and is not known here.
#[rustfmt::skip]
pub static ENTRIES: [Entry; 37] = [
    // nothing wrong
    fine("good", "nothing: made for this name, signed by an authority that the root vouches for", "RFC 5280 6.1", wrong::good),
    fine("any.wildcard", "nothing: *.wildcard.localhost stands for any one label there", "RFC 9525 6.3", wrong::wildcard),
    Entry { key: Kind::P384, ..fine("ecdsa-p384", "nothing: its key is on a longer curve than most", "RFC 9846 4.3.3", wrong::good) },
    Entry { key: Kind::Rsa3072, ..fine("rsa-3072", "nothing: its key is RSA, as all once were", "RFC 9846 4.3.3", wrong::good) },
    Entry { manner: Manner::Asks, ..fine("certificate-asked", "nothing: the server asks for a certificate of yours, and goes on without", "RFC 9846 4.4.2", wrong::good) },
    // wrong, but we say yes
    fine("revoked", "taken back by its authority; only who asks for the list learns that", "RFC 5280 5", wrong::good),
    fine("too-long", "valid for 1,000 days; no public authority may sign for so long", "RFC 5280 4.1.2.5", wrong::too_long),
    fine("key-usage", "its key may sign documents, not handshakes (keyUsage contentCommitment)", "RFC 5280 4.2.1.3", wrong::key_usage),
    Entry { key: Kind::Ed25519, ..fine("ed25519", "its key is Ed25519: sound, but not every browser takes it", "RFC 9846 4.3.3", wrong::good) },
    // when
    bad("expired", "out of date since yesterday", "expired", "RFC 5280 4.1.2.5", wrong::expired),
    bad("not-yet-valid", "begins in two months", "not-yet-valid", "RFC 5280 4.1.2.5", wrong::not_yet_valid),
    bad("expired-intermediate", "good itself, but the authority above it is out of date", "expired", "RFC 5280 6.1.3", wrong::expired_intermediate),
    // for whom
    bad("wrong-host", "made for elsewhere.localhost", "wrong-name", "RFC 9525 6.3", wrong::wrong_host),
    bad("two.labels.wildcard", "*.wildcard.localhost stands for one label, and here are two", "wrong-name", "RFC 9525 6.3", wrong::wildcard),
    bad("ip-only", "made for the address 127.0.0.1, and asked for by a name", "wrong-name", "RFC 9525 6.4", wrong::ip_only),
    bad("top-wildcard", "made for *.localhost, a wildcard over a whole top level", "malformed", "RFC 9525 6.3", wrong::top_wildcard),
    bad("cn-only", "its name stands in the CN, where nobody should look", "wrong-name", "RFC 9525 2", wrong::cn_only),
    // by whom
    bad("self-signed", "signed by its own key: nobody vouches for it", "self-signed", "RFC 5280 3.2", wrong::self_signed),
    bad("untrusted-root", "signed below a root that you do not have", "untrusted-issuer", "RFC 5280 6.1", wrong::untrusted_root),
    bad("untrusted-root-sent", "the same, and the server sends that root along", "root-sent", "RFC 9846 4.5.1", wrong::untrusted_root_sent),
    bad("missing-intermediate", "the server sends the leaf alone", "missing-intermediate", "RFC 9846 4.5.1", wrong::missing_intermediate),
    bad("reversed-chain", "the server sends the authority first, the leaf last", "ca-as-leaf", "RFC 9846 4.5.1", wrong::reversed_chain),
    bad("same-name-authority", "signed below another root of the very name of yours", "same-name-authority", "RFC 5280 4.2.1.1", wrong::same_name_authority),
    bad("leaf-as-ca", "signed by a leaf, which may sign nothing", "leaf-as-ca", "RFC 5280 4.2.1.9", wrong::leaf_as_ca),
    bad("pathlen", "one authority more in the chain than the one above allows", "path-length", "RFC 5280 4.2.1.9", wrong::pathlen),
    bad("name-constraint", "also made for 192.0.2.1, for which its authority may not speak", "name-constraint", "RFC 5280 4.2.1.10", wrong::name_constraint),
    // what
    bad("tampered", "one letter of its name was changed after it had been signed", "tampered", "RFC 5280 4.1.1.3", wrong::tampered),
    bad("wrong-key", "the server does not have the key that it was made for", "not-its-key", "RFC 9846 4.5.2", wrong::wrong_key),
    bad("ca-as-leaf", "says that it is an authority's (CA:TRUE)", "ca-as-leaf", "RFC 5280 4.2.1.9", wrong::ca_as_leaf),
    bad("v1", "of version 1, which has no extensions and so no names", "v1", "RFC 5280 4.1.2.1", wrong::v1),
    bad("client-usage", "made for clients only (extendedKeyUsage clientAuth)", "wrong-usage", "RFC 5280 4.2.1.12", wrong::client_usage),
    bad("unknown-critical", "has a critical extension that nobody knows", "unknown-critical", "RFC 5280 4.2", wrong::unknown_critical),
    bad("rsa-1024", "signed by an authority whose RSA key has 1,024 bits (the leaf's own can't be so short: rustls would not serve it)", "weak-key", "RFC 9325 4.5", wrong::rsa_1024),
    bad("sha1", "says that it was signed with SHA-1 (it was not: nothing here can)", "unsupported-signature", "RFC 9846 4.3.3", wrong::sha1),
    // the handshake
    Entry { manner: Manner::Requires, ..bad("certificate-required", "good, but the server insists on a certificate of yours", "certificate-required", "RFC 9846 4.5.1", wrong::good) },
    Entry { manner: Manner::OtherProtocol, ..bad("wrong-alpn", "good, but inside TLS the server speaks neither http/1.1 nor h2", "no-application-protocol", "RFC 7301 3.2", wrong::good) },
    Entry { manner: Manner::Tls12, ..bad("tls12-only", "good, but the server speaks TLS 1.2 and nothing newer", "protocol-version", "RFC 9846 4.3.1", wrong::good) },
];

const fn fine(name: &'static str, what: &'static str, rfc: &'static str, make: Make) -> Entry {
    Entry { name, what, code: None, rfc, key: Kind::P256, manner: Manner::Usual, make }
}

const fn bad(name: &'static str, what: &'static str, code: &'static str, rfc: &'static str, make: Make) -> Entry {
    Entry { name, what, code: Some(code), rfc, key: Kind::P256, manner: Manner::Usual, make }
}
