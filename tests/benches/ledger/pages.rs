//! Pages and reports out of a large ledger, over HTTP: the page of a version, its dossier, the list of models. Beside them: an answer that says nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use modeltrail_core::prepared::{DEFAULT_RECORD_LIMIT, Prepared};
use modeltrail_schemas::record::{Record, Via};
use modeltrail_store::{Appender, Ledger, Views, ViewsHandle};
use ureq::Agent;

use crate::Job;
use crate::figures::Figures;
use crate::http::serve;
use crate::world::{memory, quantile, reopen};

/// The version that the catalogue's examples are about: registered, evaluated, approved, deployed.
const VERSION: &str = "model/risk/credit-pd@2.1.0";
/// Pages that are asked for, each kind so often, after a few that don't count.
const TIMES: usize = 200;
const WARM: usize = 5;
/// Views that don't follow for so long are stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest answer that is read.
const ANSWER_BYTES: u64 = 64 << 20;

/// What is asked for: the name of the figure, the way, and what the answer must hold.
const ASKED: [(&str, &str, &str); 4] = [
    ("page.none", "/healthz", ""),
    ("page.version", "/version?subject=", "2.1.0"),
    ("page.dossier", "/v1/dossier?format=html&version=", "2.1.0"),
    ("page.models", "/models", "model-0000"),
];

/// In the ledger that was filled with the views following.
pub(crate) fn pages(job: &Job, figures: &mut Figures) -> Result<()> {
    let opened = reopen(&job.file("kafka-views"))?;
    let appender = opened.appender().context("the ledger can be written")?;
    let told = tell(&appender, opened.ledger.origin())?;
    let views = Views::start(&opened);
    follow(&opened.ledger, &views.handle())?;
    figures.set("page.entries", opened.ledger.head().size as f64);
    figures.set("page.told", told as f64);
    let running = serve(job, &opened, &views)?;
    let agent: Agent = Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
    for (name, way, holds) in ASKED {
        let subject = if way.ends_with('=') { VERSION } else { "" };
        let url = format!("http://{}{way}{subject}", running.address());
        let (mut times, mut bytes) = (Vec::new(), 0);
        for number in 0..WARM + TIMES {
            let begun = Instant::now();
            let mut answer = agent.get(&url).call().with_context(|| url.clone())?;
            let text = answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_string()?;
            if number >= WARM {
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            ensure!(text.contains(holds), "{url} says nothing of {holds}");
            bytes = text.len();
        }
        figures.set(&format!("{name}.p50"), quantile(&mut times, 0.5));
        figures.set(&format!("{name}.p99"), quantile(&mut times, 0.99));
        figures.set(&format!("{name}.kib"), bytes as f64 / 1_024.0);
    }
    figures.set("page.memory", memory().1);
    running.stop()?;
    views.stop();
    opened.stop();
    Ok(())
}

/// Appends what the catalogue's examples say of the version; gives how many did.
fn tell(appender: &Appender, origin: &str) -> Result<usize> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/events");
    let (sender, replies) = channel();
    let mut told = 0;
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with(".example.json") {
            continue;
        }
        let body = std::fs::read(&path)?;
        if !String::from_utf8_lossy(&body).contains("credit-pd") {
            continue;
        }
        let record = Record::http(None, &[("content-type", "application/cloudevents+json")], &body)?;
        let prepared = Prepared::new(Via::Http, &record.view(), Appender::salt(), DEFAULT_RECORD_LIMIT, origin);
        let sender = sender.clone();
        appender.append(prepared, "bench".to_owned(), Box::new(move |answer| drop(sender.send(answer.map(drop)))));
        told += 1;
    }
    drop(sender);
    for answer in replies {
        answer?;
    }
    ensure!(told > 0, "{} has no example about {VERSION}", folder.display());
    Ok(told)
}

fn follow(ledger: &Arc<Ledger>, views: &ViewsHandle) -> Result<()> {
    let begun = Instant::now();
    while views.size() < ledger.head().size {
        if begun.elapsed() > PATIENCE {
            bail!("the views are {} entries behind after a minute: {:?}", views.behind(), views.state());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
