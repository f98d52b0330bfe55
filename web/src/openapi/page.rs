//! `GET /v1/docs`: the OpenAPI document for people, made from the same operations.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};

use super::operation::{Operation, Parameter, Shape};
use super::operations;
use crate::errors::WebError;
use crate::query::Query;
use crate::respond::{Cache, tag_of, tagged};

static PAGE: LazyLock<String> = LazyLock::new(html);

pub(crate) async fn show(request: HttpRequest) -> Result<HttpResponse, WebError> {
    Query::of(&request, &[])?;
    Ok(tagged(&request, &tag_of(PAGE.as_bytes()), Cache::Revalidate, "text/html; charset=utf-8", || {
        PAGE.as_bytes().to_vec()
    }))
}

fn html() -> String {
    let mut groups: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in operations() {
        groups.entry(operation.group).or_default().push(operation);
    }
    let links: String =
        groups.keys().map(|group| format!("<li><a href=\"#{}\">{}</a></li>\n", anchor(group), safe(group))).collect();
    let sections: String = groups.iter().map(|(group, operations)| section(group, operations)).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>API · Modeltrail</title>\n<link rel=\"stylesheet\" href=\"/static/style.css\">\n</head>\n<body>\n<main id=\"main\">\n<h1>API</h1>\n\
         <p>What programs speak with this ledger. The same as an OpenAPI 3.1 document: <a href=\"/v1/openapi.json\">/v1/openapi.json</a>. \
         <a href=\"/\">Back to the portal</a>.</p>\n<p>{}</p>\n<nav aria-label=\"Groups\"><ul>\n{links}</ul></nav>\n{sections}</main>\n</body>\n</html>\n",
        code(super::INFO)
    )
}

fn section(group: &str, operations: &[&Operation]) -> String {
    let parts: String = operations.iter().map(|operation| one(operation)).collect();
    format!(
        "<section aria-labelledby=\"{0}\">\n<h2 id=\"{0}\">{1}</h2>\n{parts}</section>\n",
        anchor(group),
        safe(group)
    )
}

fn one(operation: &Operation) -> String {
    let Operation { method, path, id, gives, more, .. } = operation;
    let mut text = format!("<h3 id=\"{id}\"><code>{method} {}</code></h3>\n<p>{}.", safe(path), code(gives));
    if !more.is_empty() {
        text.push(' ');
        text.push_str(&code(more));
    }
    text.push_str("</p>\n");
    let parameters = operation.all_parameters();
    if !parameters.is_empty() || !operation.sorts.is_empty() {
        text.push_str("<table>\n<thead><tr><th scope=\"col\">Parameter</th><th scope=\"col\">Value</th><th scope=\"col\">What it does</th></tr></thead>\n<tbody>\n");
        parameters.iter().for_each(|parameter| row(&mut text, parameter));
        if !operation.sorts.is_empty() {
            let orders = operation.orders().join(", ");
            let line = "<tr><td><code>sort</code></td><td>one of {}</td><td>The order.</td></tr>\n";
            text.push_str(&line.replace("{}", &safe(&orders)));
        }
        text.push_str("</tbody>\n</table>\n");
    }
    text.push_str("<ul>\n");
    for body in operation.takes {
        line(&mut text, "Takes", &format!("<code>{}</code>", safe(body.media)));
    }
    for answer in operation.answers {
        let medias: Vec<String> =
            answer.bodies.iter().map(|body| format!("<code>{}</code>", safe(body.media))).collect();
        line(&mut text, &answer.status.to_string(), &format!("{} {}", code(answer.about), medias.join(", ")));
    }
    if operation.dated || operation.tagged {
        line(&mut text, "304", "The caller has this answer, by its <code>ETag</code>.");
    }
    let problems: Vec<String> = operation.all_problems().iter().map(u16::to_string).collect();
    line(&mut text, &problems.join(", "), "A problem, <code>application/problem+json</code>.");
    text.push_str("</ul>\n");
    text
}

fn line(text: &mut String, head: &str, rest: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "<li><strong>{head}</strong>: {rest}</li>");
}

fn row(text: &mut String, parameter: &Parameter) {
    let needed = if parameter.required { ", must be there" } else { "" };
    let often = if parameter.most > 1 { format!(", up to {} times", parameter.most) } else { String::new() };
    let value = format!("{}{needed}{often}", words(parameter.shape));
    let _ = writeln!(
        text,
        "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
        safe(parameter.name),
        safe(&value),
        code(parameter.about)
    );
}

fn words(shape: Shape) -> String {
    match shape {
        Shape::Subject => "a subject".to_owned(),
        Shape::Text => "a text".to_owned(),
        Shape::Number => "a number".to_owned(),
        Shape::Between(least, most) => format!("{least} to {most}"),
        Shape::Time | Shape::Until => "a time or a date".to_owned(),
        Shape::AsOf => "a number of entries, a time or a date".to_owned(),
        Shape::Cursor => "a cursor".to_owned(),
        Shape::Choice(words) => format!("one of {}", words.join(", ")),
        Shape::Flag => "0 or 1".to_owned(),
        Shape::Key => "64 hex digits".to_owned(),
    }
}

fn anchor(group: &str) -> String {
    group.to_lowercase().replace(' ', "-")
}

fn safe(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text in which what stands between backticks is code.
fn code(text: &str) -> String {
    let part = |(n, part): (usize, &str)| if n % 2 == 1 { format!("<code>{}</code>", safe(part)) } else { safe(part) };
    text.split('`').enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page_and_nothing_runs_there() {
        let page = html();
        for operation in operations() {
            assert!(page.contains(&format!("<code>{} {}</code>", operation.method, safe(operation.path))));
        }
        assert!(!page.contains("<script") && !page.contains("style=") && !page.contains("http://"));
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        assert_eq!(code("a `<b>` & c"), "a <code>&lt;b&gt;</code> &amp; c");
    }
}
