//! Rust source as a page: highlighted, its lines numbered, its definitions findable.

use padlock::http::escape;
use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use std::collections::HashMap;

/// One file, ready to be shown.
pub struct Source {
    path: &'static str,
    anchor: String,
    html: String,
    /// `accept`, `Head::field` → line.
    items: HashMap<String, usize>,
}

impl Source {
    /// `anchor` stands before each line's number in its id.
    pub fn new(path: &'static str, text: &str, anchor: String) -> Source {
        let tokens = tokens(text);
        Source { path, html: lines(&tokens, &anchor), items: definitions(&tokens), anchor }
    }

    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The anchor of the file as a whole.
    pub fn id(&self) -> String {
        format!("file-{}", self.path.trim_end_matches(".rs").replace('/', "-"))
    }

    /// The anchor of the line that defines this item.
    pub fn definition(&self, item: &str) -> Option<String> {
        self.items.get(item).map(|line| format!("{}L{line}", self.anchor))
    }

    pub fn html(&self) -> String {
        let (id, path) = (self.id(), escape(self.path));
        format!(
            "<figure class=\"file\" id=\"{id}\">\n<figcaption>src/{path}</figcaption>\n<pre class=\"rust\"><code>{}</code></pre>\n</figure>\n",
            self.html
        )
    }
}

/// A fragment of Rust in a chapter.
pub fn fragment(text: &str) -> String {
    tokens(text).iter().map(|token| span(token.class, token.text)).collect()
}

struct Token<'a> {
    text: &'a str,
    class: &'static str,
    line: usize,
}

const KEYWORDS: [&str; 38] = [
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn", "for", "if", "impl",
    "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "Self", "static", "struct", "super", "trait",
    "true", "type", "unsafe", "use", "where", "while",
];

/// Cuts a source into tokens, each with the class that it is shown in. White space has none.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut rest, mut line, mut tokens) = (text, 1, Vec::new());
    for token in tokenize(text, FrontmatterAllowed::No) {
        let (piece, more) = rest.split_at(token.len as usize);
        rest = more;
        tokens.push(Token { text: piece, class: class(token.kind, piece, rest), line });
        line += piece.matches('\n').count();
    }
    tokens
}

fn class(kind: TokenKind, text: &str, next: &str) -> &'static str {
    match kind {
        TokenKind::LineComment { doc_style: Some(_) } | TokenKind::BlockComment { doc_style: Some(_), .. } => "doc",
        TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => "comment",
        TokenKind::Literal { kind: LiteralKind::Int { .. } | LiteralKind::Float { .. }, .. } => "number",
        TokenKind::Literal { .. } => "string",
        TokenKind::Lifetime { .. } | TokenKind::RawLifetime => "lifetime",
        TokenKind::Ident if KEYWORDS.contains(&text) => "keyword",
        TokenKind::Ident if next.starts_with('!') && !next.starts_with("!=") => "macro",
        TokenKind::Ident if next.starts_with('(') => "call",
        TokenKind::Ident if text.len() > 1 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') => "constant",
        TokenKind::Ident if text.starts_with(|c: char| c.is_ascii_uppercase()) => "type",
        TokenKind::Ident | TokenKind::RawIdent => "name",
        TokenKind::Whitespace => "",
        _ => "sign",
    }
}

fn span(class: &str, text: &str) -> String {
    match class {
        // Most tokens look like plain text, and a page of spans for them would weigh a lot.
        "" | "name" | "sign" => escape(text),
        _ => format!("<span class=\"{class}\">{}</span>", escape(text)),
    }
}

/// Each line in a span of its own, with its number before it. A token may go over several lines.
fn lines(tokens: &[Token], anchor: &str) -> String {
    let mut lines = vec![String::new()];
    for token in tokens {
        for (at, piece) in token.text.split('\n').enumerate() {
            if at > 0 {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut()
                && !piece.is_empty()
            {
                line.push_str(&span(token.class, piece));
            }
        }
    }
    // The last new line ends the last line; it begins no other.
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let line = |(at, line): (usize, &String)| {
        let number = at + 1;
        format!(
            "<span class=\"line\" id=\"{anchor}L{number}\"><a class=\"number\" href=\"#{anchor}L{number}\" tabindex=\"-1\">{number}</a>{line}\n</span>"
        )
    };
    lines.iter().enumerate().map(line).collect()
}

/// Whose members stand between two braces.
enum Scope {
    /// `impl Head {…}`, `enum Next {…}`
    Members(String),
    /// A body, or anything else.
    Body,
}

/// Where each item is defined: functions, types and constants by name, members as `Type::name`. The first one counts, so that a
/// test module at the end of a file hides nothing.
fn definitions(tokens: &[Token]) -> HashMap<String, usize> {
    let code: Vec<&Token> = tokens.iter().filter(|token| !["", "comment", "doc"].contains(&token.class)).collect();
    let mut items = HashMap::new();
    let mut scopes: Vec<Scope> = Vec::new();
    let mut next = Scope::Body;
    for (at, token) in code.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| code.get(at)).map_or("", |token| token.text);
        let after = code.get(at + 1).filter(|token| !["keyword", "sign"].contains(&token.class));
        match (token.text, after) {
            ("{", _) => scopes.push(std::mem::replace(&mut next, Scope::Body)),
            ("}", _) => drop(scopes.pop()),
            ("impl", _) if ["", "}", ";", "]", "{", "unsafe"].contains(&before) => {
                next = Scope::Members(implemented(code.get(at + 1..).unwrap_or_default()))
            }
            ("fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "mod", Some(name)) => {
                let full = match scopes.last() {
                    Some(Scope::Members(owner)) => format!("{owner}::{}", name.text),
                    _ => name.text.to_string(),
                };
                items.entry(full).or_insert(name.line);
                let has_members = ["struct", "enum", "trait"].contains(&token.text);
                next = if has_members { Scope::Members(name.text.to_string()) } else { Scope::Body };
            }
            // A field or a variant.
            (_, _) if ["{", ",", "]", "pub", ")"].contains(&before) && !["keyword", "sign"].contains(&token.class) => {
                if let Some(Scope::Members(owner)) = scopes.last() {
                    items.entry(format!("{owner}::{}", token.text)).or_insert(token.line);
                }
            }
            _ => {}
        }
    }
    items
}

/// The type of an `impl` block: `Head` of `impl Head`, of `impl<T> Read for Head<T>`, of `impl http::Head`.
fn implemented(code: &[&Token]) -> String {
    let (mut depth, mut name) = (0, String::new());
    for token in code {
        match token.text {
            "{" | "where" => break,
            "<" => depth += 1,
            ">" => depth -= 1,
            "for" if depth == 0 => name.clear(),
            text if depth == 0 && ["type", "name", "constant"].contains(&token.class) => name = text.to_string(),
            _ => {}
        }
    }
    name
}
