//! Our client, towards our server and towards others.

use super::cases;

cases! {}
