//! The tables of the doctor's tests: commands, files, and what the doctor says of them.

/// A command as old instructions give it, the file of answers to what it asks for, the file that it makes, the doctor's
/// faults, and words of their cures.
type Command = (&'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

pub const COMMANDS: [Command; 14] = [
    ("openssl genrsa -out ryans-key.pem 2048", "", "ryans-key.pem", &[], &[]),
    (
        "openssl req -new -sha256 -key ryans-key.pem -out ryans-csr.pem",
        "answers",
        "ryans-csr.pem",
        &["no-names"],
        &["-addext subjectAltName=DNS:localhost", "./ca request"],
    ),
    (
        "openssl x509 -req -in ryans-csr.pem -signkey ryans-key.pem -out ryans-cert.pem",
        "",
        "ryans-cert.pem",
        &["v1", "no-names"],
        &["-extfile", "subjectAltName=DNS:localhost", "./ca self-sign"],
    ),
    ("openssl genrsa -out server.pem 1024", "", "server.pem", &["key-too-short"], &["genrsa -out NEW.key 2048", "./ca key"]),
    (
        "openssl req -new -key server.pem -out server-csr.pem",
        "answers",
        "server-csr.pem",
        &["key-too-short", "no-names"],
        &["-addext", "2048"],
    ),
    (
        "openssl x509 -req -in server-csr.pem -signkey server.pem -out server-cert.pem",
        "",
        "server-cert.pem",
        &["v1", "no-names", "key-too-short"],
        &["-extfile", "2048"],
    ),
    ("openssl genrsa -out client.pem 1024", "", "client.pem", &["key-too-short"], &["2048"]),
    ("openssl req -new -key client.pem -out client-csr.pem", "answers", "client-csr.pem", &["key-too-short", "no-names"], &["-addext"]),
    (
        "openssl x509 -req -in client-csr.pem -signkey client.pem -out client-cert.pem",
        "",
        "client-cert.pem",
        &["v1", "no-names", "key-too-short"],
        &["-extfile"],
    ),
    ("openssl genrsa -out auth.key 4096", "", "auth.key", &[], &[]),
    (
        "openssl req -new -x509 -days 1000 -key auth.key -out auth.crt",
        "authority",
        "auth.crt",
        &["no-cert-sign"],
        &["-addext keyUsage=critical,keyCertSign,cRLSign", "./ca found"],
    ),
    (
        "openssl x509 -req -days 30 -in ryans-csr.pem -CA auth.crt -CAkey auth.key -set_serial 1 -out server.crt",
        "",
        "server.crt",
        &["v1", "no-names", "serial"],
        &["-extfile", "-set_serial", "./ca sign server localhost"],
    ),
    (
        "openssl req -new -x509 -days 1000 -key ryans-key.pem -out self.crt",
        "answers",
        "self.crt",
        &["no-names", "ca-as-leaf", "too-long"],
        &["-addext basicConstraints=critical,CA:FALSE", "-addext", "-days 90"],
    ),
    (
        "openssl pkcs12 -export -passout pass: -in ryans-cert.pem -inkey ryans-key.pem -out ryans.pfx",
        "",
        "ryans.pfx",
        &["pkcs12"],
        &["openssl pkcs12 -in"],
    ),
];

/// How OpenSSL makes one kind of file out of another.
pub const CONVERSIONS: [&str; 13] = [
    "pkey -in k.key -traditional -out sec1.key",
    "genrsa -out rsa.key 2048",
    "pkey -in rsa.key -traditional -out rsa1.key",
    "pkey -in k.key -aes256 -passout pass:x -out locked.key",
    "pkey -in rsa.key -traditional -aes256 -passout pass:x -out old.key",
    "pkey -in k.key -pubout -out k.pub",
    "ecparam -name secp256k1 -genkey -noout -out coin.key",
    "x509 -in k.crt -outform der -out k.der",
    "pkey -in k.key -outform der -out key.der",
    "pkcs12 -export -passout pass: -in k.crt -inkey k.key -out k.p12",
    "crl2pkcs7 -nocrl -certfile k.crt -out k.p7b",
    "crl2pkcs7 -nocrl -certfile k.crt -outform der -out k.p7c",
    "crl -in certs/crl/root.crl -outform der -out root.crl",
];

/// A file, what the doctor calls it, and its faults.
type Kind = (&'static str, &'static str, &'static [&'static str]);

pub const KINDS: [Kind; 26] = [
    ("k.key", "a private key (PKCS#8, PEM): ECDSA P-256", &[]),
    ("sec1.key", "a private key (SEC1, PEM): ECDSA P-256", &[]),
    ("rsa.key", "a private key (PKCS#8, PEM): RSA 2048", &[]),
    ("rsa1.key", "a private key (PKCS#1, PEM): RSA 2048", &[]),
    ("coin.key", "a private key (SEC1, PEM): ECDSA secp256k1", &["key-kind"]),
    ("locked.key", "a private key locked with a passphrase (PKCS#8)", &["locked"]),
    ("old.key", "a private key locked with a passphrase (Proc-Type: 4,ENCRYPTED)", &["locked"]),
    ("ssh.key", "a key of OpenSSH", &["openssh"]),
    ("key.der", "a private key (SEC1, DER): ECDSA P-256", &["der"]),
    ("k.pub", "a public key (PEM): ECDSA P-256", &[]),
    ("k.crt", "a certificate (PEM): CN=localhost, signed by itself", &[]),
    ("crlf.crt", "a certificate (PEM): CN=localhost", &[]),
    ("k.der", "a certificate (DER): CN=localhost", &["der"]),
    ("bom.crt", "a certificate (PEM): CN=localhost", &["byte-order-mark"]),
    ("wide.crt", "in UTF-16", &["utf-16"]),
    ("k.csr", "a certificate request (PEM): CN=localhost", &[]),
    ("certs/crl/root.crl", "a revocation list (PEM) of O=Padlock, CN=Padlock Root", &[]),
    ("root.crl", "a revocation list (DER) of O=Padlock, CN=Padlock Root", &[]),
    ("certs/ca/root.crt", "an authority's certificate (PEM): O=Padlock, CN=Padlock Root", &[]),
    ("k.p12", "a PKCS#12 bundle", &["pkcs12"]),
    ("k.p7b", "a PKCS#7 bundle", &["pkcs7"]),
    ("k.p7c", "a PKCS#7 bundle", &["pkcs7"]),
    ("torn.crt", "damaged PEM: it breaks off, or is no base64, at line 1", &["damaged"]),
    ("dh.pem", "PEM of a kind that is of no use here: DH PARAMETERS", &["other-pem"]),
    ("empty.pem", "empty", &["empty"]),
    ("noise", "neither PEM nor DER", &["unknown"]),
];
