//! Plain HTTP.
use crate::pages::Site;
use padlock::listener::Connection;
pub fn converse(_connection: Connection, _site: &Site, _https: Option<u16>) {}
