//! Serves the page with the real commands over loopback, for the browser tests. It is not part of a release.
//!
//! `POST /call/<command>` answers with one line of JSON for each progress report and one for the answer.
//! `/desktop` plays the desktop: it sets what the next dialog returns and what the clipboard has, drops files, and
//! reports what the user was asked and told, what was opened, and at which zoom the page is shown.
//!
//! Only the page itself is answered. The number of connections is limited, and each has a time limit for its
//! request.

#![expect(clippy::print_stdout, reason = "the tests read its address there")]
#![expect(clippy::unwrap_used, reason = "a host of tests fails as they do")]

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path as Part, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use futures::channel::mpsc::unbounded;
use headgate_app::{Actor, App, Call, Choose, Confirm, Host, HostEvent, Notice, SaveAs};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// How many connections are open at a time; those beyond wait.
const CONNECTIONS: usize = 64;
/// How long a request may take to arrive, its head and its body each.
const ARRIVES: Duration = Duration::from_secs(10);
/// The most bytes of a request.
const MOST_BYTES: usize = 16 << 20;

#[derive(Clone)]
struct Served {
    app: Arc<App>,
    desktop: Arc<Played>,
    page: Arc<PathBuf>,
    policy: Arc<str>,
}

/// A desktop that a test plays.
#[derive(Default)]
struct Played {
    choice: Mutex<Option<PathBuf>>,
    copied: Mutex<String>,
    /// What the user answers; agrees unless a test said otherwise.
    refuses: Mutex<bool>,
    /// What the user was asked.
    asked: Mutex<Vec<String>>,
    /// How large the window shows the page, in percent.
    zoom: Mutex<u32>,
    /// What the user was told, and which addresses were opened.
    told: Mutex<Vec<String>>,
}

struct Desktop(Arc<Played>);

impl Host for Desktop {
    fn choose(&self, _: &Choose) -> headgate_terms::Result<Option<PathBuf>> {
        Ok(self.0.choice.lock().unwrap().take())
    }

    fn save_as(&self, _: &SaveAs) -> headgate_terms::Result<Option<PathBuf>> {
        Ok(self.0.choice.lock().unwrap().take())
    }

    fn copy(&self, text: &str) -> headgate_terms::Result<()> {
        text.clone_into(&mut self.0.copied.lock().unwrap());
        Ok(())
    }

    fn read_clipboard(&self) -> headgate_terms::Result<String> {
        Ok(self.0.copied.lock().unwrap().clone())
    }

    fn open_url(&self, url: &str) -> headgate_terms::Result<()> {
        self.0.told.lock().unwrap().push(url.to_owned());
        Ok(())
    }

    fn zoom(&self, percent: u32) {
        *self.0.zoom.lock().unwrap() = percent;
    }

    fn notify(&self, notice: &Notice) {
        self.0.told.lock().unwrap().push(format!("{}: {}", notice.title, notice.text));
    }

    fn confirm(&self, confirm: &Confirm) -> headgate_terms::Result<bool> {
        self.0.asked.lock().unwrap().push(format!("{} {}", confirm.title, confirm.text));
        Ok(!*self.0.refuses.lock().unwrap())
    }
}

#[derive(Deserialize)]
struct CallRequest {
    call: String,
    profile: Option<String>,
    request: Box<RawValue>,
}

fn main() {
    // Named, not built in: clones share cargo's output.
    let root = PathBuf::from(std::env::args_os().nth(1).expect("the clone's folder"));
    let desktop = Arc::new(Played::default());
    let app =
        App::from_environment().expect("a data folder").on(Box::new(Desktop(desktop.clone())));
    // The window's own policy, but for where calls go.
    let window = std::fs::read_to_string(root.join("src-tauri/tauri.conf.json")).expect("it");
    let window: Value = serde_json::from_str(&window).expect("JSON");
    let policy = window["app"]["security"]["csp"].as_str().expect("a policy");
    let policy = policy.replace("connect-src ipc: http://ipc.localhost", "connect-src 'self'");
    app.tidy();
    let app = Arc::new(app);
    let others = app.clone();
    std::thread::spawn(move || others.wait_for_others());
    let served =
        Served { app, desktop, page: Arc::new(root.join("ui/dist")), policy: policy.into() };
    tokio::runtime::Runtime::new().expect("threads").block_on(async {
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let own: Arc<str> = address.as_str().into();
        let router = Router::new()
            .route("/call/{command}", post(call))
            .route("/desktop", get(copied).post(play))
            .route("/desktop/asked", get(asked))
            .route("/desktop/told", get(told))
            .route("/desktop/zoom", get(zoom))
            .fallback(get(file))
            .layer(middleware::from_fn_with_state(own, guard))
            .with_state(served);
        println!("{}", json!({"v": 1, "ready": true, "url": format!("http://{address}/")}));
        serve(&listener, router).await;
    });
}

