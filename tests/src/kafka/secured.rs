//! A broker's listener with TLS and SASL: an authority of its own, a certificate from it, and one user.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::process::run_ok;

/// The one user.
pub const USER: &str = "ledger";
/// Its password with SCRAM.
pub const SCRAM_PASSWORD: &str = "scram-hunter2";
/// Its password with PLAIN.
pub const PLAIN_PASSWORD: &str = "plain-hunter3";

/// What `kafka-storage format` takes for that user.
pub(super) const SCRAM: &str = "SCRAM-SHA-512=[name=ledger,password=scram-hunter2]";

/// Guards nothing: the keys live as long as a test.
const STORE_PASSWORD: &str = "changeit";
/// `keytool` is a JVM: half a second on idle cores.
const KEYTOOL_LIMIT: Duration = Duration::from_secs(60);

/// The listener.
#[derive(Debug)]
pub struct Secured {
    port: u16,
    /// The authority that a client has to trust, in PEM.
    pub ca: PathBuf,
    /// Another authority, which signed nothing here, in PEM.
    pub stranger: PathBuf,
    keys: PathBuf,
}

impl Secured {
    /// Makes the authorities and the broker's certificate, for 127.0.0.1.
    pub(super) fn make(dir: &Path, port: u16) -> Result<Self> {
        let [ca_keys, keys, stranger_keys] = ["ca.p12", "broker.p12", "stranger.p12"].map(|name| dir.join(name));
        let [ca, stranger, request, signed] =
            ["ca.pem", "stranger.pem", "broker.csr", "broker.pem"].map(|name| dir.join(name));
        for (store, pem, name) in [(&ca_keys, &ca, "CN=test authority"), (&stranger_keys, &stranger, "CN=a stranger")] {
            make_pair(store, name, &["-ext", "bc:c"])?;
            keytool(store, &["-exportcert", "-rfc", "-alias", "key", "-file", text(pem)])?;
        }
        make_pair(&keys, "CN=127.0.0.1", &[])?;
        keytool(&keys, &["-certreq", "-alias", "key", "-file", text(&request)])?;
        let sign = ["-gencert", "-rfc", "-alias", "key", "-ext", "SAN=ip:127.0.0.1", "-validity", "7"];
        keytool(&ca_keys, &[&sign[..], &["-infile", text(&request), "-outfile", text(&signed)]].concat())?;
        keytool(&keys, &["-importcert", "-noprompt", "-alias", "ca", "-file", text(&ca)])?;
        keytool(&keys, &["-importcert", "-noprompt", "-alias", "key", "-file", text(&signed)])?;
        Ok(Self { port, ca, stranger, keys })
    }

    /// `host:port` for clients.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it adds to the broker's list of listeners.
    pub(super) fn listener(&self) -> String {
        format!(",SECURED://127.0.0.1:{}", self.port)
    }

    /// What it adds to `server.properties`. OAUTHBEARER takes unsigned tokens, which is Kafka's own way to try it.
    pub(super) fn properties(&self) -> String {
        let (keys, security) = (self.keys.display(), "org.apache.kafka.common.security");
        format!(
            "listener.name.secured.ssl.keystore.type=PKCS12
listener.name.secured.ssl.keystore.location={keys}
listener.name.secured.ssl.keystore.password={STORE_PASSWORD}
listener.name.secured.ssl.key.password={STORE_PASSWORD}
listener.name.secured.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER
listener.name.secured.plain.sasl.jaas.config={security}.plain.PlainLoginModule required user_{USER}=\"{PLAIN_PASSWORD}\";
listener.name.secured.scram-sha-512.sasl.jaas.config={security}.scram.ScramLoginModule required;
listener.name.secured.oauthbearer.sasl.jaas.config={security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";
"
        )
    }
}

fn make_pair(store: &Path, name: &str, more: &[&str]) -> Result<()> {
    let make =
        ["-genkeypair", "-alias", "key", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "7", "-dname", name];
    keytool(store, &[&make[..], more].concat())
}

fn keytool(store: &Path, args: &[&str]) -> Result<()> {
    let mut command = Command::new("keytool");
    command.args(args).args(["-storetype", "PKCS12", "-storepass", STORE_PASSWORD, "-keystore"]).arg(store);
    run_ok(&mut command, KEYTOOL_LIMIT).map(drop)
}

/// A path below the scratch directory, whose own is checked to be Unicode before a broker starts.
fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
