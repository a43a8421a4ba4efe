//! The page at `/`: what this is, where to go on, where the ledger stands.

use crate::http::extract::state;
use crate::http::problem::Answer;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get};
use ledger::Stream;
use std::fmt::Write as _;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color:#1d2b24}\
h1{font-size:1.6rem}h2{font-size:1.1rem;margin-top:2rem}code{background:#eef3f0;padding:.1em .3em;border-radius:3px}\
table{border-collapse:collapse}td,th{text-align:left;padding:.2rem 1.5rem .2rem 0;border-bottom:1px solid #d9e2dd}\
td.n{text-align:right;font-variant-numeric:tabular-nums}a{color:#0b6b44}";

/// Say what this is.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_root",
    responses((status = 200, description = "An HTML page.", body = String, content_type = "text/html")),
    security(()),
)]
#[get("/")]
pub async fn get_root(http: HttpRequest) -> Answer<HttpResponse> {
    let state = state(&http)?;
    let ends = super::ready::head(&state).await;
    let mut rows = String::new();
    for (index, stream) in Stream::OF_STATE.into_iter().enumerate() {
        let end = ends.map_or_else(|| "?".to_owned(), |ends| ends[index].to_string());
        // Writing to a string does not fail.
        let _ = write!(
            rows,
            "<tr><td>{}-{}</td><td class=n>{end}</td><td class=n>{}</td></tr>",
            stream.as_str(),
            escaped(&state.domain),
            state.read_progress().position(stream),
        );
    }
    Ok(page(
        "Granular certificate registry",
        &format!(
            "<h1>Granular certificate registry</h1>
<p>This is the registry of the domain <code>{domain}</code>. It issues a certificate for every watt hour that a
production device is metered to have made, hour by hour or finer, and keeps who holds it until it is cancelled and
claimed. Every action is an event in one ordered log; what the API answers is read from databases built from it.</p>
<h2>Use it</h2>
<ul>
<li><a href=\"/docs/index.html\">API documentation</a>, to read and to try out (<a href=\"/openapi.json\">OpenAPI 3.1</a>)</li>
<li><a href=\"/problems\">Problem codes</a>: what each means and what to do</li>
<li>Sign in: <code>POST /auth/login</code> with <code>username</code> (e-mail address) and <code>password</code>; then send
<code>Authorization: Bearer &lt;access_token&gt;</code></li>
</ul>
<h2>Where the ledger stands</h2>
<table><tr><th>stream</th><th>events</th><th>readable up to</th></tr>{rows}</table>
<h2>Run it</h2>
<ul>
<li><a href=\"/readyz\">Readiness</a> per dependency, <a href=\"/healthz\">liveness</a>, <a href=\"/metrics\">metrics</a></li>
</ul>
<p>Version {version}</p>",
            domain = escaped(&state.domain),
            version = env!("CARGO_PKG_VERSION"),
        ),
    ))
}

/// An HTML page; needs nothing from elsewhere.
pub(in crate::http) fn page(title: &str, body: &str) -> HttpResponse {
    into_page(&mut HttpResponse::Ok(), title, body)
}

/// The same with another status and further headers.
pub(in crate::http) fn into_page(
    response: &mut HttpResponseBuilder,
    title: &str,
    body: &str,
) -> HttpResponse {
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'",
        ))
        .body(format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title>\
             <style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n",
            escaped(title)
        ))
}

/// Text as HTML shows it.
pub(in crate::http) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
