//! The key schedule as a list of steps, each with its formula and its value: for a page, a terminal, and programs.

use super::hex;
use super::schedule::{Schedule, Secret};
use serde::{Serialize, Serializer};

/// One value of the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub name: &'static str,
    /// How it is made of those before it.
    pub formula: String,
    /// In hexadecimal. `None`: it can't be known here.
    pub value: Option<String>,
    /// Whether what we derive is what the session's key log says.
    pub agrees: Option<bool>,
    /// The keys that records are sealed with, for the secrets of which keys are made.
    pub key: Option<String>,
    pub iv: Option<String>,
    pub means: &'static str,
}

impl Schedule {
    /// From the two inputs to the last secret, in the order of the RFC's picture (RFC 9846 7.1).
    pub fn steps(&self) -> Vec<Step> {
        let zeros = hex(&vec![0; self.suite.hash_length()]);
        let psk = if self.resumed { self.psk.as_deref().map(hex) } else { Some(zeros) };
        let psk_means = if self.resumed {
            "what the ticket stands for; who did not see the session that gave it out can't know it"
        } else {
            "zeros: there was no ticket"
        };
        let mut steps = vec![
            step("PSK", "", psk, psk_means),
            step("Early Secret", "HKDF-Extract(0, PSK)", self.early.as_deref().map(hex), "where every schedule begins"),
            step(
                "shared secret",
                "(EC)DHE",
                self.shared.as_deref().map(hex),
                "what the two key shares agree on: the one thing a stranger can't have",
            ),
            step(
                "Handshake Secret",
                "HKDF-Extract(Derive-Secret(Early Secret, \"derived\"), shared secret)",
                self.handshake.as_deref().map(hex),
                "from here on it is secret",
            ),
        ];
        steps.extend(self.secrets.iter().take(2).map(|secret| self.secret_step(secret, "Handshake Secret")));
        steps.push(step(
            "Main Secret",
            "HKDF-Extract(Derive-Secret(Handshake Secret, \"derived\"), 0)",
            self.main.as_deref().map(hex),
            "for what comes after the handshake",
        ));
        steps.extend(self.secrets.iter().skip(2).map(|secret| self.secret_step(secret, "Main Secret")));
        steps
    }

    fn secret_step(&self, secret: &Secret, from: &str) -> Step {
        let keys = secret.value().filter(|_| secret.label.ends_with("traffic")).and_then(|value| self.suite.keys(value));
        let means = match secret.label {
            "c hs traffic" => "seals what the client says in the handshake",
            "s hs traffic" => "seals what the server says in the handshake",
            "c ap traffic" => "seals what the client says afterwards",
            "s ap traffic" => "seals what the server says afterwards",
            "exp master" => "for keys that programs ask for (RFC 9846 7.5)",
            _ => "for the PSKs of tickets",
        };
        Step {
            agrees: secret.agrees(),
            key: keys.as_ref().map(|keys| hex(&keys.key)),
            iv: keys.as_ref().map(|keys| hex(&keys.iv)),
            ..step(
                secret.label,
                &format!("Derive-Secret({from}, \"{}\", {})", secret.label, secret.context),
                secret.value().map(hex),
                means,
            )
        }
    }
}

fn step(name: &'static str, formula: &str, value: Option<String>, means: &'static str) -> Step {
    Step { name, formula: formula.into(), value, agrees: None, key: None, iv: None, means }
}

/// For [`Illustration`](super::Illustration).
pub fn serialize<S: Serializer>(schedule: &Option<Schedule>, serializer: S) -> Result<S::Ok, S::Error> {
    schedule.as_ref().map(Schedule::steps).serialize(serializer)
}
