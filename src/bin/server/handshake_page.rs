//! `/handshake`: the handshake of the very connection that asks for it, byte by byte.

use super::{book, layout};
use padlock::{
    http::{Head, Response, escape},
    wire::{Field, Illustration, Item, Kept, Sealed, Shown, Speaker, address, hex},
};
use std::fmt::Write;

#[path = "schedule_svg.rs"]
mod schedule_svg;

/// The path of the page.
pub const PATH: &str = "/handshake";
/// So many bytes of a field stand beside it.
const BYTES: usize = 12;

/// The answer, for people or for programs. The connection ends with it: a reload comes with the ticket, and shows a resumption.
pub fn answer(head: &Head, kept: Option<Kept>) -> Response {
    let Some(kept) = kept else {
        let why = "this server keeps no handshakes: it was started with --quiet, or others can reach it; or this one was shown already";
        return Response::error(404, why).field("Cache-Control", "no-store").close();
    };
    let told = Illustration::of(&kept);
    if head.query() == "json" || head.has_token("Accept", "application/json") {
        let text = serde_json::to_string_pretty(&told).unwrap_or_default();
        return Response::made("application/json", format!("{text}\n")).close();
    }
    Response::made("text/html; charset=utf-8", layout("This handshake", "page handshake", &page(&told))).close()
}

fn page(told: &Illustration) -> String {
    let mut page = String::from(
        "<h1>This handshake</h1>\n<p class=\"lead\">Every byte that your browser and this server said to each other before this page \
         could be asked for. Only this connection is shown them, and with this answer the server forgets them and closes it. Reload: \
         your browser comes back with its ticket, and the certificates are missing.</p>\n",
    );
    page += &facts(told);
    page += "<h2 id=\"said\">The messages</h2>\n<p>The client speaks on the left, the server on the right. Open a message for its fields; \
             what is marked <em>sealed</em> is opened here with the keys below. The same as <a href=\"/handshake?json\">JSON</a>, of a \
             connection of its own; <code>./client handshake https://…</code> shows the client's side of any server.</p>\n";
    page += "<ol class=\"flight\">\n";
    told.records.iter().for_each(|shown| page += &record(shown));
    page += "</ol>\n";
    if told.cut {
        page += "<p class=\"note\">More passed than is kept: 16 KiB at most, and nothing once another page was served on the same \
                 connection. The ticket leaves with the first page, so it may be missing here.</p>\n";
    }
    if let Some(schedule) = &told.schedule {
        page += "<h2 id=\"keys\">The key schedule</h2>\n<p>From two inputs to every key of this session. All values are true, and worth \
                 nothing once the connection is closed.</p>\n";
        page += &schedule_svg::picture(schedule);
        page += &schedule_svg::table(schedule);
    }
    page
}

fn facts(told: &Illustration) -> String {
    let offered = told.client_hello().unwrap_or_default();
    let group = |codes: &[u16]| codes.iter().map(|code| padlock::wire::group(*code)).collect::<Vec<_>>().join(", ");
    let rows = [
        ("Version", told.version.unwrap_or("none").to_owned(), "from supported_versions in the ServerHello"),
        ("Cipher suite", told.suite.clone().unwrap_or_default(), "how each record is sealed"),
        ("Server name", offered.server_name.clone().unwrap_or_else(|| "none".into()), "whom you asked for (SNI), in the clear"),
        ("Groups", group(&offered.groups), "what you can agree on keys with"),
        ("Key shares", group(&offered.shares), "what you sent public halves for at once"),
        ("Resumed", if told.resumed { "yes" } else { "no" }.into(), "with a ticket, so no certificate was sent"),
    ];
    let row = |(name, value, means): (&str, String, &str)| {
        format!("<div><dt>{name}</dt><dd><strong>{}</strong><span>{means}</span></dd></div>\n", escape(&value))
    };
    format!("<dl class=\"facts\">\n{}</dl>\n", rows.map(row).concat())
}

