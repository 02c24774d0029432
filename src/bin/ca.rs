//! The authority: makes keys and requests, founds an authority, signs, shows, verifies, revokes.
//!
//! It is the only program that ever opens the authority's private keys. Each verb is one of the words, and says on
//! stderr which `openssl` command does the same.

use padlock::authority::Places;
use padlock::error::Result;
use std::path::Path;
use std::process::ExitCode;

#[path = "ca/chain.rs"]
mod chain;
#[path = "ca/doctor.rs"]
mod doctor;
#[path = "shared/failure.rs"]
mod failure;
#[path = "ca/graph.rs"]
mod graph;
#[path = "ca/make.rs"]
mod make;
#[path = "ca/options.rs"]
mod options;
#[path = "ca/say.rs"]
mod say;
#[path = "ca/serve.rs"]
mod serve;
#[path = "ca/show.rs"]
mod show;
#[path = "ca/sign.rs"]
mod sign;
#[path = "ca/verify.rs"]
mod verify;
#[path = "shared/watch.rs"]
mod watch;
#[path = "ca/withdraw.rs"]
mod withdraw;

use options::{Options, Verb};

fn main() -> ExitCode {
    let options: Options = failure::command_line();
    say::set_up(options.quiet);
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failure::tell("ca", options.json, &error);
            ExitCode::from(error.exit)
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let places = Places::of_program(nearest(&options.certs));
    match &options.verb {
        Verb::Key(key) => make::key(key),
        Verb::Request(request) => make::request(request),
        Verb::SelfSign(certificate) => make::self_sign(certificate),
        Verb::Chain(chain) => chain::chain(chain),
        Verb::Found(found) => sign::found(&places, found),
        Verb::Sign(sign) => sign::sign(&places, sign),
        Verb::Show(show) => show::show(show, options.json),
        Verb::Doctor(doctor) => doctor::doctor(&places, doctor, options.json),
        Verb::Serve(serve) => serve::serve(&places, serve),
        Verb::Verify(verify) => verify::verify(verify, options.json),
        Verb::Revoke(revoke) => withdraw::revoke(&places, revoke),
        Verb::Crl(crl) => withdraw::crl(&places, crl),
        Verb::List => withdraw::list(&places, options.json),
        Verb::Gallery => graph::gallery(&places),
        Verb::Due(due) => graph::due(&places, due),
        Verb::Alone(alone) => graph::alone(&places, alone),
    }
}

/// What is below the current directory is named from there: shorter to read, and to type again.
fn nearest(certs: &Path) -> &Path {
    let here = std::env::current_dir().unwrap_or_default();
    certs.strip_prefix(here).ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(certs)
}
