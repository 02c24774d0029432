#!/bin/sh
# Who notices a man in the middle, and in which words: `./wiretap --mitm` in each of its four ways, against the clients that are here.
#
# Prints a line for each way and client: refused or fooled, and the client's own words. All of them believe the lab's authority; in
# the last way, `trusted`, they believe the attacker's as well, as somebody does who has imported it. PADLOCK_CERTS: the lab's
# certificates. tests/mitm.txt is what it printed last; a test runs it again and compares. `--quick` leaves the browsers out.
set -eu
browsers='chromium firefox-esr'
[ "${1:-}" != --quick ] || browsers=
home=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
certs=${PADLOCK_CERTS:-$home/certs}
work=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

until_true() {
    deadline=$(($(date +%s) + 10))
    until "$@"; do
        [ "$(date +%s)" -lt $deadline ] || return 1
        sleep 0.05
    done
}
here() { command -v "$1" >/dev/null; }

# Says what a client did: its status, and the words that it left in $work/said.
told() {
    how=refused
    [ "$1" != 0 ] || how=fooled
    # Names of keys, fingerprints, places and times are of this one run.
    words=$(sed -e 's/\x1b\[[0-9;]*m//g' -e 's/;.*//' -e 's/ (SHA-256.*//' -e 's/[0-9A-F]\{8\}\b/…/g' "$work/said" | head -1)
    [ $how = refused ] || words=
    echo "$way | $2 | $how | $words"
}

"$home/server" web --port 0 --json >"$work/ports" 2>"$work/server.log" &
pids=$!
until_true [ -s "$work/ports" ]
server=$(sed -n 's/.*"web": *\([0-9]*\).*/\1/p' "$work/ports")

echo "way | client | verdict | its words"
for way in own-authority stolen-name self-signed trusted; do
    "$home/wiretap" 0 "localhost:$server" --mitm $way >/dev/null 2>"$work/tap" &
    tap=$!
    pids="$pids $tap"
    until_true grep -q 'listening on' "$work/tap"
    port=$(sed -n 's/.*listening on [^ ]*:\([0-9]*\).*/\1/p' "$work/tap" | head -1)
    cp "$certs/ca/root.crt" "$work/believed.crt"
    [ $way != trusted ] || cat "$certs/attacker/root.crt" >>"$work/believed.crt"
    url=https://localhost:$port/healthz

    status=0
    "$home/client" --cacert "$work/believed.crt" "$url" >/dev/null 2>"$work/said" || status=$?
    sed -i 's/^client: //' "$work/said"
    told $status "our client"
    if here openssl; then
        status=0
        openssl s_client -connect "localhost:$port" -servername localhost -verify_hostname localhost -verify_return_error \
            -CAfile "$work/believed.crt" </dev/null >/dev/null 2>"$work/raw" || status=$?
        sed -n 's/^verify error:num=\([0-9]*\):\(.*\)/\2 (\1)/p' "$work/raw" | tail -1 >"$work/said"
        told $status openssl
    fi
    if here curl; then
        status=0
        curl --silent --show-error --resolve "localhost:$port:127.0.0.1" --cacert "$work/believed.crt" "$url" >/dev/null 2>"$work/said" || status=$?
        told $status curl
    fi
    if here node; then
        status=0
        NODE_EXTRA_CA_CERTS=$work/believed.crt node -e "require('https').get('$url', r => process.exit(r.statusCode == 200 ? 0 : 1))
            .on('error', e => { console.error(e.code); process.exit(1) })" 2>"$work/said" || status=$?
        told $status node
    fi
    for browser in $browsers; do
        here "$browser" && here certutil && [ -d "$home/tests/browser/node_modules/puppeteer-core" ] || continue
        profile=$work/$browser-$way
        store=$profile/profile
        [ $browser = firefox-esr ] || store=$profile/.pki/nssdb
        mkdir -p "$profile/profile" "$store"
        certutil -d "sql:$store" -N --empty-password
        certutil -d "sql:$store" -A -n lab -t C,, -i "$certs/ca/root.crt"
        [ $way != trusted ] || certutil -d "sql:$store" -A -n attacker -t C,, -i "$certs/attacker/root.crt"
        echo "{\"command\":\"open\",\"url\":\"$url\"}" |
            HOME=$profile timeout 60 node "$home/tests/browser/drive.mjs" ${browser%-esr} "$(command -v $browser)" "$profile/profile" >"$work/raw" 2>/dev/null || :
        status=1
        ! grep -q '"status":200' "$work/raw" || status=0
        tail -1 "$work/raw" | grep -o 'net::[A-Z_]*\|[A-Z]*_ERROR_[A-Z_]*' | head -1 >"$work/said" || :
        [ -s "$work/said" ] || tail -1 "$work/raw" >"$work/said"
        told $status "$browser"
    done
    kill $tap
done
