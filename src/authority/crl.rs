//! The certificate revocation list: what the authority takes back (RFC 5280 5).

use super::ledger::Ledger;
use crate::error::{Error, Result, exit};
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber};
use std::str::FromStr;
use time::{Duration, OffsetDateTime};

/// A list older than this says nothing any more: whoever checks it has to fetch the next one.
pub const VALIDITY: Duration = Duration::days(30);

/// Why a certificate was taken back (RFC 5280 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reason {
    #[default]
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    PrivilegeWithdrawn,
    AaCompromise,
}

impl Reason {
    /// The reasons by the name that OpenSSL gives them on the command line and in the ledger.
    const NAMES: [(Reason, &'static str, RevocationReason); 9] = [
        (Reason::Unspecified, "unspecified", RevocationReason::Unspecified),
        (Reason::KeyCompromise, "keyCompromise", RevocationReason::KeyCompromise),
        (Reason::CaCompromise, "CACompromise", RevocationReason::CaCompromise),
        (Reason::AffiliationChanged, "affiliationChanged", RevocationReason::AffiliationChanged),
        (Reason::Superseded, "superseded", RevocationReason::Superseded),
        (Reason::CessationOfOperation, "cessationOfOperation", RevocationReason::CessationOfOperation),
        (Reason::CertificateHold, "certificateHold", RevocationReason::CertificateHold),
        (Reason::PrivilegeWithdrawn, "privilegeWithdrawn", RevocationReason::PrivilegeWithdrawn),
        (Reason::AaCompromise, "AACompromise", RevocationReason::AaCompromise),
    ];

    /// As the ledger has it. "Unspecified" is said by saying nothing (RFC 5280 5.3.1).
    pub fn spelling(self) -> Option<&'static str> {
        Reason::NAMES.iter().find(|(reason, ..)| *reason == self && self != Reason::Unspecified).map(|(_, name, _)| *name)
    }

    /// The reason that a list's entry gives by its number.
    pub fn from_code(code: u8) -> Option<Reason> {
        Reason::NAMES.iter().find(|(.., known)| *known as u8 == code).map(|(reason, ..)| *reason)
    }
}

impl FromStr for Reason {
    type Err = Error;

    fn from_str(text: &str) -> Result<Reason> {
        let found = Reason::NAMES.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(reason, ..)| *reason).ok_or_else(|| {
            let all = Reason::NAMES.map(|(_, name, _)| name).join(", ");
            Error::new("reason", format!("\"{}\" is no reason for a revocation", text.escape_default()))
                .hint(format!("one of {all}"))
                .exit(exit::USAGE)
        })
    }
}

/// Signs the list of all revoked entries of `ledger`, in PEM.
///
/// # Errors
/// The ledger holds what no list can say.
pub(super) fn sign(
    ledger: &Ledger,
    number: SerialNumber,
    issuer: &rcgen::Issuer<'_, rcgen::KeyPair>,
    key_identifier: &[u8],
) -> Result<String> {
    let now = OffsetDateTime::now_utc();
    let mut revoked: Vec<_> = ledger.revoked().collect();
    // By serial, as OpenSSL sorts them, so that both make the same list of one ledger.
    revoked.sort_by_key(|(entry, ..)| (entry.serial.len(), entry.serial.clone()));
    let revoked = revoked.into_iter().map(|(entry, at, reason)| {
        Ok(RevokedCertParams {
            serial_number: SerialNumber::from(bytes(&entry.serial)),
            revocation_time: at,
            reason_code: code(reason)?,
            invalidity_date: None,
        })
    });
    let list = CertificateRevocationListParams {
        this_update: now,
        next_update: now + VALIDITY,
        crl_number: number,
        issuing_distribution_point: None,
        revoked_certs: revoked.collect::<Result<_>>()?,
        key_identifier_method: KeyIdMethod::PreSpecified(key_identifier.to_vec()),
    };
    list.signed_by(issuer).and_then(|list| list.pem()).map_err(|e| Error::new("crl-failed", format!("can't sign the revocation list: {e}")))
}

/// The reason of a ledger line. OpenSSL may have added more after a comma, or used one of its three long forms.
fn code(reason: Option<&str>) -> Result<Option<RevocationReason>> {
    let Some(reason) = reason else { return Ok(None) };
    match reason.split(',').next().unwrap_or_default() {
        "unspecified" => Ok(None),
        "holdInstruction" => Ok(Some(RevocationReason::CertificateHold)),
        "keyTime" => Ok(Some(RevocationReason::KeyCompromise)),
        "CAkeyTime" => Ok(Some(RevocationReason::CaCompromise)),
        name => match Reason::NAMES.iter().find(|(_, known, _)| *known == name) {
            Some((_, _, code)) => Ok(Some(*code)),
            None => Err(Error::new(
                "ledger-damaged",
                format!("the ledger gives a reason that no revocation list knows: {}", name.escape_default()),
            )
            .hint("mend the line by hand (certs/README.md shows the columns)")),
        },
    }
}

/// The bytes of a ledger's hex. The ledger's parser has checked that it is hex of whole bytes.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
