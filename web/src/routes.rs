//! Which path goes where.

use actix_web::dev::HttpServiceFactory;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder};

use crate::errors::{WebError, shown};
use crate::guard::guard;
use crate::state::AppState;
use crate::{
    admin, api, entries, events, exports, health, keys, portal, proofs, quarantine, sources, tiles, trails, views,
};

/// Puts all routes into an application, behind the checks that every request passes.
pub fn configure(state: Data<AppState>) -> impl FnOnce(&mut ServiceConfig) {
    move |config: &mut ServiceConfig| {
        config.app_data(state).service(all());
    }
}

fn all() -> impl HttpServiceFactory {
    web::scope("")
        .wrap(from_fn(guard))
        .service(post("/v1/events", events::post))
        .service(read("/v1/entries", entries::list))
        .service(read("/v1/entries/{index}", entries::show))
        .service(read("/v1/trails", trails::trail))
        .service(read("/v1/subjects", trails::subjects))
        .service(read("/v1/proofs/inclusion", proofs::inclusion))
        .service(read("/v1/proofs/consistency", proofs::consistency))
        .service(read("/v1/checkpoints", proofs::checkpoints))
        .service(read("/v1/checkpoints/{size}", proofs::checkpoint_of))
        // No HEAD: what is made is recorded, and a HEAD should make nothing.
        .service(web::resource("/v1/exports").route(web::get().to(exports::get)).default_service(other_method("GET")))
        .service(read("/v1/sources", sources::list))
        .service(read("/v1/quarantine", quarantine::list))
        .service(read("/v1/keys", keys::list))
        .configure(api::services)
        .service(post("/v1/admin/producers", admin::register))
        .service(post("/v1/admin/producers/{key}/revoke", admin::revoke))
        .service(post("/v1/admin/keys/rotate", admin::rotate))
        .service(post("/v1/admin/sources/{name}/rebase", admin::rebase))
        .service(post("/v1/admin/checks", admin::checked))
        .service(
            web::resource("/v1/admin/views/rebuild")
                .route(web::get().to(views::rebuild_status))
                .route(web::post().to(views::rebuild))
                .default_service(other_method("GET, POST")),
        )
        .service(read("/checkpoint", tiles::checkpoint))
        .service(read("/tile/{path:.*}", tiles::tile))
        .service(read("/metrics", health::scrape))
        .service(read("/healthz", health::healthz))
        .service(read("/readyz", health::readyz))
        .service(read("/static/{name}", portal::asset))
        .configure(portal::services)
        .default_service(web::to(nothing_here))
}

async fn nothing_here(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let error = WebError::NoRoute { path: shown(request.uri().path()) };
    portal::refused(state, request, error).await
}

fn other_method(allowed: &'static str) -> actix_web::Route {
    web::to(move |request: HttpRequest| async move {
        Err::<HttpResponse, _>(WebError::Method { method: shown(request.method().as_str()), allowed })
    })
}

pub(crate) fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(other_method("GET, HEAD"))
}

pub(crate) fn post<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).route(web::post().to(handler)).default_service(other_method("POST"))
}
