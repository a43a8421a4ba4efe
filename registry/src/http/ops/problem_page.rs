//! The pages that problems link to.

use super::root::{escaped, page as html_page};
use crate::http::problem::{Answer, Code, EdgeCode, Problem};
use actix_web::{HttpRequest, HttpResponse, get};
use schemas::api::problem_page::{ALL, page};
use std::fmt::Write as _;

/// List every problem code.
#[utoipa::path(
    tag = "Operation",
    operation_id = "list_problems",
    responses((status = 200, description = "An HTML page.", body = String, content_type = "text/html")),
    security(()),
)]
#[get("/problems")]
pub async fn list_problems() -> HttpResponse {
    let mut items = String::new();
    for page in ALL {
        let status = Code::all().find(|code| code.as_str() == page.code);
        let status = status.map_or_else(
            || "of a field".to_owned(),
            |code| code.status().as_u16().to_string(),
        );
        // Writing to a string does not fail.
        let _ = writeln!(
            items,
            "<li><a href=\"/problems/{code}\"><code>{code}</code></a> ({status}): {title}</li>",
            code = page.code,
            title = escaped(page.title()),
        );
    }
    html_page(
        "Problems",
        &format!("<h1>Problems</h1>\n<ul>\n{items}</ul>"),
    )
}

/// Say what a problem code means and what to do.
#[utoipa::path(
    tag = "Operation",
    operation_id = "get_problem",
    params(("code" = String, Path, description = "The code.", example = "bundle_state")),
    responses(
        (status = 200, description = "An HTML page.", body = String, content_type = "text/html"),
        (status = 404, description = "route_not_found"),
    ),
    security(()),
)]
#[get("/problems/{code}")]
pub async fn get_problem(http: HttpRequest) -> Answer<HttpResponse> {
    let code = http.match_info().query("code");
    let found = page(code).ok_or_else(|| {
        Problem::new(
            EdgeCode::RouteNotFound,
            "no problem has this code; /problems lists all",
        )
    })?;
    let body = format!(
        "{}<p><code>{}</code> · <a href=\"/problems\">all problems</a></p>",
        rendered(found.markdown),
        found.code
    );
    Ok(html_page(found.title(), &body))
}

/// Headings, paragraphs, lists and code of Markdown as HTML: all that the pages use.
fn rendered(markdown: &str) -> String {
    let mut html = String::new();
    for block in markdown
        .split("\n\n")
        .map(str::trim)
        .filter(|block| !block.is_empty())
    {
        let heading = block.bytes().take_while(|byte| *byte == b'#').count();
        // Writing to a string does not fail.
        let _ = if heading > 0 {
            let text = inline(block.trim_start_matches('#').trim());
            writeln!(html, "<h{heading}>{text}</h{heading}>")
        } else if let Some(list) = block.strip_prefix("- ") {
            let items: String = list
                .split("\n- ")
                .map(|item| format!("<li>{}</li>", inline(item)))
                .collect();
            writeln!(html, "<ul>{items}</ul>")
        } else {
            writeln!(html, "<p>{}</p>", inline(block))
        };
    }
    html
}

/// Text with `code`, escaped.
fn inline(text: &str) -> String {
    escaped(text)
        .split('`')
        .enumerate()
        .map(|(index, part)| {
            if index % 2 == 1 {
                format!("<code>{part}</code>")
            } else {
                part.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::api::problem::code;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let codes: BTreeSet<_> = Code::all().map(Code::as_str).chain(code::ALL).collect();
        let pages: BTreeSet<_> = ALL.iter().map(|page| page.code).collect();
        assert_eq!(codes, pages);
    }

    #[test]
    fn no_two_kinds_of_code_share_a_word() {
        let codes: Vec<_> = Code::all().map(Code::as_str).collect();
        let distinct: BTreeSet<_> = codes.iter().collect();
        assert_eq!(codes.len(), distinct.len());
    }

    #[test]
    fn markdown_becomes_html_and_can_not_smuggle_any_in() {
        assert_eq!(
            rendered("# A <b>\n\ntext `x<y`\n\n- one\n- two\n"),
            "<h1>A &lt;b&gt;</h1>\n<p>text <code>x&lt;y</code></p>\n<ul><li>one</li><li>two</li></ul>\n"
        );
    }
}
