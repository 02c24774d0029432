//! The two messages that everybody on the way can read: ClientHello and ServerHello (RFC 9846 4.2.2, 4.2.3).

use super::records::{Fields, Records};

/// What a client offers, as far as this lab looks at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHello {
    pub suites: Vec<u16>,
    /// supported_versions; empty before TLS 1.3.
    pub versions: Vec<u16>,
    /// supported_groups, best first.
    pub groups: Vec<u16>,
    /// The groups that a key share was sent for at once.
    pub shares: Vec<u16>,
    /// server_name (SNI): there for all to read.
    pub server_name: Option<String>,
    /// application_layer_protocol_negotiation (ALPN).
    pub protocols: Vec<String>,
    /// Whether it offers to resume an earlier session.
    pub resumes: bool,
}

/// What the server chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerHello {
    pub suite: u16,
    /// From supported_versions; without it, what *legacy_version* says.
    pub version: u16,
    pub group: Option<u16>,
    /// It is a HelloRetryRequest: the client must send another key share.
    pub retry: bool,
    pub resumes: bool,
}

/// The random value that marks a ServerHello as HelloRetryRequest (RFC 9846 4.2.3).
pub const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
    0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The type of the handshake message (RFC 9846 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const ALPN: u16 = 16;
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;

impl ClientHello {
    /// The hello in a stranger's first bytes, records and all, if it has come as a whole.
    pub fn first_of(bytes: &[u8]) -> Option<ClientHello> {
        let mut records = Records::default();
        records.push(bytes);
        let mut message = Vec::new();
        while let Some(record) = records.take() {
            message.extend_from_slice(&record.body);
        }
        let mut fields = Fields(&message);
        (fields.take(1)? == [CLIENT_HELLO]).then_some(())?;
        ClientHello::read(fields.vector(3)?.0)
    }

    /// Reads the message without its header of type and length. `None`: it is not all there.
    pub fn read(message: &[u8]) -> Option<ClientHello> {
        let mut fields = Fields(message);
        fields.take(2 + 32)?; // legacy_version, random
        fields.vector(1)?; // legacy_session_id
        let mut hello = ClientHello { suites: fields.vector(2)?.all_u16(), ..ClientHello::default() };
        fields.vector(1)?; // legacy_compression_methods
        if fields.is_empty() {
            return Some(hello); // before TLS 1.2 there may be no extensions
        }
        let mut extensions = fields.vector(2)?;
        while !extensions.is_empty() {
            let (kind, mut body) = (extensions.u16()?, extensions.vector(2)?);
            match kind {
                SERVER_NAME => hello.server_name = server_name(body),
                SUPPORTED_GROUPS => hello.groups = body.vector(2)?.all_u16(),
                ALPN => hello.protocols = protocols(body)?,
                SUPPORTED_VERSIONS => hello.versions = body.vector(1)?.all_u16(),
                KEY_SHARE => hello.shares = shares(body)?,
                PRE_SHARED_KEY => hello.resumes = true,
                _ => {}
            }
        }
        Some(hello)
    }
}

impl ServerHello {
    /// Reads the message without its header of type and length. `None`: it is not all there.
    pub fn read(message: &[u8]) -> Option<ServerHello> {
        let mut fields = Fields(message);
        let version = fields.u16()?;
        let retry = fields.take(32)? == RETRY;
        fields.vector(1)?; // legacy_session_id_echo
        let mut hello = ServerHello { version, retry, suite: fields.u16()?, ..ServerHello::default() };
        fields.take(1)?; // legacy_compression_method
        if fields.is_empty() {
            return Some(hello);
        }
        let mut extensions = fields.vector(2)?;
        while !extensions.is_empty() {
            let (kind, mut body) = (extensions.u16()?, extensions.vector(2)?);
            match kind {
                SUPPORTED_VERSIONS => hello.version = body.u16()?,
                KEY_SHARE => hello.group = Some(body.u16()?),
                PRE_SHARED_KEY => hello.resumes = true,
                _ => {}
            }
        }
        Some(hello)
    }
}

/// The first host name of the list; others are not in use (RFC 6066 3).
fn server_name(mut body: Fields<'_>) -> Option<String> {
    let mut list = body.vector(2)?;
    list.take(1)?; // name_type host_name
    Some(String::from_utf8_lossy(list.vector(2)?.0).into_owned())
}

pub fn protocols(mut body: Fields<'_>) -> Option<Vec<String>> {
    let (mut list, mut names) = (body.vector(2)?, Vec::new());
    while !list.is_empty() {
        names.push(String::from_utf8_lossy(list.vector(1)?.0).into_owned());
    }
    Some(names)
}

fn shares(mut body: Fields<'_>) -> Option<Vec<u16>> {
    let (mut list, mut groups) = (body.vector(2)?, Vec::new());
    while !list.is_empty() {
        groups.push(list.u16()?);
        list.vector(2)?; // the share itself
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (ClientHello::read(&bytes), ServerHello::read(&bytes), ClientHello::first_of(&bytes));
        }
    }

    #[test]
    fn a_hello_cut_short_anywhere_is_none_or_less() {
        let mut hello = vec![3, 3];
        hello.extend([7; 32]);
        hello.extend([0, 0, 4, 0x13, 0x01, 0x13, 0x02, 1, 0]);
        let extensions = [
            &[0, 0, 0, 14, 0, 12, 0, 0, 9][..],
            b"localhost",
            &[0, 43, 0, 3, 2, 3, 4, 0, 10, 0, 4, 0, 2, 0, 29, 0, 51, 0, 7, 0, 5, 0, 29, 0, 1, 9],
            &[0, 16, 0, 11, 0, 9, 8],
            b"http/1.1",
        ]
        .concat();
        hello.extend((extensions.len() as u16).to_be_bytes());
        hello.extend(&extensions);
        let read = ClientHello::read(&hello).unwrap();
        let expected = ClientHello {
            suites: vec![0x1301, 0x1302],
            versions: vec![0x0304],
            groups: vec![29],
            shares: vec![29],
            server_name: Some("localhost".into()),
            protocols: vec!["http/1.1".into()],
            resumes: false,
        };
        assert_eq!(read, expected);
        let before_extensions = hello.len() - extensions.len() - 2;
        for length in 0..hello.len() {
            assert_eq!(ClientHello::read(&hello[..length]).is_some(), length == before_extensions, "{length}");
        }
    }
}
