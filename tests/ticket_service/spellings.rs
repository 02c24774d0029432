//! Options as they used to be written.

use super::common::Server;
use super::{
    common::{certs, program, run, text},
    lab::Auth,
    peer::tcp,
};
use padlock::authority::Places;

crate::cases!(
    [] host_port_ssl_cert_and_key_are_understood,
    [] what_makes_no_sense_is_said_before_anything_starts,
);

fn host_port_ssl_cert_and_key_are_understood() {
    let (chain, key) = (certs().join("server/localhost.fullchain.pem"), certs().join("private/localhost.key"));
    let own = ["--cert", chain.to_str().unwrap(), "--key", key.to_str().unwrap()];
    for (args, there, not_there) in [
        (&["--ssl", "1"][..], "ticket", "ticket-ws"),
        (&["--ssl"], "ticket", "ticket-ws"),
        (&["--ssl=1"], "ticket", "ticket-ws"),
        (&["--ssl", "0"], "ticket-ws", "ticket"),
    ] {
        let auth = Auth::start(&Places::new(certs()));
        let auth = format!("https://localhost:{}", auth.port);
        let all = [&["ticket", "--host", "localhost", "--port", "0", "--auth", &auth][..], &own, args].concat();
        let server = Server::start(&all);
        drop(tcp(&server, there));
        assert!(!server.services().contains(&not_there.to_owned()), "{args:?}: {:?}", server.services());
    }
}

fn what_makes_no_sense_is_said_before_anything_starts() {
    for args in [
        &["ticket", "--ssl", "2"][..],
        &["ticket", "--host", "nowhere"],
        &["ticket", "--auth", "http://localhost:8443"],
        &["ticket", "--auth", "https://localhost:port"],
        &["ticket", "--auth", "https://user@localhost/x"],
        &["ticket", "--auth-within", "0"],
        &["ticket", "--auth-within", "NaN"],
        &["ticket", "--close-codes", "seed"],
        &["ticket", "--close-codes", "rfc", "--compat-1011"],
        &["ticket-ws"],
    ] {
        let out = run(program("server", certs()).args(["--ticket-port", "0", "--ticket-ws-port", "0"]).args(args));
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out.stderr));
    }
}
