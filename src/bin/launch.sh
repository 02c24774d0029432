#!/bin/sh
# ./server, ./client, ./ca and ./wiretap all come here: build what has changed, then become the program.
#
# `make && ./server & ./client` starts ./client before make has ended. That is fine: cargo lets one build at a time into
# target/, so the second one waits ("Blocking waiting for file lock") and then finds everything done. The command line
# is the Makefile's, so nothing is compiled twice. A build that fails ends the launcher, too.
#
#   PADLOCK_BIN    run the programs in this folder, build nothing
#   PADLOCK_CERTS  where the lab's certificates are; certs/ of this checkout unless set
set -eu
name=$1 home=$2
shift 2
export PADLOCK_CERTS="${PADLOCK_CERTS:-$home/certs}"
[ -z "${PADLOCK_BIN:-}" ] || exec "$PADLOCK_BIN/$name" "$@"

target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$home/$target ;; esac
program=$target/release/$name

# In a checkout that can't be written, or without cargo, what was built before must do.
if [ -x "$program" ]; then
    [ -w "$target" ] && command -v cargo >/dev/null || exec "$program" "$@"
elif ! command -v cargo >/dev/null; then
    echo "$name: there is no cargo here to build me" >&2
    echo "$name: hint: install Rust, see https://rustup.rs, and open a new terminal" >&2
    exit 1
fi

[ -x "$program" ] || echo "$name: is built first; that takes a few minutes, once" >&2

# Whether to build is always cargo's decision. This only keeps it from reporting that there was nothing to do.
quiet=
if [ -x "$program" ] && [ -z "$(cd "$home" && find Cargo.toml Cargo.lock src docs www -newer "$program" 2>/dev/null)" ]; then
    quiet=--quiet
fi
# cargo fetches over TLS, too, and would begin the reader's key log, for all to read.
(cd "$home" && unset SSLKEYLOGFILE && exec cargo build --release --locked $quiet) </dev/null >&2
exec "$program" "$@"
