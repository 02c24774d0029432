//! Chat between people, and how they come by their certificates.

use super::Whose::{Client, Either, Server, You};
use super::{Lesson, row};

#[rustfmt::skip] // a table
pub(super) const LESSONS: &[Lesson] = &[
    row("turned-away", Client, "the directory lets nobody in under this certificate now: the name is there already, or it is full", "log out where the name is used, or wait until somebody has left", "chat", ""),
    row("directory-lost", Either, "the connection to the directory ended before it let us in", "its log says more; is the certificate the lab's, and valid? ./ca show certs/users/NAME/fullchain.pem", "chat", ""),
    row("directory-silent", Server, "whoever answers at the directory's address ends no handshake with a welcome, and so is no directory", "look at what listens there; ./server lists its services, chat among them", "chat", ""),
    row("chat-over", Either, "the chat ended before the peer had all of the file", "connect again, and send it again", "chat", ""),
    row("file-wrong", Either, "the file that came is not the one that was announced; nothing of it was kept", "let it be sent again", "chat", ""),
    row("received-full", Either, "whoever receives has as many files in received/ as may be there", "tidy up there, and let it be sent again", "chat", ""),
    row("old-crl", Server, "the revocation list that came is older than the one we have, which is kept", "nothing to do here; whoever sent it needs the new one: ./ca crl", "chat", "RFC 5280 5.2.3"),
    row("script", You, "a line that the script waits for did not come", "a wait takes text of a line that comes after the last one waited for", "chat", ""),
    row("certificate-exists", Client, "there is a valid certificate for this name, and there is only one at a time", "use it; if its key is lost: ./ca revoke NAME; in the last third of its life it can be renewed", "request", ""),
    row("name-taken", Client, "there is a valid certificate for this name with another country or organisation", "ask with the same as before, or for another name", "request", ""),
    row("not-yours", Client, "the request asks for another name than the one that was proved", "make it for that name: ./client enrol NAME", "request", ""),
    row("proof-outdated", Client, "the certificate that was shown is not the one that is valid for this name now", "prove the name by the account: remove the old chain, then ./client enrol NAME", "request", ""),
    row("unproved", Client, "the request came without a ticket or a certificate, so nobody knows whose it is", "./client enrol NAME brings a ticket; by hand: Authorization: Bearer TICKET", "request", "RFC 6750 2.1"),
    row("authority-refused", Either, "the authority refused the request for a reason without a name of its own", "read what it says", "request", ""),
    row("authority-failed", Server, "the authority could not sign", "whoever runs ./ca serve finds the reason in its log", "authority", ""),
    row("auth-refused", Either, "the auth service refused for a reason without a name of its own", "read what it says", "ticket", ""),
];
