use rustls::{Connection, HandshakeKind, pki_types::CertificateDer};

/// What the handshake agreed on, in the words of the registries.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Facts {
    /// `TLSv1.3`
    pub version: String,
    /// `TLS_AES_256_GCM_SHA384`
    pub suite: String,
    /// `X25519MLKEM768`; none in a TLS 1.2 session that was resumed.
    pub group: Option<String>,
    /// The name that the client asked for. Nobody asks for an IP address by SNI (RFC 6066 3).
    pub sni: Option<String>,
    pub alpn: Option<String>,
    /// Whether a ticket took the place of the certificates (RFC 9846 2.2).
    pub resumed: bool,
    /// The peer's certificates, leaf first.
    #[serde(skip)]
    pub peer_chain: Vec<CertificateDer<'static>>,
}

impl Facts {
    /// Reads them off a session whose handshake is over.
    pub fn of(session: &Connection) -> Facts {
        let suite = session.negotiated_cipher_suite().map(|s| format!("{:?}", s.suite()).replace("TLS13_", "TLS_"));
        let version = match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "unknown",
        };
        let sni = match session {
            Connection::Server(s) => s.server_name().map(str::to_owned),
            Connection::Client(_) => None,
        };
        Facts {
            version: version.into(),
            suite: suite.unwrap_or_default(),
            group: session.negotiated_key_exchange_group().map(|g| format!("{:?}", g.name())),
            sni,
            alpn: session.alpn_protocol().map(|p| String::from_utf8_lossy(p).into_owned()),
            resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
            peer_chain: session.peer_certificates().map(<[_]>::to_vec).unwrap_or_default(),
        }
    }
}
