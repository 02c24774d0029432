//! Plain HTTP (port 8080): what must be reachable before TLS can be trusted. Everything else is moved to https.

use crate::{
    pages::{Site, healthz, missing, page_path},
    rooms::Topic,
    web::Web,
};
use padlock::{
    authority::Places,
    http::{self, Answer, Head, Response},
    key::pem::{self, Item},
    listener::Connection,
    websocket::{self, Origins},
};
use std::sync::Arc;

/// One connection, from its first byte to its last. `https`: where the pages are, if anywhere.
pub fn converse(connection: Connection, site: &Site, web: &Arc<Web>, https: Option<u16>) {
    let Connection { stream, remote, pass } = connection;
    let own = stream.socket().local_addr().map(|address| address.ip().to_string()).unwrap_or_default();
    let upgraded = http::serve(stream, remote, &pass, Head::target, |request| Ok(answer(&request.head, site, https, &own)));
    if let Some(upgraded) = upgraded {
        web.move_to_websocket(upgraded, remote, pass);
    }
}

/// What a request gets.
fn answer(head: &Head, site: &Site, https: Option<u16>, own: &str) -> Answer<Topic> {
    if !is_echo(head) {
        return page(head, site, https, own).into();
    }
    match websocket::upgrade(head, Origins::Own("http"), Topic::Echo.protocol()) {
        Ok(response) => Answer::Upgrade(response, Topic::Echo),
        Err(response) => response.into(),
    }
}

/// `ws://…/echo`, which says what it hears: so that one can see what a stranger hears of it, too.
fn is_echo(head: &Head) -> bool {
    head.path() == Topic::Echo.path() && websocket::is_upgrade(head)
}

/// The trust page, the lists of revoked certificates, `/healthz`; the rest is 308.
fn page(head: &Head, site: &Site, https: Option<u16>, own: &str) -> Response {
    let path = match page_path(head) {
        Ok(path) => path,
        Err(response) if response.status() != 405 => return response,
        Err(response) => return https.map_or(response, |port| redirect(head, port, own)),
    };
    if path == "/healthz" {
        return healthz();
    }
    let page = site.shared(&path).or_else(|| revocation_list(&path, site.places()));
    page.unwrap_or_else(|| https.map_or_else(|| missing(&path), |port| redirect(head, port, own)))
}

/// `/crl/root.crl` and `/crl/intermediate.crl`, read anew for each request: `./ca revoke` replaces them. They are signed, so
/// plain HTTP can't forge them; and fetching them over TLS would need the very check that they are for.
fn revocation_list(path: &str, places: &Places) -> Option<Response> {
    let which = match path {
        "/crl/root.crl" => "root",
        "/crl/intermediate.crl" => "intermediate",
        _ => return None,
    };
    // PEM on disk, for people and OpenSSL; DER here, as RFC 5280 4.2.1.13 has it.
    let list = pem::read(&places.crl(which)).ok().into_iter().flatten().find_map(|item| match item {
        Item::Crl(list) => Some(list.to_vec()),
        _ => None,
    });
    Some(match list {
        Some(list) => Response::made("application/pkix-crl", list),
        None => Response::error(404, "the authority has not signed this list yet; run: make certs"),
    })
}

/// 308 to the same path on https: the method stays too (RFC 9110 15.4.9). On the host that was asked for if it is one of ours,
/// `own` among them, or else on localhost: a redirect never leads to a stranger.
pub fn redirect(head: &Head, port: u16, own: &str) -> Response {
    let asked = host_name(head.host());
    let host = if is_ours(asked, own) { asked } else { "localhost" };
    let path = if head.path().starts_with('/') { head.path() } else { "/" };
    let query = if head.query().is_empty() { String::new() } else { format!("?{}", head.query()) };
    Response::redirect(&format!("https://{host}:{port}{path}{query}"))
}

/// `localhost` of `localhost:8080`, `[::1]` of `[::1]:8080`.
fn host_name(host: &str) -> &str {
    let end = host.rfind(']').map_or_else(|| host.find(':'), |bracket| Some(bracket + 1));
    end.and_then(|end| host.get(..end)).unwrap_or(host)
}

/// The lab's names and loopback addresses are always ours: nobody else can be reached by them.
fn is_ours(host: &str, own: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let lab = ["localhost", "test"].iter().any(|end| host.strip_suffix(end).is_some_and(|start| start.is_empty() || start.ends_with('.')));
    let address = host.trim_matches(['[', ']']);
    lab || address == own || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn location(request: &str) -> String {
        let Ok(http::Next::Head(head)) = http::read_head(&mut request.as_bytes(), &mut Vec::new()) else { panic!("{request}") };
        let mut out = Vec::new();
        http::respond(&mut out, &head, &redirect(&head, 1234, "192.0.2.1")).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("HTTP/1.1 308 "), "{text}");
        text.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap().to_string()
    }

    #[test]
    fn the_path_is_kept_and_a_strange_host_is_not() {
        let table = [
            ("GET /docs/tls?a=b HTTP/1.1\r\nHost: localhost:8080", "https://localhost:1234/docs/tls?a=b"),
            ("GET / HTTP/1.1\r\nHost: a.localhost", "https://a.localhost:1234/"),
            ("GET / HTTP/1.1\r\nHost: wrong.test", "https://wrong.test:1234/"),
            ("GET / HTTP/1.1\r\nHost: [::1]:8080", "https://[::1]:1234/"),
            ("GET / HTTP/1.1\r\nHost: 127.0.0.2:8080", "https://127.0.0.2:1234/"),
            ("GET / HTTP/1.1\r\nHost: 192.0.2.1", "https://192.0.2.1:1234/"),
            ("GET / HTTP/1.1\r\nHost: 192.0.2.2", "https://localhost:1234/"),
            ("GET / HTTP/1.1\r\nHost: evil.example", "https://localhost:1234/"),
            ("GET / HTTP/1.1\r\nHost: eviltest", "https://localhost:1234/"),
            ("GET /x HTTP/1.1\r\nHost: localhost.evil.example", "https://localhost:1234/x"),
            ("GET http://evil.example/x HTTP/1.1\r\nHost: localhost", "https://localhost:1234/x"),
            ("GET //evil.example/ HTTP/1.1\r\nHost: localhost", "https://localhost:1234//evil.example/"),
            ("OPTIONS * HTTP/1.1\r\nHost: localhost", "https://localhost:1234/"),
            ("GET / HTTP/1.0", "https://localhost:1234/"),
        ];
        for (request, expected) in table {
            assert_eq!(location(&format!("{request}\r\n\r\n")), expected, "{request}");
        }
    }
}
