//! What is printed.

use crate::load::Sample;
use std::time::Duration;

const WIDTH: usize = 26;

pub fn head() {
    println!("{:WIDTH$}{:>10}  {:^32}{:>11}", "", "operations", "server's CPU per operation, µs", "padlock");
    println!("{:WIDTH$}{:>10}{:>12}{:>12}{:>10}{:>11}{:>8}", "", "per second", "padlock", "naive", "raw TCP", "/ naive", "failed");
}

/// `samples`: of padlock, the naive reference, raw TCP.
pub fn row(name: &str, samples: &[Sample; 3]) {
    let idle = samples[0].time.is_zero();
    let rate = if idle { "KiB each:".into() } else { grouped(samples[0].done as f64 / samples[0].time.as_secs_f64()) };
    let cost = samples.map(|sample| if idle { sample.memory } else { sample.cpu.as_secs_f64() * 1e6 / sample.done as f64 });
    let [padlock, naive, raw] = cost.map(|cost| number(cost, 1));
    let ratio = number(cost[0] / cost[1], 2);
    println!("{name:WIDTH$}{rate:>10}{padlock:>12}{naive:>12}{raw:>10}{ratio:>11}{:>8}", failed(samples));
}

/// `samples`: of padlock and of `openssl s_server`, which is its own row because the columns are others.
pub fn beside_openssl(name: &str, samples: &[Sample; 2]) {
    let rates = samples.map(|sample| grouped(sample.done as f64 / sample.time.as_secs_f64()));
    let cost = samples.map(|sample| sample.cpu.as_secs_f64() * 1e6 / sample.done as f64);
    println!("\n{:WIDTH$}{:^22}  {:^22}{:>11}", "", "operations per second", "CPU per operation, µs", "padlock");
    println!("{:WIDTH$}{:>11}{:>11}  {:>11}{:>11}{:>11}{:>8}", "", "padlock", "openssl", "padlock", "openssl", "/ openssl", "failed");
    let [ours, theirs] = cost.map(|cost| number(cost, 1));
    let failed = samples.map(|sample| sample.failed).iter().sum::<u64>();
    println!("{name:WIDTH$}{:>11}{:>11}  {ours:>11}{theirs:>11}{:>11}{failed:>8}", rates[0], rates[1], number(cost[0] / cost[1], 2));
}

/// A row with nothing beside it. `p99`: within which time 99 of 100 deliveries were heard.
pub fn alone(name: &str, sample: &Sample, p99: Option<Duration>) {
    println!("\n{:WIDTH$}{:>11}{:>22}{:>12}{:>8}", "", "per second", "CPU per operation, µs", "p99, ms", "failed");
    let rate = grouped(sample.done as f64 / sample.time.as_secs_f64());
    let cost = number(sample.cpu.as_secs_f64() * 1e6 / sample.done as f64, 1);
    let p99 = p99.map_or("-".into(), |time| number(time.as_secs_f64() * 1e3, 2));
    println!("{name:WIDTH$}{rate:>11}{cost:>22}{p99:>12}{:>8}", sample.failed);
}

/// A row about memory, with nothing beside it.
pub fn memory(name: &str, sample: &Sample) {
    println!("\n{:WIDTH$}{:>11}{:>8}", "", "KiB each", "failed");
    println!("{name:WIDTH$}{:>11}{:>8}", number(sample.memory, 1), sample.failed);
}

pub fn foot() {
    println!(
        "\nMeasured: CPU time of the server's process alone, all threads, per handshake, echo, delivery or page; of a chat, of both peers."
    );
    println!("Compare: padlock / naive, which depends least on the machine. Operations per second depend on the generator too.");
}

/// Which part of the operations failed: 0, or of whom how many.
fn failed(samples: &[Sample; 3]) -> String {
    let parts = ["padlock", "naive", "raw TCP"].iter().zip(samples).filter(|(_, sample)| sample.failed > 0);
    let parts: Vec<String> = parts.map(|(who, s)| format!("{who} {} of {}", s.failed, s.done + s.failed)).collect();
    if parts.is_empty() { "0".into() } else { format!("  {}", parts.join(", ")) }
}

/// A dash where nothing was done that could be divided by.
fn number(number: f64, digits: usize) -> String {
    if number.is_finite() { format!("{number:.digits$}") } else { "-".into() }
}

/// 12345.6 as `12,346`.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b',')).unwrap()
}
