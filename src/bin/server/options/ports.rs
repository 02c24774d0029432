//! Which services are started, and where each listens.

use super::Options;
use clap::ValueEnum;
use padlock::{error::Result, listener::Listener, ticket::Auth};
use std::{fmt::Write, net::SocketAddr};

/// The usual port of the pages.
const WEB: u16 = 1234;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// HTTPS and wss on one port
    Web,
    /// Lines over bare TLS, between two sides that both prove a name
    Hello,
    /// WebSockets that begin with a ticket: wss, and ws to compare
    Ticket,
    /// The second port of ticket
    #[value(skip)]
    TicketWs,
    /// Accounts and tickets, over HTTPS
    Auth,
    /// Introduces people to each other, who then talk directly
    Chat,
    /// Plain HTTP: sends people to HTTPS, and serves what must not need it
    Plain,
}

impl Options {
    /// The services to start, each with its address.
    pub fn services(&self) -> Vec<(Service, SocketAddr)> {
        let all = [Service::Web, Service::Hello, Service::Ticket, Service::TicketWs, Service::Auth, Service::Chat, Service::Plain];
        all.into_iter()
            .filter(|service| self.starts(*service))
            .map(|service| (service, SocketAddr::new(self.listen, self.port_of(service))))
            .collect()
    }

    pub fn starts(&self, service: Service) -> bool {
        let named = |service| self.services.is_empty() || self.services.contains(&service);
        match service {
            Service::Ticket => named(service) && self.ssl.as_deref() != Some("0"),
            Service::TicketWs => named(Service::Ticket) && self.ssl.as_deref() != Some("1"),
            service => named(service),
        }
    }

    pub fn starts_tickets(&self) -> bool {
        self.starts(Service::Ticket) || self.starts(Service::TicketWs)
    }

    fn port_of(&self, service: Service) -> u16 {
        match (service, self.port) {
            (_, Some(port)) if self.services == [service] => port,
            (Service::TicketWs, Some(port)) if self.services == [Service::Ticket] && !self.starts(Service::Ticket) => port,
            (Service::Web, port) => port.unwrap_or(WEB),
            (Service::Hello, _) => self.hello_port,
            (Service::Ticket, _) => self.ticket_port,
            (Service::TicketWs, _) => self.ticket_ws_port,
            (Service::Auth, _) => self.auth_port,
            (Service::Chat, _) => self.chat_port,
            (Service::Plain, _) => self.plain_port,
        }
    }

    /// Where our own pages come from, as a browser says it (`Origin`): from this process, or from another on the usual ports.
    pub fn origins(&self, ports: &[(Service, Listener)]) -> Vec<String> {
        let port = |service, usual| address_of(ports, service).map_or(usual, |address| address.port());
        let web = self.port.filter(|_| self.starts(Service::Web)).unwrap_or(WEB);
        let from = [
            ("https", 443, port(Service::Web, web)),
            ("https", 443, port(Service::Ticket, self.ticket_port)),
            ("http", 80, port(Service::Plain, self.plain_port)),
        ];
        // A browser leaves the scheme's own port out.
        let end = |usual, port| if port == usual { String::new() } else { format!(":{port}") };
        let hosts = ["localhost", "127.0.0.1", "[::1]"];
        from.iter().flat_map(|(scheme, usual, port)| hosts.map(|host| format!("{scheme}://{host}{}", end(*usual, *port)))).collect()
    }

    /// Host and port of the auth service that is asked about tickets: as `--auth` says, else the one of this process.
    pub fn auth(&self, ports: &[(Service, Listener)]) -> Result<(String, u16)> {
        let Some(url) = &self.auth else {
            let here = address_of(ports, Service::Auth).filter(|address| !address.ip().is_unspecified());
            return Ok(here.map_or(("localhost".into(), self.auth_port), |address| (address.ip().to_string(), address.port())));
        };
        Auth::place(url)
    }

    /// What listens where: for people, or with --json for programs.
    pub fn table(&self, ports: &[(Service, Listener)]) -> String {
        if self.json {
            return format!("{}\n", by_name(ports));
        }
        let mut table = String::new();
        for (service, listener) in ports {
            let (address, name) = (listener.address(), service.name());
            let host = if address.ip().is_loopback() { "localhost".to_owned() } else { address.ip().to_string() };
            let _ = match service {
                Service::Web => writeln!(table, "{name:<7}https://{host}:{0}/  wss://{host}:{0}/", address.port()),
                Service::Ticket => writeln!(table, "{name:<7}wss://{host}:{}/", address.port()),
                Service::TicketWs => writeln!(table, "{:<7}ws://{host}:{}/", "ticket", address.port()),
                Service::Auth => writeln!(table, "{name:<7}https://{host}:{}/", address.port()),
                Service::Hello | Service::Chat => writeln!(table, "{name:<7}tls://{host}:{}", address.port()),
                Service::Plain => writeln!(table, "{name:<7}http://{host}:{}/", address.port()),
            };
        }
        table
    }
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Service::Web => "web",
            Service::Hello => "hello",
            Service::Ticket => "ticket",
            Service::TicketWs => "ticket-ws",
            Service::Auth => "auth",
            Service::Chat => "chat",
            Service::Plain => "plain",
        }
    }
}

/// Where a service listens, if it does.
fn address_of(ports: &[(Service, Listener)], service: Service) -> Option<SocketAddr> {
    ports.iter().find(|(other, _)| *other == service).map(|(_, listener)| listener.address())
}

/// The port of each service, for programs and pages.
pub fn by_name(ports: &[(Service, Listener)]) -> serde_json::Value {
    let map = ports.iter().map(|(service, listener)| (service.name().to_owned(), listener.address().port().into()));
    serde_json::Value::Object(map.collect())
}
