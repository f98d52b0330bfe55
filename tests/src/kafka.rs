//! One real Apache Kafka (KRaft, one node: broker and controller in one process) for the tests.
//!
//! The jars are fetched by `.ci/setup test` into the cache (`tests/kafka/pom.xml` names them). `KAFKA_BOOTSTRAP` points
//! the suites at another cluster instead; what stops or restarts a broker is then refused.
//!
//! Start one per test program with [`shared`], and take a topic of its own per test: a start costs about four seconds.

use std::env;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

mod secured;

pub use secured::{PLAIN_PASSWORD, SCRAM_PASSWORD, Secured, USER};

use crate::paths::cache_dir;
use crate::process::{Tethered, run_ok};
use crate::skip::{Missing, or_skip};

/// The release whose jars `.ci/setup` fetches; the same number stands in `.ci/env` and `tests/kafka/pom.xml`.
pub const KAFKA_VERSION: &str = "4.3.0";

/// A start takes 3 s on idle cores; a build beside it makes that many times longer.
const START_LIMIT: Duration = Duration::from_secs(120);
/// SIGTERM takes about 3 s.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// The tools are a JVM each: 1.5 s on idle cores.
const TOOL_LIMIT: Duration = Duration::from_secs(60);
/// Another process may take a port between our looking and Kafka's binding.
const PORT_TRIES: usize = 3;

/// A broker, or somebody else's cluster. Dropped, a broker of ours is stopped and its data removed.
#[derive(Debug)]
pub struct KafkaBroker {
    bootstrap: String,
    /// Where it listens with TLS and SASL, and whom to trust there.
    secured: Option<Secured>,
    tools: Result<KafkaTools, Missing>,
    /// None for a cluster that is not ours.
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    dir: TempDir,
    client_port: u16,
    process: Option<Tethered>,
}

/// Java and the jars.
#[derive(Debug, Clone)]
pub struct KafkaTools {
    libs: PathBuf,
}

/// The broker of this test program, started at the first call; none when `suite` has to be skipped.
///
/// # Panics
/// When everything is there and the broker does not start, or a skip is a failure here.
pub fn shared(suite: &str) -> Option<&'static KafkaBroker> {
    static BROKER: OnceLock<KafkaBroker> = OnceLock::new();
    if env::var_os("KAFKA_BOOTSTRAP").is_none() {
        or_skip(suite, KafkaTools::find())?;
    }
    Some(BROKER.get_or_init(|| match KafkaBroker::start() {
        Ok(broker) => broker,
        Err(error) => panic!("no broker for {suite}: {error:#}"),
    }))
}

impl KafkaTools {
    /// Looks for Java and the jars; starts neither.
    ///
    /// # Errors
    /// Names what is missing.
    pub fn find() -> Result<Self, Missing> {
        let libs = cache_dir().join(format!("kafka-{KAFKA_VERSION}/libs"));
        if !libs.join(".complete").is_file() {
            return Err(Missing::new(format!("Apache Kafka's jars are not in {}", libs.display())));
        }
        let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !java.is_ok_and(|status| status.success()) {
            return Err(Missing::new("no java on the PATH, which Apache Kafka needs"));
        }
        Ok(Self { libs })
    }

