# make            everything that ./server and ./client need: the programs and the lab's certificates
# make help       all targets

# Where the certificates lie; the name is the programs' own.
PADLOCK_CERTS ?= certs
C := $(PADLOCK_CERTS)
CA := $(or $(CAROOT),$C/ca)
CARGO ?= cargo
# Where cargo leaves the programs.
BUILT := $(abspath $(or $(CARGO_TARGET_DIR),target))/release
export PADLOCK_CERTS

all: build certs                ## (the default) the programs and the certificates

build:                          ## the programs
	@$(if $(PADLOCK_BIN),,$(CARGO) build --release --locked)

client server ca wiretap:       ## one program
	@$(CARGO) build --release --locked --bin $@

# The certificates are made by the graph below. `ca alone` lets no second `make certs` in meanwhile.
certs: build                    ## the authority and what it signs; makes anew only what is no longer good
	@PADLOCK_BIN=$${PADLOCK_BIN:-$(BUILT)} ./ca alone $(MAKE) --no-print-directory graph

clean-certs:                    ## throws them all away, the authority with its keys as well
	@rm -rf $(addprefix $C/,ca private server users gallery services crl .making)

test:                           ## all tests; installs nothing
	@RUST_TEST_THREADS=$${RUST_TEST_THREADS:-4} $(CARGO) test --release --locked --no-fail-fast

check:                          ## the whole gate, as CI runs it
	@.ci/check

capture: build certs            ## a capture of one conversation, and the line that proves TLS 1.3
	@tests/capture.sh

bench:                          ## handshakes, echo, fan-out, GET, memory, beside raw TCP and a naive server
	@$(CARGO) bench --locked

clean:                          ## what was built; the certificates stay
	@$(CARGO) clean

help:                           ## this list
	@sed -n 's/^\([a-z -]*\):[^#]*## /  make \1: /p' $(firstword $(MAKEFILE_LIST))
	@echo '  PADLOCK_CERTS=DIR, CAROOT=DIR: where the certificates lie (certs), and the authority (certs/ca)'

# --- the graph: key -> request -> certificate, each step a command that can be typed -------------------------------

# The names of the lab's own server. After a change: rm $C/server/localhost.csr, then make certs.
SERVER_NAMES := localhost 127.0.0.1 ::1

# The programs that call each other: auth is asked whose a ticket is, the others ask.
SERVICES := auth ticket authority

CHAINS := $C/server/localhost.fullchain.pem $C/users/guest/fullchain.pem $(SERVICES:%=$C/services/%/fullchain.pem)
LISTS := $C/crl/root.crl $C/crl/intermediate.crl
# Certificates that are wrong on purpose; the last file of them stands for all.
GALLERY := $C/gallery/revoked.crl

# Dates and a re-made authority do not show in a file's time: `ca due` looks inside, and names what is no longer good.
ifeq ($(MAKECMDGOALS),graph)
DUE := $(shell ./ca due $(CHAINS) $(LISTS) $(GALLERY))
ifneq ($(.SHELLSTATUS),0)
$(error the certificates can't be checked)
endif
$(DUE): again
endif
again:

graph: $(CHAINS) $(LISTS) $(GALLERY)
	@:

$(CA)/intermediate.crt:
	./ca found

$C/private/localhost.key:
	./ca key $@

$C/server/localhost.csr: $C/private/localhost.key
	./ca request --key $< $(SERVER_NAMES:%=--name %) --out $@

$C/server/localhost.fullchain.pem: $C/server/localhost.csr $(CA)/intermediate.crt
	./ca sign $<

$C/users/guest/guest.key:
	./ca key $@

$C/users/guest/guest.csr: $C/users/guest/guest.key
	./ca request --key $< --name guest.users.test --out $@

$C/users/guest/fullchain.pem: $C/users/guest/guest.csr $(CA)/intermediate.crt
	./ca sign $< --out $@

define service
$C/services/$1/$1.key:
	./ca key $$@

$C/services/$1/$1.csr: $C/services/$1/$1.key
	./ca request --key $$< --name $1.services.test --out $$@

$C/services/$1/fullchain.pem: $C/services/$1/$1.csr $(CA)/intermediate.crt
	./ca sign $$< --out $$@
endef
$(foreach name,$(SERVICES),$(eval $(call service,$(name))))

$(GALLERY): $(CA)/intermediate.crt
	./ca gallery

$C/crl/%.crl: $(CA)/intermediate.crt
	./ca crl $*

.PHONY: all build client server ca wiretap certs clean-certs test check capture bench clean help again graph
