//! An object store that speaks the protocol of Amazon S3, over a folder, and fails as it is told.

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use projections::postgres::Secret;
use registry::config::Config;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The id of the one key that it knows.
pub const ACCESS_KEY_ID: &str = "registry";
/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "what only the object store and the registry know";

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// It is carried out and answered once this is notified.
    Held(Arc<Notify>),
    /// It is refused for now (503 `SlowDown`).
    Refused,
    /// It is carried out, and the connection reset.
    AnswerLost,
    /// Nothing is ever said to it, and nothing done.
    Stuck,
}

/// A request, as it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub method: Method,
    /// `/bucket/key`.
    pub path: String,
}

type Decide = dyn FnMut(&Asked) -> Fate + Send;

struct Shared {
    service: S3Service,
    log: Mutex<Vec<Asked>>,
    decide: Mutex<Box<Decide>>,
}

/// An object store in this process, with buckets `backup` and `keys`.
pub struct ObjectStore {
    folder: TempDir,
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl ObjectStore {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = shared(folder.path(), &["backup", "keys"]);
        let server = tokio::spawn(serve(listener, shared.clone()));
        Self {
            folder,
            address,
            shared,
            server,
        }
    }

    /// Where it is.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has a registry use it.
    pub fn configure(&self, config: &mut Config) {
        configure(config, self.endpoint());
    }

    /// Decides from now on what becomes of each request.
    pub fn decide(&self, decide: impl FnMut(&Asked) -> Fate + Send + 'static) {
        *self.shared.decide.lock().unwrap() = Box::new(decide);
    }

    /// Requests with this method since the last call.
    pub fn asked(&self, method: &Method) -> Vec<String> {
        let log = std::mem::take(&mut *self.shared.log.lock().unwrap());
        let with = log.into_iter().filter(|asked| asked.method == *method);
        with.map(|asked| asked.path).collect()
    }

    /// The files with the objects of a bucket.
    pub fn files(&self, bucket: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.folder.path().join(bucket), &mut found);
        found.sort();
        found
    }

    /// The key of the object that a file has, behind the name of its bucket.
    pub fn key(&self, file: &Path) -> String {
        let within = file.strip_prefix(self.folder.path()).unwrap();
        within.to_str().unwrap().to_owned()
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Has a registry use the object store at `endpoint`.
pub fn configure(config: &mut Config, endpoint: String) {
    let store = &mut config.object_store;
    store.endpoint = Some(endpoint);
    ACCESS_KEY_ID.clone_into(&mut store.access_key_id);
    store.secret_access_key = Secret::new(SECRET_ACCESS_KEY);
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn shared(folder: &Path, buckets: &[&str]) -> Arc<Shared> {
    for bucket in buckets {
        fs::create_dir_all(folder.join(bucket)).unwrap();
    }
    let mut builder = S3ServiceBuilder::new(FileSystem::new(folder).unwrap());
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
    Arc::new(Shared {
        service: builder.build(),
        log: Mutex::default(),
        decide: Mutex::new(Box::new(|_: &Asked| Fate::Answered)),
    })
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        let shared = shared.clone();
        let each = service_fn(move |request| answer(shared.clone(), request));
        tokio::spawn(async move {
            let server = http1::Builder::new();
            // A connection that is reset is what some tests want.
            let _ = server
                .serve_connection(TokioIo::new(connection), each)
                .await;
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let asked = Asked {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
    };
    let fate = (shared.decide.lock().unwrap())(&asked);
    shared.log.lock().unwrap().push(asked);
    match fate {
        Fate::Stuck => std::future::pending().await,
        Fate::Refused => Ok(slow_down()),
        Fate::Answered => carry_out(&shared, request).await,
        Fate::Held(until) => {
            until.notified().await;
            carry_out(&shared, request).await
        }
        Fate::AnswerLost => {
            carry_out(&shared, request).await?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
}

async fn carry_out(shared: &Shared, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let answer = shared.service.call(request.map(Body::from)).await;
    answer.map_err(|error| io::Error::other(s3s::StdError::from(error)))
}

fn slow_down() -> Response<Body> {
    let says =
        "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let mut answer = Response::new(Body::from(says.to_owned()));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    answer
}

/// Serves the folder on a free port of this machine until the process ends, for programs in other languages.
pub async fn serve_folder(folder: &Path, buckets: &[&str], tell: impl FnOnce(&str)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    tell(&format!("http://{}", listener.local_addr().unwrap()));
    serve(listener, shared(folder, buckets)).await;
}