    /// `java` with the jars, ready for a main class and its arguments.
    fn java(&self) -> Command {
        let mut command = Command::new("java");
        command
            .args(["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .arg("-Dorg.apache.logging.log4j.level=WARN")
            .arg("-cp")
            .arg(self.libs.join("*"));
        command
    }

    fn tool(&self, class: &str, args: &[&str]) -> Result<String> {
        run_ok(self.java().arg(class).args(args), TOOL_LIMIT)
    }
}

impl KafkaBroker {
    /// Starts a broker on free ports in a scratch directory and waits until it answers; with `KAFKA_BOOTSTRAP` set,
    /// names that cluster and starts nothing.
    ///
    /// # Errors
    /// When Java or the jars are missing, or the broker ends or does not answer; the message holds its log.
    pub fn start() -> Result<Self> {
        if let Ok(bootstrap) = env::var("KAFKA_BOOTSTRAP") {
            return Ok(Self { bootstrap, secured: None, tools: KafkaTools::find(), own: None });
        }
        Self::start_ours(false)
    }

    /// As [`KafkaBroker::start`], and always ours, with a second listener that wants TLS and SASL.
    ///
    /// # Errors
    /// As there, or `keytool` is missing.
    pub fn start_secured() -> Result<Self> {
        Self::start_ours(true)
    }

    fn start_ours(secured: bool) -> Result<Self> {
        let tools = KafkaTools::find().map_err(|missing| anyhow::anyhow!(missing.what))?;
        let mut tries = 1;
        loop {
            match Self::start_own(&tools, secured) {
                Err(error) if tries < PORT_TRIES && format!("{error:#}").contains("Address already in use") => {
                    tries += 1
                }
                done => return done,
            }
        }
    }

    fn start_own(tools: &KafkaTools, secured: bool) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("modeltrail-kafka-").tempdir().context("no scratch directory")?;
        let [client_port, controller_port, secured_port] = free_ports()?;
        let properties = dir.path().join("server.properties");
        let secured = if secured { Some(Secured::make(dir.path(), secured_port)?) } else { None };
        let text = server_properties(&dir.path().join("data"), client_port, controller_port, secured.as_ref());
        fs::write(&properties, text)?;
        let file = properties.to_str().context("the scratch directory's path is not Unicode")?;
        let id = tools.tool("kafka.tools.StorageTool", &["random-uuid"])?;
        let id = id.lines().last().unwrap_or_default().trim();
        let mut format = vec!["format", "--standalone", "-t", id, "-c", file];
        format.extend(secured.iter().flat_map(|_| ["--add-scram", secured::SCRAM]));
        tools.tool("kafka.tools.StorageTool", &format)?;
        let own = Own { dir, client_port, process: None };
        let mut broker =
            Self { bootstrap: format!("127.0.0.1:{client_port}"), secured, tools: Ok(tools.clone()), own: Some(own) };
        broker.restart()?;
        Ok(broker)
    }

    /// `host:port` for clients.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The listener with TLS and SASL; none unless it was started with one.
    pub fn secured(&self) -> Option<&Secured> {
        self.secured.as_ref()
    }

    /// Starts again after a stop or a kill: same directory, same ports. A running broker is stopped first.
    ///
    /// # Errors
    /// When it does not answer, or the cluster is not ours.
    pub fn restart(&mut self) -> Result<()> {
        let tools = self.tools()?.clone();
        let own = self.own()?;
        own.stop()?;
        let log = File::options().create(true).append(true).open(own.log())?;
        let mut command = tools.java();
        command.arg("kafka.Kafka").arg(own.dir.path().join("server.properties"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        own.process = Some(Tethered::spawn(&mut command, Some(own.dir.path()))?);
        own.wait_until_it_answers()
    }

    /// Stops it cleanly (SIGTERM); nothing when it is not running.
    ///
    /// # Errors
    /// When it does not end, or the cluster is not ours.
    pub fn stop(&mut self) -> Result<()> {
        self.own()?.stop()
    }

    /// SIGKILL; nothing when it is not running.
    ///
    /// # Errors
    /// When it cannot be waited for, or the cluster is not ours.
    pub fn kill9(&mut self) -> Result<()> {
        if let Some(mut process) = self.own()?.process.take() {
            process.kill9()?;
        }
        Ok(())
    }

    /// Creates a topic, by Kafka's own tool (slow: a JVM; the Kafka client's admin calls are quicker).
    ///
    /// # Errors
    /// When the tool fails; the message holds what it printed.
    pub fn topic_create(&self, topic: &str, partitions: u32) -> Result<()> {
        let count = partitions.to_string();
        self.topics(&["--create", "--topic", topic, "--partitions", &count, "--replication-factor", "1"]).map(drop)
    }

    /// Deletes a topic, by Kafka's own tool.
    ///
    /// # Errors
    /// When the tool fails; the message holds what it printed.
    pub fn topic_delete(&self, topic: &str) -> Result<()> {
        self.topics(&["--delete", "--topic", topic]).map(drop)
    }

    /// The names of all topics, by Kafka's own tool.
    ///
    /// # Errors
    /// When the tool fails; the message holds what it printed.
    pub fn topic_list(&self) -> Result<Vec<String>> {
        Ok(self.topics(&["--list"])?.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    fn topics(&self, args: &[&str]) -> Result<String> {
        let mut all = vec!["--bootstrap-server", &self.bootstrap];
        all.extend(args);
        self.tools()?.tool("org.apache.kafka.tools.TopicCommand", &all)
    }

    fn tools(&self) -> Result<&KafkaTools> {
        self.tools.as_ref().map_err(|missing| anyhow::anyhow!("{}", missing.what))
    }

    fn own(&mut self) -> Result<&mut Own> {
        self.own.as_mut().context("the cluster of KAFKA_BOOTSTRAP is not ours to stop or start")
    }
}

impl Own {
    fn log(&self) -> PathBuf {
        self.dir.path().join("broker.log")
    }

    fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.terminate(STOP_LIMIT)?;
        }
        Ok(())
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.client_port));
        let until = Instant::now() + START_LIMIT;
        let process = self.process.as_mut().context("the broker was not started")?;
        while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
            if let Some(status) = process.wait(Duration::ZERO)? {
                bail!("the broker ended with {status}; its log:\n{}", tail(&self.log()));
            }
            if Instant::now() > until {
                bail!(
                    "the broker does not answer on {address} after {} s; its log:\n{}",
                    START_LIMIT.as_secs(),
                    tail(&self.log())
                );
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// The last lines of a log, enough to see why.
fn tail(log: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Different ports that were free a moment ago.
fn free_ports() -> Result<[u16; 3]> {
    let bind = || TcpListener::bind(("127.0.0.1", 0));
    let listeners = [bind()?, bind()?, bind()?];
    let [one, two, three] = listeners.each_ref().map(TcpListener::local_addr);
    Ok([one?.port(), two?.port(), three?.port()])
}

/// Retention, compaction and deletion run every second, so that a test can watch them.
fn server_properties(data: &Path, client: u16, controller: u16, secured: Option<&Secured>) -> String {
    let (listener, more) = secured.map_or_else(Default::default, |secured| (secured.listener(), secured.properties()));
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}{listener}
advertised.listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}{listener}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL
log.dirs={}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
delete.topic.enable=true
log.retention.check.interval.ms=1000
log.cleaner.backoff.ms=1000
log.segment.delete.delay.ms=0
{more}",
        data.display()
    )
}

impl Drop for KafkaBroker {
    fn drop(&mut self) {
        // A failure to stop ends in a kill, by the process's own drop.
        if let Some(own) = &mut self.own {
            drop(own.stop());
        }
    }
}
