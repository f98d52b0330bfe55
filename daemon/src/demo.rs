//! `demo`: the story, played through an embedded broker into a ledger of its own.

use std::io::IsTerminal as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use modeltrail_compliance::bundle::{Rerendered, rerender};
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::clock::Clock;
use modeltrail_core::verify::{Aspect, Options, Outcome, Trust, Verdict, verify_bundle};
use modeltrail_demo::{HttpClient, Played, Progress, SimulatedClock, Stage, Stop, Story, Summary, play};
use modeltrail_ingest::broker::EmbeddedBroker;
use modeltrail_ingest::producer::Producer;
use modeltrail_ingest::{IngestConfig, Properties};
use modeltrail_store::{Data, OpenOptions, Opened, Views, open};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::config::{Config, HttpConfig, LedgerConfig};
use crate::serve::{self, Sources};
use crate::{Ended, SOFTWARE};

/// The ledger's name in the demo.
const ORIGIN: &str = "demo.modeltrail.example/bank";
/// The version whose bundle is exported.
const SUBJECT: &str = "model/risk/pd-retail@3.1.0";
/// The first port that is tried.
const PORT: u16 = 8080;

#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// Play, export one bundle with its dossier, verify both, print a summary, and exit
    #[arg(long)]
    once: bool,
    /// Where to put the ledger; must not hold one (by default a new temporary folder)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Background events besides the story, for a larger ledger
    #[arg(long, default_value_t = 0, value_name = "N")]
    events: u64,
}

/// A demo that runs: broker, ledger, sources, API.
struct Stand {
    dir: PathBuf,
    data: Data,
    key: String,
    clock: Arc<SimulatedClock>,
    broker: EmbeddedBroker,
    opened: Opened,
    views: Views,
    sources: Arc<Sources>,
    running: modeltrail_web::Running,
}

pub(crate) fn demo(args: &DemoArgs) -> Result<Ended> {
    let story = Story::load()?;
    let dir = folder(args)?;
    eprintln!("{}, played in simulated time into {}", story.title(), dir.display());
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("signals can't be caught")?;
    let stop = Stop::default();
    let handle = signals.handle();
    let stand = set_up(&story, &dir)?;
    let told = stop.clone();
    let interrupt = std::thread::spawn(move || {
        signals.forever().next();
        told.stop();
    });
    let played = perform(&stand, &story, args.events, &stop)?;
    let bundle = export(&stand)?;
    let verified = verify(&stand, &bundle)?;
    let log = played.log(&stand.opened.ledger)?;
    let account = played.account(&log)?;
    let summary = Summary::of(stand.opened.ledger.store().as_ref(), &story, &played, &log)?;
    println!("{summary}");
    println!("{verified}");
    if args.once {
        handle.close();
    } else {
        invite(&stand, &bundle);
    }
    println!("{account}");
    if !args.once {
        eprintln!("the daemon runs until Ctrl-C");
        // Its result says only that a signal came.
        let _ = interrupt.join();
    }
    tear_down(stand)?;
    Ok(Ended::Done)
}

fn folder(args: &DemoArgs) -> Result<PathBuf> {
    let dir = args
        .dir
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("modeltrail-demo-{}", std::process::id())));
    if dir.join("config.toml").exists() || dir.join("data").exists() {
        bail!("{} already holds a demo; give another --dir, or remove it", dir.display());
    }
    std::fs::create_dir_all(dir.join("exports")).with_context(|| format!("can't make {}", dir.display()))?;
    std::path::absolute(&dir).context("the folder has no absolute path")
}

fn set_up(story: &Story, dir: &Path) -> Result<Stand> {
    let clock = Arc::new(SimulatedClock::new(story.start()));
    let data = Data::new(&dir.join("data"));
    let shared = || Arc::clone(&clock) as Arc<dyn Clock>;
    let key = modeltrail_store::init(&data, ORIGIN, shared(), SOFTWARE)?;
    write(&dir.join("ledger.vkey"), &format!("{key}\n"))?;
    let opened = open(&data, OpenOptions::new(shared(), SOFTWARE))?;
    let views = Views::start(&opened);
    let topics: Vec<(&str, u32)> =
        story.sources().iter().map(|source| (source.topic.as_str(), source.partitions)).collect();
    let broker = EmbeddedBroker::start(&topics)?;
    let ingest = IngestConfig {
        sources: story.sources().iter().map(|source| broker.source(&source.topic, &source.topic)).collect(),
        ..IngestConfig::default()
    };
    let listener = serve::bind_from(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT))?;
    let listen = listener.local_addr()?;
    write(&dir.join("config.toml"), &config_file(listen))?;
    let ledger = LedgerConfig { data_dir: data.dir.clone(), ..LedgerConfig::default() };
    let config = Config { ledger, http: HttpConfig { listen, ..HttpConfig::default() }, ingest };
    let sources = Arc::new(Sources::default());
    let appender = opened.appender().context("the ledger is open for reading only")?;
    sources.start(&config.ingest, appender, &opened)?;
    let running = serve::web(&config, &data, &opened, &views, &sources, listener)?;
    serve::announce(&data, running.address());
    Ok(Stand { dir: dir.to_owned(), data, key, clock, broker, opened, views, sources, running })
}

