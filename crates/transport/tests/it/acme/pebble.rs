//! Pebble, a certificate authority for tests, with its own DNS server.

use std::{
    fs::{self, File},
    net::{IpAddr, Ipv4Addr},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use palisade_internal::{free_port, polling};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpStream;

/// Far longer than pebble needs, with other tests beside it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The name that all tests order a certificate for. The DNS server of pebble has 127.0.0.1 for it.
pub(crate) const NAME: &str = "voice.example";

/// How pebble is started.
#[derive(Clone, Default)]
pub(crate) struct Setup {
    /// Where pebble connects to validate a name.
    pub(crate) http_port: u16,
    pub(crate) tls_port: u16,
    /// Percentage of good nonces that are refused.
    pub(crate) refused_nonces: u8,
    /// Key identifier and key of the external account that is required.
    pub(crate) external: Option<(&'static str, &'static str)>,
}

/// A running authority, ended with the test.
pub(crate) struct Pebble {
    processes: Vec<Child>,
    port: u16,
    management: u16,
    root: String,
    folder: tempfile::TempDir,
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Returns a port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    free_port::choose(IpAddr::from(Ipv4Addr::LOCALHOST)).unwrap()
}

impl Pebble {
    /// Starts it. `None`, with a message, where pebble is not installed; a failure where it must
    /// be.
    #[allow(clippy::disallowed_methods)] // Whether this is CI is the environment's to say.
    pub(crate) async fn start(setup: Setup) -> Option<Self> {
        if !Path::new("/usr/bin/pebble").exists() {
            let is_ci = std::env::var("CI").as_deref() == Ok("true");
            assert!(!is_ci, "pebble is not installed");
            eprintln!("SKIPPED: pebble is not installed (apt-get install pebble)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (port, management, dns) = (free_port(), free_port(), free_port());
        let root = write_certificate(folder.path());
        write_configuration(folder.path(), (port, management), &setup);
        let dns_server = Command::new("/usr/bin/pebble-challtestsrv")
            .args(["-dns01", &format!("127.0.0.1:{dns}"), "-defaultIPv6", ""])
            .args(["-management", &format!("127.0.0.1:{}", free_port())])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let authority = Command::new("/usr/bin/pebble")
            .args(["-config", "pebble.json", "-dnsserver"])
            .arg(format!("127.0.0.1:{dns}"))
            .current_dir(folder.path())
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", setup.refused_nonces.to_string())
            // Each order shall validate its names.
            .env("PEBBLE_AUTHZREUSE", "0")
            .stderr(Stdio::from(log.try_clone().unwrap()))
            .stdout(Stdio::from(log))
            .spawn()
            .unwrap();
        let pebble = Self {
            processes: vec![authority, dns_server],
            port,
            management,
            root,
            folder,
        };
        pebble.listens().await;
        Some(pebble)
    }

    /// Waits until it accepts connections, also on its second port: its log tells of a port before it is
    /// open. The log is a file, not a pipe, so that it is complete when a response arrives: the tests
    /// count orders in it.
    async fn listens(&self) {
        let is_open = async |port: u16| {
            let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
            connection.is_ok()
        };
        let listens = polling::value_in_time(tokio::time::sleep, async || {
            (is_open(self.port).await && is_open(self.management).await).then_some(())
        });
        assert!(
            listens.await.is_some(),
            "pebble does not start:\n{}",
            self.log()
        );
    }

    pub(crate) fn directory(&self) -> String {
        format!("{}/dir", self.origin())
    }

    pub(crate) fn origin(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The root of the certificate of its interface, in PEM.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// Returns how many orders were created.
    pub(crate) fn orders(&self) -> usize {
        self.log().matches("Added order").count()
    }

    /// Returns how many accounts were created.
    pub(crate) fn accounts(&self) -> usize {
        self.log().matches("accounts in memory").count()
    }

    /// Returns what it wrote to its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Returns the root of the certificates that it issues, in PEM.
    pub(crate) async fn issuing_root(&self) -> String {
        let address = (Ipv4Addr::LOCALHOST, self.management).into();
        super::client::get(address, "127.0.0.1", "/roots/0", &self.root).await
    }
}

/// Writes key and certificate of the interface. Returns their root.
fn write_certificate(folder: &Path) -> String {
    let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut root = CertificateParams::new([]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let issuer = Issuer::new(root, root_key);
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("cert.pem"), leaf.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    root_pem
}

fn write_configuration(folder: &Path, (port, management): (u16, u16), setup: &Setup) {
    let external = match setup.external {
        Some((id, key)) => format!(
            r#""externalAccountBindingRequired": true, "externalAccountMACKeys": {{"{id}": "{key}"}}"#
        ),
        None => r#""externalAccountBindingRequired": false"#.to_owned(),
    };
    let (http, tls) = (setup.http_port, setup.tls_port);
    let configuration = format!(
        r#"{{"pebble": {{
            "listenAddress": "127.0.0.1:{port}", "managementListenAddress": "127.0.0.1:{management}",
            "certificate": "cert.pem", "privateKey": "key.pem",
            "httpPort": {http}, "tlsPort": {tls}, "ocspResponderURL": "", {external}
        }}}}"#
    );
    fs::write(folder.join("pebble.json"), configuration).unwrap();
}