fn record(shown: &Shown) -> String {
    let speaker = if shown.speaker == Speaker::Client { "client" } else { "server" };
    let about = &shown.about;
    let items: String = shown.items.iter().map(|one| item(one, shown.sealed.is_some())).collect();
    let nothing =
        if items.is_empty() { "<p>Nothing to see: sealed and not opened, or a message goes on in the next record.</p>\n" } else { "" };
    format!(
        "<li class=\"{speaker}\">\n<p class=\"record\">{speaker}: record <code>{}</code> {}, {} bytes; {} {} {}</p>\n{}{nothing}{items}</li>\n",
        hex(&shown.header),
        escape(&about.name),
        shown.length,
        escape(about.means),
        rfc(about.source),
        code(about.code),
        shown.sealed.as_ref().map(sealed).unwrap_or_default(),
    )
}

fn sealed(sealed: &Sealed) -> String {
    format!(
        "<p class=\"record\">sealed, opened with <code>{}</code> as number {}: nonce <code>{}</code>, tag <code>{}</code>, true type {}, \
         padding {} {}</p>\n",
        escape(&sealed.secret),
        sealed.number,
        hex(&sealed.nonce),
        hex(&sealed.tag),
        sealed.inner_type,
        sealed.padding,
        rfc("RFC 9846 5.3"),
    )
}

fn item(item: &Item, sealed: bool) -> String {
    let about = &item.about;
    let how = if sealed { " <em>sealed</em>" } else { "" };
    let checked = match item.verified {
        Some(true) => " It is the checksum that we compute.",
        Some(false) => " It is <strong>not</strong> the checksum that we compute.",
        None => "",
    };
    let mut rows = String::new();
    item.fields.iter().for_each(|one| field(one, &item.bytes, 0, &mut rows));
    let fields = if rows.is_empty() { String::new() } else { format!("<div class=\"table\"><table>\n{rows}</table></div>\n") };
    format!(
        "<details class=\"message\">\n<summary>{}{how} <small>{} bytes</small></summary>\n<p>{}{checked} {} {}</p>\n{fields}\
         <pre class=\"bytes\"><code>{}</code></pre>\n</details>\n",
        escape(&about.name),
        item.bytes.len(),
        escape(about.means),
        rfc(about.source),
        code(about.code),
        dump(&item.bytes),
    )
}

fn field(field: &Field, message: &[u8], depth: usize, rows: &mut String) {
    let bytes = message.get(field.at..field.at + field.length).unwrap_or_default();
    let own = field.inside.first().map_or(bytes.len(), |first| first.at - field.at);
    let shown = bytes.get(..own.min(BYTES)).unwrap_or_default();
    let more = if bytes.len() > shown.len() { "…" } else { "" };
    let _ = writeln!(
        rows,
        "<tr class=\"depth{}\"><td><code>{:04x}</code></td><td><code>{}{more}</code></td><th scope=\"row\">{}</th><td>{}</td><td>{} {}</td></tr>",
        depth.min(5),
        field.at,
        hex(shown),
        escape(&field.name),
        escape(&field.says),
        escape(field.means),
        rfc(field.source),
    );
    field.inside.iter().for_each(|inner| self::field(inner, message, depth + 1, rows));
}

/// 32 bytes a row, each row with the number of its first.
fn dump(bytes: &[u8]) -> String {
    let row = |(at, row): (usize, &[u8])| format!("{:04x}  {}\n", at * 32, hex(row));
    bytes.chunks(32).enumerate().map(row).collect()
}

fn rfc(source: &str) -> String {
    address(source).map(|to| format!("<a href=\"{to}\">{}</a>", escape(source))).unwrap_or_default()
}

/// The line of ours that had a part in it.
fn code(item: &str) -> String {
    let name = escape(item.trim_start_matches("crate::"));
    book::line_of(item).map(|to| format!("<a href=\"{}\"><code>{name}</code></a>", escape(&to))).unwrap_or(name)
}
