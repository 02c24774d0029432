//! How failures are told: by all three programs, to people and to scripts, and by texts of others.

use super::common::{certs, checkout, program, run, scratch, sources, text};
use padlock::refusal::{Lesson, lesson, refusals};
use serde_json::Value;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

/// The one object that a program with `--json` prints when it fails.
fn told(command: &mut Command, status: i32) -> Value {
    let output = run(command);
    assert_eq!(output.status.code(), Some(status), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["error"].clone()
}

#[test]
fn each_program_fails_in_json_when_asked_to_and_for_a_wrong_command_line_too() {
    for (name, args) in [("client", &["https://localhost:1/", "--jsn"][..]), ("server", &["webb"]), ("ca", &["shw", "x"])] {
        let error = told(program(name, certs()).args(args).arg("--json"), 2);
        assert_eq!((&error["code"], &error["whose"]), (&"usage".into(), &"you".into()), "{name}: {error}");
        assert!(!error["hint"].as_str().unwrap().is_empty());
    }
    let error = told(program("client", certs()).args(["https://localhost:1/", "--json"]), 7);
    assert_eq!((&error["code"], &error["whose"], &error["chapter"]), (&"nobody-listens".into(), &"server".into(), &"listener".into()));
    let error = told(program("server", certs()).args(["web", "--port", "0", "--cert", "/nowhere", "--key", "/nowhere", "--json"]), 58);
    assert!(error["cause"].as_str().unwrap().contains("/nowhere"), "{error}");
    let chain = certs().join("server/localhost.fullchain.pem");
    let root = certs().join("ca/root.crt");
    let judged = ["verify", "--json", "--quiet", "--name", "wrong.test", "--cacert"];
    let error = told(program("ca", certs()).args(judged).arg(&root).arg(&chain), 60);
    assert_eq!((&error["code"], &error["asked"]), (&"wrong-name".into(), &"wrong.test".into()), "{error}");
    assert_eq!(error["names"][0]["name"], "DNS:localhost");
    assert!(error["certificate"]["serial"].as_str().unwrap().len() >= 16, "{error}");
}

/// The name of the file at fault is a field of its own, so that no script has to look for it in a sentence.
#[test]
fn a_failure_that_is_a_files_names_the_file_in_json() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let lab = |name: &str| certs().join(name).to_str().unwrap().to_string();
    let (chain, key, root) = (lab("server/localhost.fullchain.pem"), lab("private/localhost.key"), lab("ca/root.crt"));
    let (missing, empty, noise, here) = (path("missing"), path("empty"), path("noise"), path(""));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&noise, "this is no certificate").unwrap();
    let guest = lab("users/guest/guest.key");
    let table = [
        ("server", vec!["web", "--port", "0", "--cert", &missing, "--key", &key], &missing),
        ("server", vec!["web", "--port", "0", "--cert", &empty, "--key", &key], &empty),
        ("server", vec!["web", "--port", "0", "--cert", &here, "--key", &key], &here),
        ("server", vec!["web", "--port", "0", "--cert", &chain, "--key", &noise], &noise),
        ("server", vec!["web", "--port", "0", "--cert", &chain, "--key", &root], &root),
        ("server", vec!["web", "--port", "0", "--cert", &chain, "--key", &guest], &chain),
        ("client", vec!["https://localhost:1/", "--cacert", &missing], &missing),
        ("client", vec!["https://localhost:1/", "--cacert", &noise], &noise),
        ("client", vec!["https://localhost:1/", "--cacert", &chain], &chain),
        ("client", vec!["https://localhost:1/", "--crl", &root], &root),
        ("ca", vec!["show", &missing], &missing),
        ("ca", vec!["verify", "--cacert", &root, "--name", "localhost", &empty], &empty),
        ("ca", vec!["sign", &noise], &noise),
    ];
    for (name, args, file) in table {
        let output = run(program(name, certs()).args(&args).args(["--json"]));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{name} {args:?}: {}", text(&output.stderr)));
        assert_eq!(told["error"]["file"], file.as_str(), "{name} {args:?}: {told}");
    }
}

