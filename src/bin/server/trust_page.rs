//! `/trust`: the lab's authority, to be imported, and to be removed again.

use super::layout;
use padlock::{
    authority::Places,
    certificate,
    http::{Response, escape},
};

/// The page and its two downloads. Read anew for each request: `make certs` may have made another authority since.
pub fn find(path: &str, places: &Places) -> Option<Response> {
    match path {
        "/trust" => Some(page(places)),
        "/trust/padlock-root.crt" => Some(download(places, |root| {
            // No Content-Disposition: Firefox then asks at once what this authority shall be trusted with.
            Response::made("application/x-x509-ca-cert", root.der)
        })),
        "/trust/padlock-root.pem" => Some(download(places, |root| {
            Response::made("application/x-pem-file", root.pem).field("Content-Disposition", "attachment; filename=\"padlock-root.pem\"")
        })),
        _ => None,
    }
}

/// The authority's root certificate in both forms.
struct Root {
    name: String,
    fingerprint: String,
    until: String,
    der: Vec<u8>,
    pem: String,
}

fn load(places: &Places) -> padlock::error::Result<Root> {
    let chain = certificate::load_chain(&places.root_certificate())?;
    let missing = || padlock::error::Error::new("no-root", "the authority has no root certificate").hint("make certs");
    let root = chain.first().ok_or_else(missing)?;
    let summary = certificate::summary(root)?;
    let pem = std::fs::read_to_string(places.root_certificate()).ok().and_then(|text| only_certificate(&text)).ok_or_else(missing)?;
    Ok(Root {
        name: summary.common_name.unwrap_or(summary.subject),
        fingerprint: summary.fingerprint,
        until: summary.not_after.date().to_string(),
        der: root.to_vec(),
        pem,
    })
}

/// The first certificate of a PEM file, and nothing that stands around it.
fn only_certificate(text: &str) -> Option<String> {
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let from = text.find(begin)?;
    let to = text.get(from..)?.find(end)? + from + end.len();
    text.get(from..to).map(|pem| format!("{pem}\n"))
}

fn download(places: &Places, answer: impl FnOnce(Root) -> Response) -> Response {
    load(places).map_or_else(|_| Response::error(404, "there is no authority yet; run: make certs"), answer)
}

fn page(places: &Places) -> Response {
    let authority = match load(places) {
        Ok(root) => format!(
            "<dl class=\"facts\">\n<div><dt>Authority</dt><dd><strong>{}</strong><span>valid until {}</span></dd></div>\n\
             <div><dt>SHA-256</dt><dd><code class=\"fingerprint\">{}</code></dd></div>\n</dl>\n\
             <p class=\"downloads\"><a class=\"button\" href=\"/trust/padlock-root.crt\">padlock-root.crt <small>DER, for Windows and phones</small></a> \
             <a class=\"button\" href=\"/trust/padlock-root.pem\" download>padlock-root.pem <small>PEM, for everything else</small></a></p>\n",
            escape(&root.name),
            escape(&root.until),
            // Lets a narrow screen break the line after any pair.
            escape(&root.fingerprint).replace(':', ":<wbr>"),
        ),
        Err(error) => {
            let why = format!("{}: {}", error.cause, error.hint);
            format!("<p class=\"note\">There is no authority to import yet ({}).</p>\n", escape(why.trim_end_matches(": ")))
        }
    };
    let main = include_str!("trust.html").replace("{authority}", &authority);
    Response::made("text/html; charset=utf-8", layout("Trust", "page", &main))
}
