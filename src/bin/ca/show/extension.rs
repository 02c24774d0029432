//! Extensions (RFC 5280 4.2), which say most of what matters in a certificate.

use super::{Field, Group};
use padlock::certificate::{colons, date, escape, extended_key_usage, extension_name, key_usage, name};
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension, X509Extension};

/// All of `extensions`, each by its name.
pub fn describe<'a>(extensions: impl IntoIterator<Item = &'a X509Extension<'a>>) -> Group {
    let mut group = Group::default();
    for extension in extensions {
        let mut fields = Group::default();
        fields.add("extnID", extension.oid.to_id_string());
        fields.add("critical", extension.critical);
        fields.add("extnValue", value(extension));
        group.add(&extension_name(&extension.oid), fields);
    }
    group
}

fn value(extension: &X509Extension<'_>) -> Field {
    use ParsedExtension as P;
    match extension.parsed_extension() {
        P::AuthorityKeyIdentifier(id) => one("keyIdentifier", id.key_identifier.as_ref().map_or_else(|| "none".into(), |id| colons(id.0))),
        P::SubjectKeyIdentifier(id) => colons(id.0).into(),
        P::KeyUsage(usage) => key_usage(usage).into(),
        P::ExtendedKeyUsage(usage) => extended_key_usage(usage).into(),
        P::SubjectAlternativeName(san) => names(&san.general_names).into(),
        P::IssuerAlternativeName(ian) => names(&ian.general_names).into(),
        P::BasicConstraints(basic) => {
            let mut group = Group::default();
            group.add("cA", basic.ca);
            if let Some(length) = basic.path_len_constraint {
                group.add("pathLenConstraint", u64::from(length));
            }
            group.into()
        }
        P::NameConstraints(constraints) => {
            let mut group = Group::default();
            for (title, trees) in
                [("permittedSubtrees", &constraints.permitted_subtrees), ("excludedSubtrees", &constraints.excluded_subtrees)]
            {
                if let Some(trees) = trees {
                    group.add(title, trees.iter().map(|tree| name(&tree.base).to_string()).collect::<Vec<_>>());
                }
            }
            group.into()
        }
        P::CRLDistributionPoints(points) => {
            points.iter().flat_map(|point| places(point.distribution_point.as_ref())).collect::<Vec<_>>().into()
        }
        P::AuthorityInfoAccess(access) => access
            .accessdescs
            .iter()
            .map(|a| format!("{}: {}", a.access_method.to_id_string(), name(&a.access_location)))
            .collect::<Vec<_>>()
            .into(),
        P::CertificatePolicies(policies) => policies.iter().map(|p| p.policy_id.to_id_string()).collect::<Vec<_>>().into(),
        P::CRLNumber(number) => u64::try_from(number).map_or_else(|_| number.to_string().into(), Field::Number),
        P::ReasonCode(reason) => escape(&reason.to_string()).into(),
        P::InvalidityDate(at) => date(at.to_datetime()).into(),
        P::SCT(list) => list.iter().map(|sct| format!("log {}", colons(sct.id.key_id))).collect::<Vec<_>>().into(),
        P::ParseError { .. } => format!("can't be read: {}", colons(extension.value)).into(),
        _ => colons(extension.value).into(),
    }
}

fn names(list: &[GeneralName<'_>]) -> Vec<String> {
    list.iter().map(|general| name(general).to_string()).collect()
}

fn places(point: Option<&DistributionPointName<'_>>) -> Vec<String> {
    match point {
        Some(DistributionPointName::FullName(list)) => names(list),
        _ => Vec::new(),
    }
}

fn one(title: &str, value: String) -> Field {
    let mut group = Group::default();
    group.add(title, value);
    group.into()
}
