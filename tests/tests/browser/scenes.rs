//! Pages that no link leads to: what a form asks for, what is refused, what is empty, and what is under way.

use std::time::{Duration, Instant};

use modeltrail_tests::browser::Browser;

use crate::world::World;

/// A bundle of the story is made in a second; a busy machine takes longer.
const JOB_LIMIT: Duration = Duration::from_secs(120);
/// More than are made at one time, so that the last of them waits; no more than are kept.
const IN_A_ROW: usize = 8;

/// A name for each, and its address.
pub(crate) const PATHS: &[(&str, &str)] = &[
    ("/search several", "/search?q=pd"),
    ("/search by digest", "/search?q=sha256:27f2955113"),
    ("/search by id", "/search?q=AP-2025-101"),
    ("/search by party", "/search?q=p-3f9c12"),
    ("/search by entry", "/search?q=%23140"),
    ("/search did you mean", "/search?q=pd-retial"),
    ("/search nothing", "/search?q=zeppelin"),
    ("/search not asked", "/search"),
    ("/compare", "/compare?a=model/risk/pd-retail@3.0.0&b=model/risk/pd-retail@3.1.0"),
    ("/compare one", "/compare?a=model/risk/pd-retail@3.1.0"),
    ("/lineage of a version", "/lineage?subject=model/risk/pd-mortgage@1.1.0"),
    ("/lineage all", "/lineage?subject=model/risk/pd-mortgage@1.1.0&up=all&down=all"),
    ("/lineage opened", "/lineage?subject=model/risk/pd-mortgage@1.1.0&open=model/risk/pd-mortgage@1.1.0%7Cdataset"),
    ("/lineage of a model", "/lineage?subject=model/risk/pd-mortgage"),
    ("/models filtered", "/models?q=pd&tier=1&kind=statistical&runs=yes&sort=-findings"),
    ("/models empty", "/models?q=zeppelin"),
    ("/models before any", "/models?as_of=0"),
    ("overview before any", "/?as_of=0"),
    ("/changes of a day", "/changes?subject=model/fraud/card-fraud&from=2026-03-31&to=2026-03-31"),
    ("/changes empty", "/changes?from=2031-01-01&to=2031-01-02"),
    ("/datasets filtered", "/datasets?q=a&personal=personal&basis=unsaid"),
    ("/datasets empty", "/datasets?q=zeppelin"),
    ("/deployments filtered", "/deployments?q=prod&state=removed"),
    ("/deployment at", "/deployment?subject=deployment/production-eu/card-fraud-scoring&at=2026-03-31"),
    ("/ran-at answer", "/ran-at?at=2026-03-31T12:00:00Z"),
    ("/ran-at before any", "/ran-at?at=2001-01-01"),
    ("/ran-at wrong", "/ran-at?at=noon"),
    ("/incidents filtered", "/incidents?q=card&state=resolved"),
    ("/approvals filtered", "/approvals?q=p-04ab9d&state=in%20force&conditions=open"),
    ("/approvals empty", "/approvals?q=zeppelin"),
    ("/validations filtered", "/validations?q=risk&state=none"),
    ("/evaluations filtered", "/evaluations?q=risk&verdict=passed"),
    ("/approvals expiring", "/approvals?state=running-out"),
    ("/parties filtered", "/parties?q=p-3"),
    ("/findings filtered", "/findings?q=e&subject=model/fraud/card-fraud&severity=critical&rule=&state=stands"),
    ("/findings empty", "/findings?q=zeppelin"),
    ("/reports empty", "/reports?q=zeppelin"),
    ("/entries first", "/entries?from=0"),
    ("/trail from", "/trail?subject=model/fraud/card-fraud&from=10"),
    ("/quarantine filtered", "/quarantine?q=a&reason=conflict"),
    ("/keys filtered", "/keys?q=zeppelin"),
    ("no such model", "/model?subject=model/risk/pd-retial"),
    ("no such version", "/version?subject=model/risk/pd-retail@9.9.9"),
    ("no such entry", "/entries/999999"),
    ("no such job", "/job?id=00"),
    ("no such path", "/modles"),
    ("wrong as-of", "/models?as_of=yesterday"),
    ("wrong parameter", "/models?colour=red"),
    ("wrong day", "/changes?from=31.3.2026"),
    ("missing parameter", "/version"),
];

/// Sends the portal's own form this often, as its page would, and gives the page that the last one led to.
fn ask(world: &World, browser: &Browser, as_of: u64, times: usize) -> String {
    browser.open(&world.at("/make?subject=model/risk/pd-retail@3.1.0")).unwrap();
    let script = format!(
        "const done = arguments[arguments.length - 1];
        (async () => {{
            const say = how => fetch('/make/bundle', {{ method: 'POST', redirect: how, body: new URLSearchParams(
                {{ subject: 'model/risk/pd-retail@3.1.0', as_of: '{as_of}', dossier: '1' }}) }});
            for (let at = 1; at < {times}; at++) await say('manual');
            return (await say('follow')).url;
        }})().then(done, error => done('failed: ' + error))"
    );
    let url = browser.script_async(&script).unwrap();
    let url = url.as_str().unwrap();
    url.strip_prefix(&world.url).unwrap_or_else(|| panic!("{url}")).to_owned()
}

/// Waits until a job's page says so.
fn until(world: &World, browser: &Browser, path: &str, words: &str) {
    let since = Instant::now();
    loop {
        browser.open(&world.at(path)).unwrap();
        let text = browser.text("main").unwrap();
        if text.contains(words) {
            return;
        }
        assert!(since.elapsed() < JOB_LIMIT, "{path} never says {words:?}:\n{text}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A bundle that is made with the form's own button.
pub(crate) fn made(world: &World, browser: &Browser) -> String {
    browser.open(&world.at("/make?subject=model/risk/pd-retail@3.1.0")).unwrap();
    browser.leave(|browser| browser.click("form.act button")).unwrap();
    let path = browser.url().unwrap().strip_prefix(&world.url).unwrap().to_owned();
    until(world, browser, &path, "Download the bundle");
    path
}

/// One of a point that the ledger has not come to.
pub(crate) fn failed(world: &World, browser: &Browser) -> String {
    let path = ask(world, browser, 999_999, 1);
    until(world, browser, &path, "not made");
    path
}

/// One that is stopped, with its own button, while it waits.
pub(crate) fn stopped(world: &World, browser: &Browser) -> String {
    let path = waiting(world, browser);
    browser.leave(|browser| browser.click("form.act button")).unwrap();
    until(world, browser, &path, "stopped");
    path
}

/// One that waits behind others; the browser is on its page.
pub(crate) fn waiting(world: &World, browser: &Browser) -> String {
    let path = ask(world, browser, 479, IN_A_ROW);
    browser.open(&world.at(&path)).unwrap();
    let text = browser.text("main").unwrap();
    assert!(text.contains("under way"), "it was made before anybody could look:\n{text}");
    path
}

/// What a form that nobody would send is answered with; the browser is on that page.
pub(crate) fn refused(world: &World, browser: &Browser) {
    browser.open(&world.at("/make?subject=model/risk/pd-retail@3.1.0")).unwrap();
    browser.script("document.querySelector('form.act [name=subject]').value = 'nonsense'", &[]).unwrap();
    browser.leave(|browser| browser.click("form.act button")).unwrap();
    let text = browser.text("main").unwrap();
    assert!(text.contains("nonsense") && text.contains("Where to look"), "{text}");
}
