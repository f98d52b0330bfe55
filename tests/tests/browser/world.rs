//! The ledger, the daemon, and the pages there are.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use modeltrail_tests::browser::{self, Browser, Installed, Look};
use modeltrail_tests::process::run_ok;
use modeltrail_tests::skip::or_skip;
use modeltrail_tests::{Daemon, bin};
use serde_json::Value;
use tempfile::TempDir;

use crate::scenes;

/// The story is played in some seconds; a busy machine takes longer.
const PLAY_LIMIT: Duration = Duration::from_secs(300);
/// Pages looked at in all: one of each kind, and the walk to find them.
const MAX_VISITED: usize = 200;

/// The served story.
pub(crate) struct World {
    pub(crate) installed: Installed,
    pub(crate) url: String,
    /// Ends with this program: nobody takes it out of here.
    _daemon: Mutex<Daemon>,
    _dir: TempDir,
}

/// The one world of this program; `None` where there is no browser, which is said once and counted.
pub(crate) fn world() -> Option<&'static World> {
    static WORLD: OnceLock<Option<World>> = OnceLock::new();
    WORLD
        .get_or_init(|| {
            let installed = or_skip("browser", browser::installed())?;
            let dir = tempfile::tempdir().unwrap();
            let mut demo = Command::new(bin("modeltraild").unwrap());
            run_ok(demo.args(["demo", "--once", "--dir"]).arg(dir.path().join("demo")), PLAY_LIMIT).unwrap();
            let config = dir.path().join("demo/config.toml");
            let daemon =
                Daemon::start(["serve", "--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()]).unwrap();
            Some(World { installed, url: daemon.url().to_owned(), _daemon: Mutex::new(daemon), _dir: dir })
        })
        .as_ref()
}

impl World {
    pub(crate) fn browser(&self, look: Look) -> Browser {
        Browser::start(&self.installed, look).unwrap()
    }

    /// The address of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// One page of every kind, by kind: found by walking links from the overview, and never typed in here.
    pub(crate) fn pages(&self) -> BTreeMap<String, String> {
        static PAGES: Mutex<Option<BTreeMap<String, String>>> = Mutex::new(None);
        let mut pages = PAGES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        pages.get_or_insert_with(|| self.walk()).clone()
    }

    fn walk(&self) -> BTreeMap<String, String> {
        let browser = self.browser(Look::DESK);
        let mut found = BTreeMap::from([("/".to_owned(), "/".to_owned())]);
        let (mut todo, mut seen) = (vec!["/".to_owned()], BTreeSet::new());
        while let Some(path) = todo.pop() {
            if seen.len() >= MAX_VISITED || !seen.insert(path.clone()) {
                continue;
            }
            browser.open(&self.at(&path)).unwrap();
            for link in links(&browser) {
                let Some(path) = link.strip_prefix(&self.url) else { continue };
                let path = path.split('#').next().unwrap_or_default().to_owned();
                let Some(kind) = kind(&path) else { continue };
                if let Entry::Vacant(new) = found.entry(kind) {
                    new.insert(path.clone());
                    todo.insert(0, path);
                }
            }
        }
        for (name, path) in scenes::PATHS {
            found.insert((*name).to_owned(), (*path).to_owned());
        }
        // Only some are kept, and this one asks for many.
        found.insert("/job stopped".to_owned(), scenes::stopped(self, &browser));
        found.insert("/job made".to_owned(), scenes::made(self, &browser));
        found.insert("/job failed".to_owned(), scenes::failed(self, &browser));
        found
    }
}

/// What every link of the page leads to.
pub(crate) fn links(browser: &Browser) -> Vec<String> {
    let all = browser.script("return [...document.querySelectorAll('a[href]')].map(a => a.href)", &[]).unwrap();
    all.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The kind of page that a path leads to: its first part, and the names of what is asked; of the past, the first part alone. `None` for what is no page.
fn kind(path: &str) -> Option<String> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let data = ["v1", "tile", "checkpoint", "static", "metrics", "healthz", "readyz"].contains(&first);
    if data || query.contains("format=") || path == "/job/bundle" {
        return None;
    }
    let names: BTreeSet<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    let deep = path.trim_matches('/').split('/').count();
    let shape = if deep > 1 { format!("/{first}/…") } else { format!("/{first}") };
    if names.contains("as_of") {
        return Some(format!("{shape}?as_of"));
    }
    // Each list is sorted alike, by any of its columns.
    let asked: Vec<&str> = names.into_iter().filter(|name| !name.is_empty() && *name != "sort").collect();
    Some(if asked.is_empty() { shape } else { format!("{shape}?{}", asked.join("&")) })
}
