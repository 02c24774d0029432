//! Numbers say nothing without the name of who gave them.

/// What stands before a number, and who then means it. The number follows at once.
const GIVEN_BY: &[(&str, Table)] = &[
    ("num=", verify_code),
    ("verify return code: ", verify_code),
    ("verify error ", verify_code),
    ("verify code ", verify_code),
    ("verify ", verify_code),
    ("openssl ", verify_code),
    ("curl: (", curl_exit),
    ("curl (", curl_exit),
    ("curl ", curl_exit),
    ("exit code ", curl_exit),
    ("exit status ", curl_exit),
    ("exit ", curl_exit),
    ("alert number ", alert),
    ("alert ", alert),
    ("close code ", close_code),
    ("close code: ", close_code),
    ("closed with ", close_code),
    ("closed: ", close_code),
    ("code ", close_code),
    ("code: ", close_code),
    ("code=", close_code),
    ("error ", verify_code), // error 20 at 0 depth lookup
];

type Table = fn(u16) -> Option<String>;

/// The first number of the text whose giver is known; of a number alone, what it means for each.
pub(super) fn in_text(text: &str) -> Option<(String, String)> {
    if let Ok(number) = text.parse::<u16>() {
        let all = [close_code, verify_code, curl_exit, alert].iter().filter_map(|table| table(number)).collect::<Vec<_>>();
        return (!all.is_empty()).then(|| (text.to_string(), all.join(" ")));
    }
    GIVEN_BY.iter().find_map(|(giver, table)| {
        text.match_indices(giver).find_map(|(at, _)| {
            let joined = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
            let digits: String = text[at + giver.len()..].chars().take_while(char::is_ascii_digit).collect();
            let codes = digits.parse().ok().filter(|_| !joined).and_then(table)?;
            Some((format!("{giver}{digits}"), codes))
        })
    })
}

/// OpenSSL's verify codes (X509_V_ERR_…).
fn verify_code(number: u16) -> Option<String> {
    let codes = match number {
        2 | 20 => "untrusted-issuer missing-intermediate",
        3 | 33 | 44 | 54 => "no-crl",
        4 | 7 | 76..=78 => "tampered same-name-authority",
        5 | 8 => "foreign-crl",
        6 | 13 | 14 | 24 | 41 | 42 | 56 => "malformed",
        9 => "not-yet-valid",
        10 => "expired",
        11 | 12 | 15 | 16 => "stale-crl",
        18 => "self-signed",
        19 => "root-sent self-signed",
        21 => "missing-intermediate untrusted-issuer",
        22 => "too-deep",
        23 => "revoked",
        25 | 38 => "path-length",
        26 => "wrong-usage",
        27 | 28 => "untrusted-issuer",
        29..=31 => "same-name-authority untrusted-issuer",
        32 | 37 | 79 => "leaf-as-ca ca-as-leaf",
        34 | 36 | 45 => "unknown-critical",
        35 => "foreign-crl",
        39 => "wrong-usage",
        47 | 48 | 51..=53 => "name-constraint",
        62..=64 => "wrong-name",
        66 | 67 => "weak-key",
        68 => "unsupported-signature",
        _ => return None,
    };
    Some(codes.into())
}

/// curl's exit statuses; ours are the same.
fn curl_exit(number: u16) -> Option<String> {
    let codes = match number {
        1 => "http-on-tls-port bad-url",
        2 => "usage",
        3 => "bad-url",
        6 => "unknown-host",
        7 => "nobody-listens cannot-connect",
        18 => "cut-short",
        22 => "http-error upgrade-refused",
        23 => "stdout",
        28 => "timed-out",
        35 => "handshake-failure not-tls protocol-version",
        52 => "empty-reply",
        55 => "reset",
        56 => "certificate-required unknown-ca reset closed",
        58 => "key-mismatch not-a-certificate not-a-key",
        59 => "nothing-in-common",
        60 | 51 => "untrusted-issuer missing-intermediate wrong-name expired self-signed",
        77 => "not-a-certificate file-failed no-authority",
        80 => "closed",
        82 => "crl-damaged",
        83 => "untrusted-issuer",
        90 => "pinned-key",
        98 => "certificate-required",
        _ => return None,
    };
    Some(codes.into())
}

/// The alerts of TLS (RFC 9846 6).
fn alert(number: u16) -> Option<String> {
    let alert = rustls::AlertDescription::from(u8::try_from(number).ok()?);
    Some(crate::refusal::alert::code(alert)).filter(|code| *code != "alert").map(str::to_string)
}

/// The close codes of a WebSocket (RFC 6455 7.4).
fn close_code(number: u16) -> Option<String> {
    let code = format!("closed-{number}");
    if crate::refusal::lesson(&code).is_some() {
        return Some(code);
    }
    (1000..=4999).contains(&number).then(|| "closed-with-code".into())
}
