//! What can be set, in a file, and what holds where nothing is.

mod tts;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use palisade::config::{Config, ServerSettings};

pub(crate) use self::tts::Tts;
use crate::{error::StartError, first_start::DataFolder, synthesis::ModelVoice};

/// The longest text where the file does not say, in graphemes. The layer for text enforces it.
const MAX_GRAPHEMES: usize = 500;
/// The name of the configuration file in the data folder.
const FILE: &str = "server.toml";
/// The section of this server.
const OWN: [&str; 1] = ["tts"];
/// What the stack needs where no file sets it.
const DEFAULT: &str = r#"[server]
hosts = ["localhost:*", "127.0.0.1:*", "[::1]:*"]
"#;
/// What a running server does not take from a new file, besides sockets and what is open: its threads
/// and voices.
const FIXED: [&[&str]; 1] = [&["tts"]];

/// Where the server listens if the file says nothing: for this machine alone.
const HTTPS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// The listener that redirects pages to [`HTTPS`].
const HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What was set.
#[derive(Debug)]
pub struct Settings {
    pub(crate) config: Config,
    pub(crate) server: ServerSettings,
    pub(crate) tts: Tts,
    /// The file that the command line names.
    named: Option<PathBuf>,
}

impl Settings {
    /// Reads a configuration file: the one that was named, or `server.toml` in the data folder if it is there.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or something in it means nothing here; names line, key and remedy.
    pub fn read(named: Option<&Path>, data: &DataFolder) -> Result<Self, StartError> {
        let own = data.file(FILE);
        let config = match named.or_else(|| own.exists().then_some(own.as_path())) {
            Some(path) => Config::read_with(path, &OWN)?,
            None => Config::parse_with(DEFAULT, &OWN)?,
        };
        Self::new(config, named)
    }

    /// Reads the same file again, for a server that runs.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); and where something differs that cannot change while the server runs.
    pub(crate) fn read_again(&self, data: &DataFolder) -> Result<Self, StartError> {
        let new = Self::read(self.named.as_deref(), data)?;
        new.config.refuse_changes(&self.config, &FIXED)?;
        Ok(new)
    }

    fn new(config: Config, named: Option<&Path>) -> Result<Self, StartError> {
        let tts = Tts::of(&config)?;
        // A file that says where https is served also says whether http is, and the other way round.
        let server = config.server_or(HTTPS, Some(HTTP))?;
        config.cors()?; // A mistake in it is reported here, before anything is opened.
        if config.has(&["cors", "credentials"]) {
            let problem = "cookies are never accepted from other origins";
            let remedy = "remove it; scripts of other origins send a key";
            return Err(config
                .key_error("cors", "credentials", problem, remedy)
                .into());
        }
        if config.has(&["routes"]) {
            let problem = "the routes of this server are its own";
            let remedy = "remove the section; what a key may do is decided by its scopes";
            return Err(config.key_error("routes", "path", problem, remedy).into());
        }
        Ok(Self {
            server,
            tts,
            config,
            named: named.map(Path::to_owned),
        })
    }

    /// Returns the folders of other voices than the one that is built in.
    #[must_use]
    pub fn voices(&self) -> &[PathBuf] {
        &self.tts.voices
    }

    /// Gives a voice what is set for all of them.
    #[must_use]
    pub fn prepare_voice(&self, voice: ModelVoice) -> ModelVoice {
        match self.tts.vowel_fade {
            Some(fade) => voice.vowel_fade(fade),
            None => voice,
        }
    }

    /// Tells a problem with the folder of a voice, with the line that names it.
    #[must_use]
    pub fn voice_problem(&self, problem: &StartError) -> StartError {
        let key = match self.config.has(&["tts", "voices"]) {
            true => "voices",
            false => "voice",
        };
        let remedy = "name a folder that holds a voice";
        let problem = problem.to_string();
        self.config.key_error("tts", key, &problem, remedy).into()
    }

    /// Returns the address under which the page is found, by the first host that is served. `port` is
    /// that of the listener for clients.
    ///
    /// Without TLS it is the address of the proxy that ends TLS, unless every client is served.
    pub(crate) fn address(&self, port: u16) -> String {
        let is_proxied = self.is_behind_tls();
        let (scheme, default) = match self.has_tls() || is_proxied {
            true => ("https", 443),
            false => ("http", 80),
        };
        let first = self.config.hosts().next().unwrap_or_default();
        let name = first.trim_end_matches(":*");
        let named_port = name
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        match port {
            port if named_port || is_proxied || port == default => format!("{scheme}://{name}"),
            port => format!("{scheme}://{name}:{port}"),
        }
    }

    /// Returns whether anything listens with TLS. `false` if the file names `http` alone.
    pub(crate) fn has_tls(&self) -> bool {
        !self.server.https.is_empty()
    }