/// Serves connections, a bounded number at a time. One that says nothing is closed.
async fn serve(listener: &tokio::net::TcpListener, router: Router) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(ARRIVES);
    loop {
        let place = free.clone().acquire_owned().await.expect("it stays open");
        let Ok((stream, _)) = listener.accept().await else { continue };
        let answers = TowerToHyperService::new(router.clone());
        let (http, stream) = (http.clone(), TokioIo::new(stream));
        tokio::spawn(async move {
            let _ = http.serve_connection(stream, answers).await;
            drop(place);
        });
    }
}

/// Only the page itself may ask: no other site, and no other name for this address. What it asks has a time to
/// arrive.
async fn guard(State(own): State<Arc<str>>, request: Request, next: Next) -> Response {
    if !is_own(&own, request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (head, body) = request.into_parts();
    match tokio::time::timeout(ARRIVES, to_bytes(body, MOST_BYTES)).await {
        Ok(Ok(body)) => next.run(Request::from_parts(head, body.into())).await,
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

fn is_own(own: &str, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(header::HOST) == Some(own)
        && text(header::ORIGIN).is_none_or(|origin| origin == format!("http://{own}"))
}

async fn call(State(served): State<Served>, Part(command): Part<String>, body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<CallRequest>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (send, lines) = unbounded::<String>();
    tokio::task::spawn_blocking(move || {
        let progress = send.clone();
        let heard =
            move |text: &str| progress.unbounded_send(format!("{{\"progress\":{text}}}\n")).is_ok();
        let call = Call::new(asked.call, Box::new(heard));
        let cx = served.app.cx(Actor::Window, call).shown(asked.profile);
        let line = match served.app.call(&command, &asked.request, &cx) {
            Ok(answer) => format!("{{\"answer\":{answer}}}\n"),
            Err(failure) => format!("{}\n", json!({ "failure": failure })),
        };
        let _ = send.unbounded_send(line);
    });
    let body = Body::from_stream(lines.map(Ok::<_, std::convert::Infallible>));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

async fn copied(State(served): State<Served>) -> String {
    served.desktop.copied.lock().unwrap().clone()
}

/// The questions that the user was asked.
async fn asked(State(served): State<Served>) -> String {
    json!(*served.desktop.asked.lock().unwrap()).to_string()
}

/// What the user was told, and the addresses that were opened.
async fn told(State(served): State<Served>) -> String {
    json!(*served.desktop.told.lock().unwrap()).to_string()
}

/// How large the window shows the page.
async fn zoom(State(served): State<Served>) -> String {
    served.desktop.zoom.lock().unwrap().to_string()
}

/// `{"confirm": bool}`, `{"copied": text}`, `{"choose": path}`, `{"over": true}`, `{"dropped": [paths]}` or `{"open": address}`.
async fn play(State(served): State<Served>, body: Bytes) -> StatusCode {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if asked["choose"].is_string() {
        *served.desktop.choice.lock().unwrap() = Some(text(&asked["choose"]).into());
    } else if let Some(agrees) = asked["confirm"].as_bool() {
        *served.desktop.refuses.lock().unwrap() = !agrees;
    } else if asked["copied"].is_string() {
        *served.desktop.copied.lock().unwrap() = text(&asked["copied"]);
    } else if asked["open"].is_string() {
        served.app.announce(&HostEvent::Open { address: text(&asked["open"]) });
    } else if asked["over"] == true {
        served.app.announce(&HostEvent::Over);
    } else if let Some(paths) = asked["dropped"].as_array() {
        served.app.announce(&HostEvent::Dropped { paths: paths.iter().map(text).collect() });
    } else {
        return StatusCode::BAD_REQUEST;
    }
    StatusCode::NO_CONTENT
}

async fn file(State(served): State<Served>, request: Request) -> Response {
    let name = request.uri().path().trim_start_matches('/');
    let name = if name.is_empty() { "index.html" } else { name };
    let path = served.page.join(name);
    if name.contains("..") || !path.is_file() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let kind = match path.extension().and_then(|end| end.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
    headers.insert(header::CONTENT_SECURITY_POLICY, served.policy.parse().unwrap());
    (headers, std::fs::read(path).unwrap_or_default()).into_response()
}
