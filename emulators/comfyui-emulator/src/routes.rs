//! The routes, one file per family.
//!
//! Every route is there twice, with and without `/api` (ComfyUI's `server.py`), except the jobs and
//! the examples of custom nodes, which are only below `/api`, and the templates, which are not.

mod history;
mod info;
mod jobs;
mod models;
mod object_info;
mod prompt;
mod queue;
mod served_file;
mod settings;
mod templates;
mod unknown;
mod upload;
mod user_data;
mod users;
mod view;
mod websocket;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};

use crate::application::Application;
use crate::{access, faults};

type Routes = Router<Arc<Application>>;

/// All routes, behind the checks and the faults.
pub(crate) fn router(application: &Arc<Application>) -> Router {
    let routes = Router::new().route("/", get(info::root));
    let routes = both(routes, "/system_stats", get(info::system_stats));
    let routes = both(routes, "/features", get(info::features));
    let routes = both(routes, "/prompt", get(prompt::remaining).post(prompt::submit));
    let routes = both(routes, "/queue", get(queue::show).post(queue::change));
    let routes = both(routes, "/interrupt", post(queue::interrupt));
    let routes = both(routes, "/free", post(queue::free));
    let routes = both(routes, "/history", get(history::page).post(history::change));
    let routes = both(routes, "/history/{prompt_id}", get(history::one));
    let routes = both(routes, "/object_info", get(object_info::all));
    let routes = both(routes, "/object_info/{class_type}", get(object_info::one));
    let routes = both(routes, "/models", get(models::folders));
    let routes = both(routes, "/models/{folder}", get(models::folder));
    let routes = both(routes, "/embeddings", get(models::embeddings));
    let routes = both(routes, "/upload/image", post(upload::image));
    let routes = both(routes, "/upload/mask", post(upload::mask));
    let routes = both(routes, "/view", get(view::view));
    let routes = both(routes, "/ws", get(websocket::connect));
    let routes = both(routes, "/users", get(users::all).post(users::add));
    let routes = both(routes, "/settings", get(settings::all).post(settings::change));
    let routes = both(routes, "/settings/{id}", get(settings::one).post(settings::change_one));
    let routes = both(routes, "/userdata", get(user_data::list));
    let routes = both(routes, "/v2/userdata", get(user_data::list_v2));
    let one_file = get(user_data::read).post(user_data::write).delete(user_data::delete);
    let routes = both(routes, "/userdata/{file}", one_file);
    let routes = both(routes, "/userdata/{file}/move/{dest}", post(user_data::rename));
    let routes = both(routes, "/workflow_templates", get(templates::packs));
    let routes = routes
        .route("/templates/{*path}", get(templates::own))
        .route("/api/workflow_templates/{pack}/{file}", get(templates::example))
        .route("/api/jobs", get(jobs::page))
        .route("/api/jobs/cancel", post(jobs::cancel_many))
        .route("/api/jobs/{job_id}", get(jobs::one))
        .route("/api/jobs/{job_id}/cancel", post(jobs::cancel))
        .method_not_allowed_fallback(unknown::method)
        .fallback(unknown::path)
        .with_state(Arc::clone(application));
    // One service below the checks: they also hold for what no route has.
    Router::new()
        .fallback_service(routes)
        .layer(middleware::map_response(unknown::without_stray_allow))
        .layer(middleware::from_fn_with_state(Arc::clone(application), access::check))
        .layer(middleware::from_fn_with_state(application.faults.clone(), faults::apply))
}

fn both(routes: Routes, path: &str, methods: MethodRouter<Arc<Application>>) -> Routes {
    routes.route(path, methods.clone()).route(&format!("/api{path}"), methods)
}