    /// Returns whether TLS ends at a proxy, and this server has none itself.
    pub(crate) fn is_behind_tls(&self) -> bool {
        !self.has_tls() && !self.server.dangerously_accept_plain_http
    }

    /// Tells whether the file says where requests in clear are sent.
    pub(crate) fn redirects(&self) -> bool {
        ["redirect_to", "redirect", "dangerously_accept_plain_http"]
            .iter()
            .any(|key| self.config.has(&["server", key]))
    }

    /// Returns how long a text may be.
    pub(crate) fn max_graphemes(&self) -> usize {
        self.config.max_graphemes().unwrap_or(MAX_GRAPHEMES)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use palisade::config::ListenOn;

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
        check_refused(
            "[tts]\nvowel_fade_milliseconds = 51\n",
            2,
            "tts.vowel_fade_milliseconds",
        );
        check_refused("[tts]\nsound_cache_mib = 65537\n", 2, "tts.sound_cache_mib");
        check_refused(
            "[tts]\nsound_seconds_per_minute = 0\n",
            2,
            "tts.sound_seconds_per_minute",
        );
        check_refused("[tts]\nmetrics = \"0.0.0.0:9464\"\n", 2, "tts.metrics");
        check_refused("[tts]\nspeeed = 1\n", 2, "tts.speeed");
        check_refused("[tts]\nunspeakable = \"drop\"\n", 2, "tts.unspeakable");
        check_refused("[cors]\norigins = [\"app.example\"]\n", 2, "cors.origins");
        check_refused("[cors]\ncredentials = true\n", 2, "cors.credentials");
        check_refused(
            "[[routes]]\npath = \"/\"\naccess = \"public\"\n",
            2,
            "routes.path",
        );
        check_refused("[server]\nhttps = \"8443\"\n", 2, "server.https");
    }

    #[test]
    fn a_number_out_of_range_is_repeated_with_its_range() {
        let refusal = read("[tts]\nqueue = 5000\n").unwrap_err();
        assert!(
            refusal.contains("5000 is out of range") && refusal.contains("use 1 to 4096"),
            "{refusal}"
        );
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
    fn the_section_of_the_voices_is_read_in_every_spelling() {
        for text in [
            "[tts]\nqueue = 3\nmetrics = \"off\"\n",
            "tts = { queue = 3, metrics = \"off\" }\n",
            "tts.queue = 3\ntts.metrics = \"off\"\n",
            "[\"tts\"]\n'queue' = 3\n\"metrics\" = 'off'\n",
        ] {
            let settings = read(text).unwrap();
            assert_eq!(
                (settings.tts.queue, settings.tts.metrics),
                (3, None),
                "{text}"
            );
        }
        check_refused("tts = { speeed = 1 }\n", 1, "tts.speeed");
        check_refused("\ntts.queue = 0\n", 2, "tts.queue");
        check_refused("[limits]\nx = 1\n[tts]\nqueue = 1\n", 1, "limits");
        check_refused("tts.voices = 'a'\n", 1, "tts.voices");
        check_refused(
            "routes = [{ path = \"/\", access = \"public\" }]\n",
            1,
            "routes.path",
        );
    }

    #[test]
    fn a_running_server_takes_no_other_sockets_and_no_other_voices() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml");
        let data = DataFolder::open(Some(folder.path().join("data"))).unwrap();
        let start = "[server]\nhosts = [\"a.example\"]\n";
        fs::write(&path, start).unwrap();
        let running = Settings::read(Some(&path), &data).unwrap();
        fs::write(&path, start.replace("a.example", "b.example")).unwrap();
        let new = running.read_again(&data).unwrap();
        assert_eq!(new.config.changes(&running.config), ["server.hosts"]);
        for (more, key) in [
            ("https = \"127.0.0.1:9\"", "server.https"),
            ("limits.streams = 9", "server.limits"),
            ("[tts]\nqueue = 9", "tts"),
            ("[audit]\nfile = \"a\"", "audit"),
        ] {
            fs::write(&path, format!("{start}{more}\n")).unwrap();
            let refusal = running.read_again(&data).unwrap_err().to_string();
            assert!(refusal.contains(&format!(": {key}: ")), "{refusal}");
            assert!(refusal.contains("restart the server"), "{refusal}");
        }
    }

    fn port(listeners: &[ListenOn]) -> u16 {
        listeners[0].as_address().unwrap().port()
    }

    #[test]
    fn who_moves_https_says_where_http_is() {
        let settings =
            read("[server]\nhosts = [\"a.example\"]\nhttps = \"127.0.0.1:443\"\n").unwrap();
        assert_eq!(
            (port(&settings.server.https), settings.server.http.len()),
            (443, 0)
        );
        let settings = read("[tts]\nqueue = 3\nmetrics = \"off\"\n").unwrap();
        assert_eq!(
            (
                port(&settings.server.https),
                port(&settings.server.http),
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
