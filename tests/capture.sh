#!/bin/sh
# `make capture`: one session of ./client with ./server as a stranger on the wire sees it, and the secrets to look inside.
#
# Prints one line that the ServerHello alone proves, and leaves in captures/ (or the folder given):
#   stranger.pcapng  every packet, as anyone on the way can have it
#   padlock.keylog   the session's secrets, as SSLKEYLOGFILE leaves them (RFC 9850)
#   padlock.pcapng   the packets with the secrets inside, so that Wireshark opens them with no further setting
set -eu
home=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
folder=${1:-$home/captures}
umask 077 # whoever reads these reads the session

say() { echo "capture: $*" >&2; }
for tool in tshark editcap; do
    command -v $tool >/dev/null || { say "$tool is not installed"; say "hint: apt install tshark, or your system's Wireshark"; exit 1; }
done
mkdir -p "$folder"
work=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Waits until a command succeeds. Nothing here takes long, so ten seconds mean that something is wrong.
until_true() {
    deadline=$(($(date +%s) + 10))
    until "$@"; do
        [ "$(date +%s)" -lt $deadline ] || return 1
        sleep 0.05
    done
}

# The server picks its ports and says them in its first line.
SSLKEYLOGFILE=$work/keys "$home/server" web --json --port 0 >"$work/ports" 2>"$work/server.log" &
pids=$!
until_true [ -s "$work/ports" ] || { cat "$work/server.log" >&2; exit 1; }
port=$(sed -n 's/.*"web": *\([0-9]*\).*/\1/p' "$work/ports")

# The file appears once packets are being taken.
tshark -q -i lo -f "tcp port $port" -w "$work/raw" 2>"$work/tshark.log" &
tshark=$!
pids="$pids $tshark"
until_true [ -s "$work/raw" ] || {
    say "tshark can't listen on lo: $(grep -v '^Running as\|^ \*\*' "$work/tshark.log" | head -1)"
    say "hint: sudo dpkg-reconfigure wireshark-common, join the group wireshark, log in again; or run this as root"
    exit 1
}

echo hello | "$home/client" "wss://localhost:$port/" >&2

# Both sides have said goodbye: nothing more will come.
goodbyes() { [ "$(tshark -r "$work/raw" -Y 'tcp.flags.fin == 1' 2>/dev/null | wc -l)" -ge 2 ]; }
until_true goodbyes || say "the capture has no end; it may lack packets"
kill -INT $tshark
wait $tshark || :

cp "$work/raw" "$folder/stranger.pcapng"
cp "$work/keys" "$folder/padlock.keylog"
editcap --inject-secrets "tls,$work/keys" "$work/raw" "$folder/padlock.pcapng"

# The proof is in the clear: this reads the stranger's capture. -V has tshark's names for the numbers.
hello=$(tshark -o tls.keylog_file: -r "$folder/stranger.pcapng" -d "tcp.port==$port,tls" -Y 'tls.handshake.type == 2' -V 2>/dev/null)
field() { echo "$hello" | sed -n "s/^ *$1: *//p" | tail -1; }
version=$(field 'Supported Version')
case $version in
*0x0304*) ;;
*) say "no ServerHello with supported_versions 0x0304 was seen, but ${version:-none}"; exit 1 ;;
esac
# tshark names the group when it knows it; version 4.0 is older than X25519MLKEM768 (RFC 10024).
group=$(echo "$hello" | sed -n 's/^ *Key Share Entry: Group: \([^,]*\),.*/\1/p')
case $group in *4588*) group="X25519MLKEM768 (0x11ec)" ;; esac
echo "ServerHello: supported_versions $version, cipher suite $(field 'Cipher Suite'), key share group $group"
say "hint: wireshark ${folder#"$PWD/"}/padlock.pcapng, then type tls.handshake.type == 2 as the filter (docs/wire.md)"
