//! Long chains, from a leaf to a root far away.

use super::cases;

cases! {}