/// Whoever mistypes reads the same two lines as after any other failure.
#[test]
fn a_wrong_command_line_is_two_lines_cause_then_what_to_type() {
    let table: [(&str, &[&str], &str, &str); 9] = [
        ("server", &["--port", "abc"], "it is not a whole number", "as in: ./server [OPTIONS] [SERVICES]..."),
        ("server", &["--port", "99999"], "99999 is no port", "as in: ./server"),
        ("server", &["webb"], "invalid value 'webb'", "web"),
        ("client", &["--jsn"], "unexpected argument '--jsn'", "--json"),
        ("client", &["chatt", "alice"], "'chatt'", "'chat'"),
        ("client", &["-q", "enroll", "bob"], "'enroll'", "'enrol'"),
        ("ca", &["doctor"], "<FILE>", "as in: ./ca doctor [OPTIONS] <FILE>..."),
        ("ca", &[], "subcommand", "one of: key, request"),
        ("wiretap", &["x"], "it is not a whole number", "as in: ./wiretap"),
    ];
    for (name, args, cause, hint) in table {
        let output = run(program(name, certs()).args(args));
        let err = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{name} {args:?}: {err}");
        let (first, second) = err.trim_end().split_once('\n').unwrap_or_default();
        assert!(first.starts_with(&format!("{name}: ")) && first.contains(cause), "{name} {args:?}: {err}");
        assert!(
            second.starts_with(&format!("{name}: hint: ")) && second.contains(hint) && !second.contains('\n'),
            "{name} {args:?}: {err}"
        );
    }
}

#[test]
fn a_file_name_is_never_a_command_to_the_terminal() {
    for (name, args) in [("ca", &["show"][..]), ("ca", &["verify", "--name", "x.test", "--cacert"]), ("client", &["--cacert"])] {
        let output = run(program(name, certs()).args(args).arg(OsStr::from_bytes(b"a\x1b[31mb")).arg("x"));
        let said = text(&output.stderr) + &text(&output.stdout);
        assert!(!said.contains('\u{1b}') && !output.status.success(), "{name}: {said:?}");
    }
}

/// Made by `openssl req -new -newkey rsa:1024`.
const SHORT: &str = "-----BEGIN CERTIFICATE REQUEST-----\n\
MIIBejCB5AIBADAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwgZ8wDQYJKoZIhvcNAQEB\n\
BQADgY0AMIGJAoGBAMM5pMnkkw9ye8LjtrqT9jYjWZfgNcPnCbB+AK4NcSuGAcoZ\n\
STsYKrg5RIYfSAdFZGcpmf/mlXPiq5PCpVXvsN2dnuo6rd8k4QNky5/TtYcZH+AJ\n\
lEsBotAhXptBKgRW349cXM5Aeikq5kSIWgfUTvG0UAjXEQUElN9YZ2zZsl7DAgMB\n\
AAGgJzAlBgkqhkiG9w0BCQ4xGDAWMBQGA1UdEQQNMAuCCWxvY2FsaG9zdDANBgkq\n\
hkiG9w0BAQsFAAOBgQAFGuIC3KMiaVfiME2fI6THtz+T+dwnDgVQPJKnCXVS3w0M\n\
Ka6/mOXA1zdO8ML9z4JRmmAAunsDKBd8+KFiWCT0H2/4N0H0ZkTL1zsL5yFZJsnl\n\
8aqFnROWbXzCS6X8vQmztrvvwrUMw8DC5yXG3Fdx/WNPFngZ7bEwdRrGr8kWIw==\n\
-----END CERTIFICATE REQUEST-----\n\
";

#[test]
fn a_key_that_is_too_short_to_judge_by_is_called_that() {
    let folder = scratch();
    let file = folder.path().join("short.csr");
    std::fs::write(&file, SHORT).unwrap();
    let shown = text(&run(program("ca", certs()).args(["show", "--quiet"]).arg(&file)).stdout);
    assert!(shown.contains("not judged: RSA 1024 is too short to believe any signature") && !shown.contains("does NOT fit"), "{shown}");
}

