//! A separate server for each test, and what a test needs to talk to it.

mod chromedriver;
mod client;
mod count;
mod program;
mod trail;
mod voice;
pub(crate) mod webdriver;

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use palisade::core::{Clock, ManualClock, SystemClock};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};
use tts_server::{DataFolder, Reloader, Server, ServerParts, Settings, StartError, Voice};

pub(crate) use self::{
    chromedriver::Chromedriver,
    client::{Client, TestRequest, TestResponse, encode, send_plain},
    count::Count,
    program::{PATIENCE, Started, program},
    trail::{Trail, requests},
    voice::{LETTER, RATE, TestVoice},
};

/// Ports of the system's choice, and a clock that stands still.
pub(crate) const CONFIG: &str = r#"
[server]
hosts = ["localhost:*"]
https = "127.0.0.1:0"
http = "127.0.0.1:0"
[tts]
metrics = "127.0.0.1:0"
threads = 1
queue = 1
"#;

pub(crate) struct TestServer {
    pub(crate) clock: ManualClock,
    pub(crate) https: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) key: String,
    pub(crate) voice: TestVoice,
    pub(crate) client: Client,
    data: PathBuf,
    reloader: Arc<Reloader>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), StartError>>,
    _folder: TempDir,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        let voice = TestVoice::default();
        Self::start_with(CONFIG, voice.clone(), voice).await
    }

    /// Starts with the quick voice and its own configuration.
    pub(crate) async fn start_as(config: &str) -> Self {
        let voice = TestVoice::default();
        Self::start_with(config, voice.clone(), voice).await
    }

    pub(crate) async fn start_with(config: &str, voice: impl Voice, test_voice: TestVoice) -> Self {
        Self::start_all(config, vec![Arc::new(voice)], test_voice).await
    }

    pub(crate) async fn start_all(
        config: &str,
        voices: Vec<Arc<dyn Voice>>,
        test_voice: TestVoice,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let path = folder.path().join("server.toml");
        fs::write(&path, config).unwrap();
        let clock = ManualClock::new(SystemClock::default().unix_time());
        let with = ServerParts {
            voices,
            data: DataFolder::open(Some(data.clone())).unwrap(),
            clock: clock.shared(),
            another_key: "tts-server --new-key".into(),
        };
        let settings = Settings::read(Some(&path), &with.data).unwrap();
        let server = Server::prepare(settings, with).await.unwrap();
        let [https, http, metrics] = server.addresses();
        let https = https.unwrap();
        let key = server.first_key().unwrap().to_owned();
        let reloader = server.reloader();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server.serve(async { drop(stopped.await) }));
        Self {
            clock,
            https,
            http: http.unwrap(),
            metrics: metrics.unwrap(),
            key,
            voice: test_voice,
            client: Client::trusting(https, &data.join("tls/ca.pem")),
            data,
            reloader,
            stop,
            served,
            _folder: folder,
        }
    }

    /// Asks with the key.
    pub(crate) async fn with_key(&self, ask: TestRequest) -> TestResponse {
        self.client.send(ask.header("x-api-key", &self.key)).await
    }

    /// A client that another task may take away.
    pub(crate) fn another_client(&self) -> Client {
        Client::trusting(self.https, &self.data.join("tls/ca.pem"))
    }

    pub(crate) fn data(&self) -> &PathBuf {
        &self.data
    }

    /// Makes the server read its files again.
    pub(crate) async fn reload(&self) {
        self.reloader.reload().await.unwrap();
    }

    /// Stops the server and reads what it wrote down.
    pub(crate) async fn finish(self) -> Trail {
        let Self {
            client,
            stop,
            served,
            data,
            ..
        } = self;
        drop(client);
        let _ = stop.send(());
        tokio::time::timeout(Duration::from_secs(20), served)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        Trail::read(&data)
    }
}
