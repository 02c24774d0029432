//! Names outside of what the authority above may speak for (RFC 5280 4.2.1.10).

use crate::certificate::parse;
use crate::error::{Error, Result};
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::{GeneralName, GeneralSubtree};

/// So many comparisons of names with constraints; a hostile pair of certificates could ask for millions of millions.
const COMPARISONS: usize = 250_000;

/// The names of `leaf` that `authority` may not sign for, as one fault.
///
/// # Errors
/// One of them is not DER as RFC 5280 4.1 has it.
pub fn outside(leaf: &CertificateDer<'_>, authority: &CertificateDer<'_>) -> Result<Option<Error>> {
    let (below, above) = (parse(leaf)?, parse(authority)?);
    let (Ok(Some(names)), Ok(Some(constraints))) = (below.subject_alternative_name(), above.name_constraints()) else { return Ok(None) };
    let compared = |name: &&GeneralName<'_>| matches!(name, GeneralName::DNSName(_) | GeneralName::IPAddress(_));
    let names: Vec<_> = names.value.general_names.iter().filter(compared).collect();
    let constraints = constraints.value;
    let permitted = constraints.permitted_subtrees.as_deref().unwrap_or_default();
    let excluded = constraints.excluded_subtrees.as_deref().unwrap_or_default();
    if names.len().saturating_mul(permitted.len() + excluded.len()) > COMPARISONS {
        return Ok(Some(fault("more names and constraints than anybody compares".into(), &super::subject(above.subject()))));
    }
    let refused = names.iter().find(|name| {
        let mut same_kind = permitted.iter().filter(|tree| is_same_kind(tree, name)).peekable();
        (same_kind.peek().is_some() && !same_kind.any(|tree| covers(tree, name))) || excluded.iter().any(|tree| covers(tree, name))
    });
    Ok(refused.map(|name| fault(super::name(name).to_string(), &super::subject(above.subject()))))
}

fn fault(name: String, authority: &str) -> Error {
    let (name, authority) = (crate::error::printable(&name), crate::error::printable(authority));
    Error::new("name-constraint", format!("{authority} may not speak for {name}, which it signed")).hint(
        "leave the name out, or have another authority sign; with openssl: nameConstraints=permitted;DNS:NAME for the authority; here it signs localhost, *.localhost and *.test alone: ./ca sign server localhost",
    )
}

fn is_same_kind(tree: &GeneralSubtree<'_>, name: &GeneralName<'_>) -> bool {
    std::mem::discriminant(&tree.base) == std::mem::discriminant(name)
}

fn covers(tree: &GeneralSubtree<'_>, name: &GeneralName<'_>) -> bool {
    match (&tree.base, name) {
        (GeneralName::DNSName(domain), GeneralName::DNSName(host)) => {
            let (domain, host) = (domain.trim_start_matches('.').to_ascii_lowercase(), host.to_ascii_lowercase());
            domain.is_empty() || host.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
        (GeneralName::IPAddress(subnet), GeneralName::IPAddress(address)) if subnet.len() == 2 * address.len() => {
            let (network, mask) = subnet.split_at(address.len());
            address.iter().zip(network).zip(mask).all(|((byte, network), mask)| byte & mask == network & mask)
        }
        _ => false, // other kinds are filtered out before
    }
}
