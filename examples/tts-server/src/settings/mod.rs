//! What can be set, in a file, and what holds where nothing is.

mod tts;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use palisade::config::{CertificateSource, Config};

pub(crate) use self::tts::Tts;
use crate::{DataFolder, StartError, state::MAX_GRAPHEMES};

/// The name of the configuration file in the data folder.
const FILE: &str = "server.toml";
/// What the stack needs to be told where no file says it.
const NOTHING_SAID: &str = r#"[server]
hosts = ["localhost:*", "127.0.0.1:*", "[::1]:*"]
"#;

const fn at(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// What was set.
#[derive(Debug)]
pub struct Settings {
    pub(crate) config: Config,
    pub(crate) https: SocketAddr,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) certificate: CertificateSource,
    pub(crate) tts: Tts,
    written: toml::Table,
}

impl Settings {
    /// Reads a configuration file: the one that was named, or `server.toml` in the data folder if it is there.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it means nothing here; names line, key and remedy.
    pub fn read(named: Option<&Path>, data: &DataFolder) -> Result<Self, StartError> {
        let own = data.file(FILE);
        match named.or_else(|| own.exists().then_some(own.as_path())) {
            Some(path) => Self::read_file(path),
            None => Self::new(Config::parse(NOTHING_SAID)?, toml::Table::new()),
        }
    }

    fn read_file(path: &Path) -> Result<Self, StartError> {
        let config = Config::read_with(path, &["tts"])?;
        // It was TOML a moment ago.
        let text = fs::read_to_string(path).map_err(|error| StartError::at(path, error))?;
        Self::new(
            config,
            text.parse()
                .map_err(|_| StartError::at(path, "the file changed while it was read"))?,
        )
    }

    fn new(config: Config, written: toml::Table) -> Result<Self, StartError> {
        let tts = Tts::of(&config)?;
        let server = config.server()?;
        if written.contains_key("routes") {
            let remedy = "remove the section; what a key may do is said by its scopes";
            return Err(config
                .complain(
                    "routes",
                    "path",
                    "the routes of this server are its own",
                    remedy,
                )
                .into());
        }
        Ok(Self {
            // Whoever says where https is served also says whether http is.
            http: server
                .http
                .or_else(|| server.https.is_none().then_some(at(8080))),
            https: server.https.unwrap_or(at(8443)),
            certificate: server.certificate,
            tts,
            config,
            written,
        })
    }

    /// Returns the folders of other voices than the one that is built in.
    #[must_use]
    pub fn voices(&self) -> &[PathBuf] {
        &self.tts.voices
    }

    /// Tells whether the file has a section.
    pub(crate) fn has(&self, section: &str) -> bool {
        self.written.contains_key(section)
    }

    /// Returns the hosts that are served.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let hosts = self.server("hosts").and_then(toml::Value::as_array);
        match hosts {
            Some(hosts) => hosts
                .iter()
                .filter_map(|host| host.as_str().map(str::to_owned))
                .collect(),
            None => ["localhost:*", "127.0.0.1:*", "[::1]:*"]
                .map(str::to_owned)
                .to_vec(),
        }
    }

    /// Returns the address under which the page is found, by the first host that is served.
    pub(crate) fn address(&self, port: u16) -> String {
        let first = self.hosts().into_iter().next().unwrap_or_default();
        let name = first.trim_end_matches(":*");
        let named_port = name
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        match port {
            443 => format!("https://{name}"),
            _ if named_port => format!("https://{name}"),
            port => format!("https://{name}:{port}"),
        }
    }

    /// Tells whether the file says where requests in clear are sent.
    pub(crate) fn redirects(&self) -> bool {
        ["redirect_to", "redirect", "dangerously_accept_plain_http"]
            .iter()
            .any(|key| self.server(key).is_some())
    }

    /// Returns how long a text may be.
    pub(crate) fn max_graphemes(&self) -> usize {
        self.text("max_graphemes").unwrap_or(MAX_GRAPHEMES)
    }

    /// Returns a number of the section `[text]`.
    pub(crate) fn text(&self, key: &str) -> Option<usize> {
        let number = self.written.get("text")?.get(key)?.as_integer()?;
        usize::try_from(number).ok()
    }

    fn server(&self, key: &str) -> Option<&toml::Value> {
        self.written.get("server")?.get(key)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml");
        fs::write(&path, text).unwrap();
        let data = DataFolder::open(Some(folder.path().join("data"))).unwrap();
        Settings::read(Some(&path), &data).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check_refused(text: &str, line: usize, key: &str) {
        let refusal = read(text).unwrap_err();
        assert!(
            refusal.contains(&format!("t.toml:{line}: {key}: ")),
            "{refusal}"
        );
        assert!(!refusal.contains('\n'), "{refusal}");
    }

    #[test]
    fn a_mistake_is_told_with_line_key_and_remedy() {
        check_refused("[tts]\nqueue = 0\n", 2, "tts.queue");
        check_refused("[tts]\n\nthreads = 0\n", 3, "tts.threads");
        check_refused("[tts]\nlisteners = 0\n", 2, "tts.listeners");
        check_refused("[tts]\nmetrics = \"0.0.0.0:9464\"\n", 2, "tts.metrics");
        check_refused("[tts]\nspeeed = 1\n", 2, "tts.speeed");
        check_refused(
            "[[routes]]\npath = \"/\"\naccess = \"public\"\n",
            2,
            "routes.path",
        );
        check_refused("[server]\nhttps = \"8443\"\n", 2, "server.https");
    }

    #[test]
    fn the_address_is_that_of_the_first_host() {
        let address = |hosts: &str, port| {
            read(&format!("[server]\nhosts = [{hosts}]\n"))
                .unwrap()
                .address(port)
        };
        assert_eq!(
            address("\"a.example\", \"b.example\"", 443),
            "https://a.example"
        );
        assert_eq!(address("\"localhost:*\"", 8443), "https://localhost:8443");
        assert_eq!(
            address("\"a.example:8443\"", 8443),
            "https://a.example:8443"
        );
    }

    #[test]
    fn who_moves_https_says_where_http_is() {
        let settings =
            read("[server]\nhosts = [\"a.example\"]\nhttps = \"127.0.0.1:443\"\n").unwrap();
        assert_eq!((settings.https.port(), settings.http), (443, None));
        let settings = read("[tts]\nqueue = 3\nmetrics = \"off\"\n").unwrap();
        assert_eq!(
            (
                settings.https.port(),
                settings.http.unwrap().port(),
                settings.tts.queue
            ),
            (8443, 8080, 3)
        );
        assert_eq!(settings.tts.metrics, None);
    }

    #[test]
    fn voices_are_added_up_and_aliases_told_apart_by_what_they_stand_for() {
        let settings = read(
            "[tts]\nvoice = \"a\"\nvoices = [\"b\", \"c\"]\n[tts.aliases]\nalloy = \"demo\"\ntts-1 = \"sambert-hifigan\"\n",
        );
        let settings = settings.unwrap();
        let names = settings.voices().iter().filter_map(|path| path.file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "c"]);
        let tts = &settings.tts;
        assert_eq!(tts.model_aliases().collect::<Vec<_>>(), ["tts-1"]);
        assert_eq!(
            tts.voice_aliases(),
            [("alloy".to_owned(), "demo".to_owned())]
        );
    }
}
