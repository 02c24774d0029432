//! Accounts, passwords, tickets.

use super::Whose::{Client, Server, You};
use super::{Lesson, row};

#[rustfmt::skip] // a table
pub(super) const LESSONS: &[Lesson] = &[
    row("ticket-refused", Client, "the ticket is unknown, used before, expired, or another address's: which, the log of the auth service says", "get a new one, and show it once, within 30 s, from the address that asked for it", "ticket", "RFC 6455 10.5"),
    row("auth-unavailable", Server, "the auth service can't be asked whose a ticket is", "start it: ./server auth; or say where it is: ./server --auth URL", "ticket", ""),
    row("may-not-redeem", Client, "only a service may redeem tickets, and proves by its certificate which one it is", "ask for auth.services.test, with the certificate of ticket.services.test", "ticket", ""),
    row("wrong-password", Client, "there is no such account, or its password is another; nobody is told which", "type it again; to make an account: ./client register NAME", "ticket", "RFC 9110 15.5.2"),
    row("too-many-tries", Client, "too many wrong passwords for this account, or from this address", "wait as long as Retry-After says, then try again", "ticket", "RFC 6585 4"),
    row("too-busy", Server, "too many passwords are being checked at this moment", "try again in a few seconds", "ticket", "RFC 9110 15.6.4"),
    row("account-taken", Client, "somebody has an account of this name already", "choose another name", "ticket", "RFC 9110 15.5.10"),
    row("accounts-full", Server, "no more accounts are taken", "remove lines that nobody needs from the file of accounts", "ticket", ""),
    row("accounts-unavailable", Server, "the file of accounts can't be read or written at the moment", "the log of the auth service says why", "ticket", ""),
    row("accounts-damaged", Server, "a line of the file of accounts is none", "put back a copy, or mend the line, NAME:$argon2id$…; nothing is written to it meanwhile", "ticket", "RFC 9106 3.1"),
    row("bad-password", Client, "a password has 8 to 256 bytes", "take a sentence that nobody else would think of", "ticket", ""),
    row("no-hash", Server, "a password can't be hashed: there is no memory left for it", "look at what is left: free -m", "ticket", ""),
    row("passwords-differ", You, "the two passwords that were typed differ", "type the same twice", "ticket", ""),
    row("no-password", You, "the password can't be read", "type it at a terminal, or pipe one line: --password-stdin", "ticket", ""),
    row("no-ticket", You, "no ticket can be read where --ticket says", "--ticket - takes the first line of standard input, --ticket FILE that of a file", "ticket", ""),
    row("no-terminal", You, "a password is typed at a terminal, and this is none", "to take it from a pipe: --password-stdin", "ticket", ""),
    row("no-auth-service", You, "what answers there is not the auth service", "./server lists where each service is: --auth URL", "ticket", ""),
    row("foreign-origin", Client, "a page of another site asked the auth service", "only pages of our own ports may; a program leaves Origin away", "ticket", "RFC 6454 7"),
    row("not-json", Client, "the body of the request is not said to be JSON", "say so: Content-Type: application/json", "http", "RFC 9110 15.5.16"),
    row("bad-json", Client, "the body of the request is no JSON, or other JSON than was asked for", "send the members that the answer names", "http", "RFC 8259 2"),
];