fn explained(words: &[&str]) -> (Option<i32>, String, String) {
    let output = run(program("client", certs()).arg("explain").args(words));
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The first line of the answer names the codes.
fn leads_to_its_lesson(table: &[(&str, &str)]) {
    for (said, code) in table {
        let (status, out, err) = explained(&[said]);
        assert_eq!(status, Some(0), "{said}: {err}");
        let lesson = out.lines().find(|line| !line.starts_with('"')).unwrap_or_default();
        assert!(lesson.starts_with(&format!("{code}: ")), "{said}: {out}");
    }
}

/// What the field prints for each broken certificate, and what it may stand for.
#[test]
fn what_other_programs_print_leads_to_its_lesson() {
    leads_to_its_lesson(&[
        (
            "curl: (60) SSL certificate problem: unable to get local issuer certificate\nMore details here: https://curl.se/docs/sslcerts.html",
            "untrusted-issuer",
        ),
        ("verify error:num=21:unable to verify the first certificate", "missing-intermediate"),
        ("Verify return code: 19 (self-signed certificate in certificate chain)", "root-sent"),
        ("error 20 at 0 depth lookup", "untrusted-issuer"),
        ("curl: (60) SSL: no alternative certificate subject name matches target host name 'localhost'", "wrong-name"),
        ("curl: (35) error:0A00010B:SSL routines::wrong version number", "not-tls"),
        ("curl: (56) OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0", "certificate-required"),
        ("curl: (1) Received HTTP/0.9 when not allowed", "http-on-tls-port"),
        ("curl: (7)", "nobody-listens"),
        ("Error: self-signed certificate { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }", "self-signed"),
        ("code: 'ERR_TLS_CERT_ALTNAME_INVALID'", "wrong-name"),
        ("ERR_OSSL_X509_KEY_VALUES_MISMATCH", "key-mismatch"),
        ("NET::ERR_CERT_COMMON_NAME_INVALID", "wrong-name"),
        ("net::ERR_CERT_VALIDITY_TOO_LONG", "too-long"),
        ("Error code: SEC_ERROR_REUSED_ISSUER_AND_SERIAL", "serial-reused"),
        ("SSL_ERROR_RX_RECORD_TOO_LONG", "not-tls"),
        ("MOZILLA_PKIX_ERROR_CA_CERT_USED_AS_END_ENTITY", "ca-as-leaf"),
        ("invalid peer certificate: UnknownIssuer", "untrusted-issuer"),
        ("invalid peer certificate: BadSignature", "same-name-authority"),
        ("invalid peer certificate: Other(OtherError(UnsupportedCertVersion))", "v1"),
        ("certificate expired: verification time 1795204800 (UNIX), but certificate is not valid after 1", "expired"),
        ("received fatal alert: UnknownCA", "unknown-ca"),
        ("SSL alert number 116", "certificate-required"),
        ("keys may not be consistent: KeyMismatch", "key-mismatch"),
        ("close code 1009", "closed-1009"),
        ("1006", "closed-1006"),
        ("\u{1b}[31mNET::ERR_CERT_REVOKED\u{1b}[0m", "revoked"),
        ("name-constraint", "name-constraint"),
    ]);
}

#[test]
fn what_other_systems_and_languages_print_leads_to_its_lesson() {
    leads_to_its_lesson(&[
        // ws
        ("Error: Unexpected server response: 400", "upgrade-refused"),
        ("Error: Unexpected server response: 403", "wrong-origin"),
        ("Error: Unexpected server response: 404", "upgrade-refused"),
        ("Error: Unexpected server response: 426", "upgrade-refused"),
        // GnuTLS, and wget and apt above it
        ("*** PKI verification of server certificate failed...\n*** Fatal error: Error in the certificate.", "untrusted-issuer"),
        ("Status: The certificate is NOT trusted. The certificate issuer is unknown.", "untrusted-issuer"),
        ("Status: The certificate is NOT trusted. The certificate chain uses expired certificate. ", "expired"),
        ("Status: The certificate is NOT trusted. The name in the certificate does not match the expected. ", "wrong-name"),
        ("ERROR: The certificate of ‘localhost’ doesn't have a known issuer.", "untrusted-issuer"),
        ("The certificate's owner does not match hostname ‘wrong.test’", "wrong-name"),
        ("ERROR: The certificate of ‘localhost’ has expired.", "expired"),
        // Windows
        (
            "schannel: SEC_E_UNTRUSTED_ROOT (0x80090325) - The certificate chain was issued by an authority that is not trusted.",
            "untrusted-issuer",
        ),
        (
            "schannel: SNI or certificate check failed: SEC_E_WRONG_PRINCIPAL (0x80090322) - El nombre principal de destino es incorrecto.",
            "wrong-name",
        ),
        ("SEC_E_CERT_EXPIRED (0x80090328)", "expired"),
        ("CERT_E_UNTRUSTEDROOT", "untrusted-issuer"),
        ("schannel: next InitializeSecurityContext failed: CRYPT_E_NO_REVOCATION_CHECK (0x80092012)", "no-crl"),
        ("next InitializeSecurityContext failed: Unknown error (0x80092012) - Funkcja", "no-crl"),
        // .NET
        ("The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot", "untrusted-issuer"),
        ("The remote certificate is invalid because of errors in the certificate chain: PartialChain", "missing-intermediate"),
        ("The remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch", "wrong-name"),
        // Java, Go, Python
        (
            "javax.net.ssl.SSLHandshakeException: PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target",
            "untrusted-issuer",
        ),
        ("tls: failed to verify certificate: x509: certificate is valid for localhost, 127.0.0.1, not wrong.test", "wrong-name"),
        ("Get \"https://localhost:1234/\": unexpected EOF", "closed"),
        ("x509: “localhost” certificate is not trusted", "untrusted-issuer"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Missing Authority Key Identifier (_ssl.c:1010)", "certificate"),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1010)", "closed"),
        // OpenSSL
        ("error:0A00018A:SSL routines::dh key too small", "insufficient-security"),
        ("error:0A000152:SSL routines::unsafe legacy renegotiation disabled", "insufficient-security"),
        ("Could not read private key from a.key", "not-a-key"),
        ("unable to load Private Key", "not-a-key"),
        // Safari
        ("This Connection Is Not Private", "untrusted-issuer"),
        ("Safari Can’t Establish a Secure Connection to the Server", "protocol-version"),
    ]);
}

#[test]
fn what_nobody_knows_is_said_with_what_is_nearest() {
    let (status, out, err) = explained(&["unable to get locel isuer\u{1b}[2J"]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(err.contains("nothing is known of") && err.contains("nearest to it: \"") && !err.contains('\u{1b}'), "{err}");
    let error = told(program("client", certs()).args(["explain", "gibberish", "--json"]), 1);
    assert_eq!((&error["code"], error["nearest"].as_array().unwrap().len()), (&"unknown-text".into(), 0));
    for nonsense in ["hello world", "my server does not start", "npm ERR! code ELIFECYCLE", "panic: index out of range"] {
        let (status, _, err) = explained(&[nonsense]);
        assert!(status == Some(1) && err.contains("nothing that is known here comes near it; give the whole message"), "{err}");
    }
    let error = told(program("client", certs()).args(["explain", "unable to get locel isuer certifikate", "--json"]), 1);
    let near: Vec<_> = error["nearest"].as_array().unwrap().iter().map(|near| near["code"].as_str().unwrap()).collect();
    assert!(near[0] == "untrusted-issuer" && !near[1..].contains(&near[0]), "a lesson is named once: {near:?}");
}

#[test]
fn any_bytes_may_come_in_on_standard_input() {
    let folder = scratch();
    let file = folder.path().join("text");
    let wide: Vec<u8> = "UnknownIssuer".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let noise: Vec<u8> = (0..4 * 1024 * 1024u32).map(|at| (at.wrapping_mul(2654435761) >> 24) as u8).collect();
    let marked: Vec<u8> = "\u{feff}certificate’s owner…\r\nUnknownIssuer".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin = b"The certificate of \x91localhost\x92\xa0doesn\x92t\xa0have\xa0a known issuer".as_slice();
    for (bytes, status) in
        [(latin, 0), (&marked, 0), (&b"\xff\xfeUnknownIssuer\xff"[..], 0), (&wide, 0), (&noise, 1), (b"", 1), (&[b'\n'; 9999], 1)]
    {
        std::fs::write(&file, bytes).unwrap();
        let input = Stdio::from(std::fs::File::open(&file).unwrap());
        let output = program("client", certs()).args(["explain", "-"]).stdin(input).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", text(&output.stderr));
        let said = [output.stdout, output.stderr].concat();
        assert!(said.len() < 4096 && said.iter().all(|byte| *byte >= b' ' || *byte == b'\n'), "{}", text(&said));
    }
}

/// The chapter's table has a row for each code of a refusal, in the order of the lessons.
#[test]
fn the_table_of_the_chapter_is_that_of_the_refusals() {
    let chapter = std::fs::read_to_string(checkout().join("docs/refusal.md")).unwrap();
    let rows: Vec<&str> = chapter.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = refusals().map(row).collect();
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
    assert_eq!(rows.len(), expected.len());
}

fn row(lesson: &Lesson) -> String {
    let rfc = if lesson.rfc.is_empty() { String::new() } else { format!(", {}", lesson.rfc) };
    let (means, whose, cure) = (ticked(lesson.means), lesson.whose.in_words(), ticked(lesson.cure));
    format!("| `{}` | {means} | {whose} | {cure} | [{1}]({1}.md){rfc} |", lesson.code, lesson.chapter)
}

/// Addresses are typed, not followed.
fn ticked(sentence: &str) -> String {
    let tick = |word: &str| {
        let address = word.trim_end_matches([',', ';', ':', ')']);
        if word.contains("://") { format!("`{address}`{}", &word[address.len()..]) } else { word.into() }
    };
    sentence.split(' ').map(tick).collect::<Vec<_>>().join(" ")
}

/// Where the code of an error is picked at run time, and from which.
const PICKED: &[(&str, &[&str])] = &[
    ("src/bin/ca/doctor/file.rs", &[]), // those of `What::code`, which the next line names
    (
        "src/key/what.rs",
        &["empty", "byte-order-mark", "utf-16", "locked", "openssh", "pkcs12", "pkcs7", "other-pem", "damaged", "html", "unknown"],
    ),
    (
        "src/bin/client/account.rs",
        &["account-taken", "accounts-full", "bad-password", "policy", "too-busy", "wrong-password", "auth-refused"],
    ),
    ("src/bin/client/enrol.rs", &["certificate-exists", "name-taken", "not-yours", "unproved", "proof-outdated", "authority-refused"]),
    ("src/certificate/faults/names.rs", &["address-as-name", "odd-wildcard", "top-wildcard", "not-a-host", "dotted-end"]),
    ("src/file.rs", &["file-missing", "file-exists", "not-allowed", "disk-full", "disk-read-only", "is-a-directory", "not-a-directory"]),
    ("src/http/files.rs", &["root-missing", "root-has-keys"]),
    ("src/refusal/alert.rs", &["handshake-failure", "unknown-ca", "bad-certificate", "certificate-required", "access-denied"]),
    ("src/refusal/stream.rs", &["closed", "reset", "timed-out", "stream", "unknown-host", "cannot-connect", "nobody-listens"]),
];

/// Whoever meets a code can ask what it means.
#[test]
fn each_code_in_the_sources_has_a_lesson() {
    let mut codes = Vec::new();
    for (file, source) in sources("src", "rs") {
        let file = file.to_str().unwrap().to_string();
        let picked = PICKED.iter().find(|(where_it_is, _)| *where_it_is == file);
        for code in picked.iter().flat_map(|(_, codes)| *codes) {
            assert!(source.contains(&format!("\"{code}\"")), "{file} has no {code} any more");
            codes.push((file.clone(), code.to_string()));
        }
        // Up to its own tests, which make up codes.
        let ours = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (at, new) in ours.match_indices("Error::new(") {
            if ours[..at].ends_with("io::") {
                continue;
            }
            match ours[at + new.len()..].trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                Some((code, _)) => codes.push((file.clone(), code.into())),
                None => assert!(picked.is_some(), "{file} picks a code that nobody knows of: {}", ours[at..].lines().next().unwrap()),
            }
        }
    }
    assert!(codes.len() > 200, "only {} codes were found", codes.len());
    let unknown: Vec<_> = codes.iter().filter(|(_, code)| lesson(code).is_none()).collect();
    assert!(unknown.is_empty(), "no lesson: {unknown:?}");
}
