//! What can be typed in a chat. Each command works with a slash in front, too.

/// `chat bob`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Chat(String),
    Accept(String),
    Decline(String),
    Connect(String),
    /// To a person or a group.
    Msg(String, String),
    Send(String, String),
    Create(String),
    Join(String),
    Who,
    Help,
    Logout,
    /// Only in scripts: go on when a line with this text has been shown.
    Wait(String),
}

pub const HELP: &str = "\
chat NAME         ask NAME for a chat
accept NAME       agree to a chat, and wait for NAME to connect
decline NAME      do not, or stop waiting
connect NAME      connect to NAME, who has accepted
msg NAME TEXT     say something to a peer, or to a group
send NAME FILE    send a file to a peer
create GROUP      make a group
join GROUP        join it, and connect to its members
who               who is online
logout            leave";

/// The words that can be completed.
pub const WORDS: [&str; 11] = ["chat", "accept", "decline", "connect", "msg", "send", "create", "join", "who", "help", "logout"];

impl Command {
    /// Reads a line. `Err` says what is wrong with it; nothing at all is an empty one.
    pub fn parse(line: &str) -> Result<Option<Command>, String> {
        let line = line.trim();
        let line = line.strip_prefix('/').unwrap_or(line);
        let (verb, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(verb, rest)| (verb, rest.trim()));
        let one = |usage: &str| match rest {
            "" => Err(format!("usage: {usage}")),
            name if name.contains(char::is_whitespace) => Err(format!("a name has no spaces; usage: {usage}")),
            name => Ok(name.to_owned()),
        };
        let two = |usage: &str| match rest.split_once(char::is_whitespace) {
            Some((name, more)) if !more.trim().is_empty() => Ok((name.to_owned(), more.trim().to_owned())),
            _ => Err(format!("usage: {usage}")),
        };
        let command = match verb {
            "" => return Ok(None),
            "chat" => Command::Chat(one("chat NAME")?),
            "accept" => Command::Accept(one("accept NAME")?),
            "decline" | "cancel" => Command::Decline(one("decline NAME")?),
            "connect" => Command::Connect(one("connect NAME")?),
            "msg" => two("msg NAME TEXT").map(|(to, text)| Command::Msg(to, text))?,
            "send" => two("send NAME FILE").map(|(to, file)| Command::Send(to, file))?,
            "create" => Command::Create(one("create GROUP")?),
            "join" => Command::Join(one("join GROUP")?),
            "wait" => Command::Wait(rest.to_owned()),
            "who" => Command::Who,
            "help" => Command::Help,
            "logout" | "exit" | "quit" => Command::Logout,
            other => return Err(format!("there is no command {}; help lists all", padlock::error::printable(other))),
        };
        Ok(Some(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_work_with_and_without_a_slash() {
        let bob = || "bob".to_owned();
        for slash in ["", "/"] {
            let parse = |line: &str| Command::parse(&format!("{slash}{line}")).unwrap().unwrap();
            assert_eq!(parse("chat bob"), Command::Chat(bob()));
            assert_eq!(parse("connect  bob "), Command::Connect(bob()));
            assert_eq!(parse("msg bob  hello  you "), Command::Msg(bob(), "hello  you".into()));
            assert_eq!(parse("logout"), Command::Logout);
        }
        assert_eq!(Command::parse("  "), Ok(None));
        for wrong in ["chat", "chat a b", "msg bob", "msg", "unknown", "/", "send bob"] {
            assert!(!matches!(Command::parse(wrong), Ok(Some(_))), "{wrong}");
        }
    }
}
