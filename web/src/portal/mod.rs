//! The portal: pages for people, made on the server from the views and the log.
//!
//! Each page is a function from [`context::Cx`] to [`page::Page`]; [`blocks`] are the parts it is made of, each with its template once, and a table gives
//! its HTML and its CSV from the same columns. [`links`] makes every address, so that each keeps the "as of". No page writes; the little that
//! can be set going from one is in [`acts`].

mod acts;
mod assets;
mod bits;
mod blocks;
mod checked;
mod context;
mod fault;
mod gather;
mod links;
mod list;
mod page;
mod pages;
mod text;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use blocks::Block;
use context::{Cx, EVERYWHERE, Route};
use fault::Fault;
use links::Links;
use page::{Frame, Page, Section, render};

use crate::errors::WebError;
use crate::query::{Query, wrong};
use crate::respond::{Cache, blocking, tag_of, tagged};
use crate::routes::read;
use crate::state::AppState;

pub(crate) use assets::serve as asset;

/// The paths of all pages, each with the parameters that it takes besides those of every page: for whoever goes through all of them.
pub fn all_pages() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    pages::ROUTES.iter().map(|route| (route.path, route.takes))
}

/// Puts all pages into an application.
pub(crate) fn services(config: &mut ServiceConfig) {
    acts::services(config);
    for route in pages::ROUTES {
        config
            .service(read(route.path, move |state: Data<AppState>, request: HttpRequest| show(state, request, route)));
    }
}

/// What a page is sent as.
struct Made {
    status: StatusCode,
    content_type: &'static str,
    name: Option<String>,
    body: String,
}

async fn show(state: Data<AppState>, request: HttpRequest, route: &'static Route) -> Result<HttpResponse, WebError> {
    let path = request.uri().path().to_owned();
    // Forms write a blank as `+`; what the portal's own links carry is percent-encoded.
    let query = request.query_string().replace('+', "%20");
    let made = blocking(&state, move |state| Ok(make(state, route, &path, &query))).await?;
    let mut response = if made.status == StatusCode::OK {
        let tag = tag_of(made.body.as_bytes());
        tagged(&request, &tag, Cache::Revalidate, made.content_type, || made.body.into_bytes())
    } else {
        HttpResponse::build(made.status).insert_header((header::CONTENT_TYPE, made.content_type)).body(made.body)
    };
    if let Some(name) = made.name
        && let Ok(value) = header::HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
    {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn make(state: &AppState, route: &'static Route, path: &str, query: &str) -> Made {
    let known: Vec<&str> = route.takes.iter().chain(&EVERYWHERE).copied().collect();
    let opened = Query::parse(query, &known).and_then(|query| Cx::new(state, route, path, query));
    let cx = match opened {
        Ok(cx) => cx,
        Err(error) => {
            let cx = Cx::bare(state, route, path);
            return html(&cx, &Fault::Web(error).page(&Links::default()));
        }
    };
    match (route.make)(&cx) {
        Ok(page) if cx.csv() => table_of(&cx, &page).unwrap_or_else(|fault| html(&cx, &fault.page(&cx.links))),
        Ok(page) => html(&cx, &page),
        Err(fault) => html(&cx, &fault.page(&cx.links)),
    }
}

fn html(cx: &Cx<'_>, page: &Page) -> Made {
    let body = render(&Frame::of(cx), page);
    let status = if body.is_ok() { page.status } else { StatusCode::INTERNAL_SERVER_ERROR };
    let body = body.unwrap_or_else(|error| {
        tracing::error!(%error, path = cx.route.path, "a page's template failed");
        "<!DOCTYPE html><title>Modeltrail</title><p>This page could not be written. The server's log says why."
            .to_owned()
    });
    Made { status, content_type: "text/html; charset=utf-8", name: None, body }
}

/// The rows of one of the page's tables: the one named, else the first.
fn table_of(cx: &Cx<'_>, page: &Page) -> Result<Made, Fault> {
    let mut tables = page.blocks().filter_map(|block| match block {
        Block::Table(table) => Some(table),
        _ => None,
    });
    let table = match cx.param("table") {
        Some(name) => tables.find(|table| table.id == name),
        None => tables.next(),
    };
    let table = table.ok_or_else(|| wrong("format", "is csv, and this page has no such table"))?;
    let name = Some(format!("modeltrail-{}-{}.csv", table.id, cx.size));
    Ok(Made { status: StatusCode::OK, content_type: "text/csv; charset=utf-8", name, body: list::csv(table) })
}

/// An error as a page, for a browser that asked for a page or sent a form.
pub(crate) async fn refused(
    state: Data<AppState>,
    request: HttpRequest,
    error: WebError,
) -> Result<HttpResponse, WebError> {
    static LOST: Route = Route { path: "", section: Section::Elsewhere, takes: &[], make: |_| Ok(Page::new("", "")) };
    let wants_html = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepts| accepts.contains("text/html"));
    if !wants_html {
        return Err(error);
    }
    let wait = error.retry_after();
    let made = blocking(&state, move |state| {
        Ok(html(&Cx::bare(state, &LOST, "/"), &Fault::Web(error).page(&Links::default())))
    })
    .await?;
    let mut response = HttpResponse::build(made.status);
    response.insert_header((header::CONTENT_TYPE, made.content_type));
    if let Some(seconds) = wait {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    Ok(response.body(made.body))
}