/// With this the same ledger is served again, without Kafka.
fn config_file(listen: SocketAddr) -> String {
    format!(
        "# The demo's ledger: `modeltraild serve --config` this file serves it again, without Kafka.\n\
         [ledger]\ndata_dir = \"data\"\n\n[http]\nlisten = \"{listen}\"\n"
    )
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}

fn perform(stand: &Stand, story: &Story, events: u64, stop: &Stop) -> Result<Played> {
    let appender = stand.opened.appender().context("the ledger is open for reading only")?;
    let kafka = Producer::new(&Properties::bootstrap(stand.broker.bootstrap()))?;
    let http = HttpClient::new(&format!("http://{}", stand.running.address()));
    let stage = Stage {
        story,
        clock: &stand.clock,
        appender: &appender,
        ledger: &stand.opened.ledger,
        kafka: &kafka,
        http: &http,
        stop,
    };
    let mut shown = 0;
    let mut tell = |progress: Progress| {
        let percent = 100 * (progress.acts + progress.events) / (progress.of_acts + progress.of_events).max(1);
        if percent >= shown + 10 {
            shown = percent;
            eprintln!("{percent:>3} % of the story, {}", progress.at);
        }
    };
    Ok(play(stage, events, &mut tell)?)
}

/// Fetches the bundle with the dossier as anybody would, over the API.
fn export(stand: &Stand) -> Result<PathBuf> {
    let encoded = SUBJECT.replace('/', "%2F").replace('@', "%40");
    let url = format!("http://{}/v1/exports?subject={encoded}&dossier=1", stand.running.address());
    let mut answer = ureq::get(&url).call().with_context(|| format!("the bundle can't be had from {url}"))?;
    let path = stand.dir.join("exports/pd-retail-3.1.0.zip");
    let mut file = std::fs::File::create(&path).with_context(|| format!("can't write {}", path.display()))?;
    std::io::copy(&mut answer.body_mut().as_reader(), &mut file).context("the bundle broke off")?;
    file.sync_all()?;
    Ok(path)
}

fn verify(stand: &Stand, bundle: &Path) -> Result<String> {
    let mut reader = BundleReader::open(bundle)?;
    let trust = Trust { pin: Some(stand.key.parse()?), policy: None };
    let report = verify_bundle(&mut reader, &Options { trust: &trust, tiles: None, progress: &|_| {} })?;
    let mut lines = vec![format!("verified {} (an entry says that it was exported):", bundle.display())];
    for aspect in Aspect::ALL {
        let said = match report.verdict(aspect) {
            Verdict::Holds { sense } => format!("holds: {sense}"),
            Verdict::CouldNotBeJudged { why } => format!("could not be judged: {why}"),
            Verdict::DoesNotHold { .. } => "does not hold".to_owned(),
        };
        lines.push(format!("  {:<13} {said}", aspect.as_str()));
    }
    if report.outcome(false) != Outcome::Holds {
        bail!("the bundle does not verify:\n{}", lines.join("\n"));
    }
    match rerender(&mut reader)? {
        Rerendered::Same { files } => {
            lines.push(format!(
                "  {:<13} the same, rendered again from the bundle's own entries: {}",
                "reports",
                files.join(", ")
            ));
        }
        _ => bail!("the dossier is not what the bundle's entries give:\n{}", lines.join("\n")),
    }
    Ok(lines.join("\n"))
}

/// Shows the portal where there is a screen to show it on.
fn open_portal(url: &str) {
    let screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if screen && std::io::stdout().is_terminal() {
        // Without such a program the URL is there to be clicked.
        let _ = std::process::Command::new("xdg-open").arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    }
}

fn invite(stand: &Stand, bundle: &Path) {
    let (url, dir, bundle) = (format!("http://{}", stand.running.address()), stand.dir.display(), bundle.display());
    println!("\nThe portal is at {url} (loopback only). In another shell, try:\n");
    println!("  modeltrail verify {bundle} --key {dir}/ledger.vkey");
    println!("  modeltrail findings --server {url}");
    println!("  modeltrail lineage model/risk/pd-mortgage@1.1.0 --verify --key {dir}/ledger.vkey --server {url}");
    println!("  modeltrail export model/fraud/card-fraud -o /tmp/card-fraud.zip --server {url}");
    println!("  modeltraild fsck --config {dir}/config.toml\n");
    open_portal(&url);
}

fn tear_down(stand: Stand) -> Result<()> {
    stand.sources.stop();
    stand.running.stop()?;
    drop(stand.sources);
    stand.views.stop();
    stand.opened.stop();
    drop((stand.broker, stand.data));
    Ok(())
}
