//! The hello service, as other people's clients find it.

use super::cases;

cases! {}
