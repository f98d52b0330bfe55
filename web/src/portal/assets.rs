//! The style sheet and the script: in the program, named by their content so that browsers may keep them.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};

use crate::errors::{WebError, shown};
use crate::query::Query;
use crate::respond::{Cache, tag_of, tagged};

/// The sheet of the pages, and behind it that of the pictures.
static STYLE: LazyLock<String> =
    LazyLock::new(|| format!("{}{}", include_str!("../../static/style.css"), modeltrail_compliance::picture::STYLE));
const SCRIPT: &str = include_str!("../../static/portal.js");
const MARK: &str = include_str!("../../static/mark.svg");

/// The icon's address.
pub(crate) const ICON: &str = "/static/mark.svg";

/// The style sheet's address.
pub(crate) fn style() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| format!("/static/style.css?v={}", tag_of(STYLE.as_bytes())));
    &ADDRESS
}

/// The script's address.
pub(crate) fn script() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| format!("/static/portal.js?v={}", tag_of(SCRIPT.as_bytes())));
    &ADDRESS
}

/// `/static/{name}`.
pub(crate) async fn serve(request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(&request, &["v"])?;
    let (text, content_type) = match request.path() {
        "/static/style.css" => (STYLE.as_str(), "text/css; charset=utf-8"),
        "/static/portal.js" => (SCRIPT, "text/javascript; charset=utf-8"),
        "/static/mark.svg" => (MARK, "image/svg+xml"),
        other => return Err(WebError::NoRoute { path: shown(other) }),
    };
    let tag = tag_of(text.as_bytes());
    // Asked for by its content it stays for ever; asked for by name alone, or by that of another build, it is asked for again.
    let cache = if query.one("v")? == Some(tag.as_str()) { Cache::Immutable } else { Cache::Revalidate };
    Ok(tagged(&request, &tag, cache, content_type, || text.as_bytes().to_vec()))
}
