//! A real Chromium, driven over the WebDriver protocol (W3C WebDriver, and Chromium's DevTools behind `goog/cdp`).
//!
//! One [`Browser`] is one session with a profile of its own. What the page wrote to the console and every request it made are kept by
//! the driver, and asked for with [`Browser::console`] and [`Browser::requests`].

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

use crate::paths::cache_dir;
use crate::process::Tethered;
use crate::skip::Missing;

/// The release of axe-core that `.ci/setup` fetches; as in `.ci/env`.
pub const AXE_VERSION: &str = "4.14.1";
/// How WebDriver names an element in its JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Longer than the slowest page on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks whether a page is there.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Chromium and its driver.
#[derive(Debug, Clone)]
pub struct Installed {
    chromium: PathBuf,
    driver: PathBuf,
}

/// Looks for Chromium and its driver on the PATH.
///
/// # Errors
/// When one of them is missing.
pub fn installed() -> Result<Installed, Missing> {
    let on_path = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
    };
    match (on_path("chromium"), on_path("chromedriver")) {
        (Some(chromium), Some(driver)) => Ok(Installed { chromium, driver }),
        _ => Err(Missing::new("no chromium and chromedriver on the PATH (Debian: chromium, chromium-driver)")),
    }
}

/// The script of axe-core.
///
/// # Errors
/// When `.ci/setup test` has not fetched it.
pub fn axe() -> Result<PathBuf, Missing> {
    let path = cache_dir().join(format!("axe-core-{AXE_VERSION}/axe.min.js"));
    if path.is_file() { Ok(path) } else { Err(Missing::new(format!("axe-core is not at {}", path.display()))) }
}

/// How a session is to be.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Width and height of the page, in CSS pixels.
    pub size: (u32, u32),
    /// The system prefers dark.
    pub dark: bool,
    /// Scripts run.
    pub scripts: bool,
}

impl Look {
    /// A desk: 1280 pixels wide, light, with scripts.
    pub const DESK: Self = Self { size: (1280, 900), dark: false, scripts: true };
    /// A phone: 390 pixels wide, light, with scripts.
    pub const PHONE: Self = Self { size: (390, 844), ..Self::DESK };
}

/// A session of Chromium. Dropped, driver and browser end.
#[derive(Debug)]
pub struct Browser {
    _driver: Tethered,
    agent: ureq::Agent,
    session: String,
}

impl Browser {
    /// Starts Chromium.
    ///
    /// # Errors
    /// When the driver or the browser does not start.
    pub fn start(installed: &Installed, look: Look) -> Result<Self> {
        let profile = tempfile::tempdir().context("no scratch directory")?;
        let mut command = Command::new(&installed.driver);
        command.args(["--port=0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = Tethered::spawn(&mut command, Some(profile.path()))?;
        let out = driver.child().stdout.take().context("chromedriver has no standard output")?;
        let port = port(BufReader::new(out))?;
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(LIMIT)).http_status_as_error(false).build().into();
        let base = format!("http://127.0.0.1:{port}");
        let answer = send(&agent, "POST", &format!("{base}/session"), &capabilities(installed, &profile.keep(), look))?;
        let id = answer.pointer("/sessionId").and_then(Value::as_str).context("chromedriver gives no session")?;
        let browser = Self { _driver: driver, agent, session: format!("{base}/session/{id}") };
        browser.view(look)?;
        Ok(browser)
    }

    /// Another size or colour scheme, from the next page on.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn view(&self, look: Look) -> Result<()> {
        let (width, height) = look.size;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics)?;
        let scheme = if look.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &media).map(drop)
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// # Errors
    /// When it can't be reached.
    pub fn open(&self, url: &str) -> Result<()> {
        self.post("url", &json!({ "url": url })).map(drop)
    }

    /// Where it is now.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn url(&self) -> Result<String> {
        Ok(self.get("url")?.as_str().unwrap_or_default().to_owned())
    }

    /// The page's title.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn title(&self) -> Result<String> {
        Ok(self.get("title")?.as_str().unwrap_or_default().to_owned())
    }

    /// One step back.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn back(&self) -> Result<()> {
        self.post("back", &json!({})).map(drop)
    }

    /// What a script returns: the body of a function, with `arguments`. Runs where the page's own scripts may not, too.
    ///
    /// # Errors
    /// When it throws.
    pub fn script(&self, body: &str, arguments: &[Value]) -> Result<Value> {
        self.post("execute/sync", &json!({ "script": body, "args": arguments }))
    }

    /// As [`Browser::script`], for a script that calls its last argument when it is done.
    ///
    /// # Errors
    /// When it throws, or never calls.
    pub fn script_async(&self, body: &str) -> Result<Value> {
        self.post("execute/async", &json!({ "script": body, "args": [] }))
    }

    /// The text that a person sees of the first element that fits.
    ///
    /// # Errors
    /// When there is none.
    pub fn text(&self, css: &str) -> Result<String> {
        let told =
            self.script("const at = document.querySelector(arguments[0]); return at && at.innerText", &[css.into()])?;
        told.as_str().map(str::to_owned).with_context(|| format!("no {css:?} on {}", self.url().unwrap_or_default()))
    }

    /// Follows the first link whose text is exactly this.
    ///
    /// # Errors
    /// When there is none, or it can't be clicked.
    pub fn follow(&self, link: &str) -> Result<()> {
        let element = self.element("link text", link)?;
        self.leave(|_| self.post(&format!("element/{element}/click"), &json!({})).map(drop))
    }

    /// Clicks the first element that fits.
    ///
    /// # Errors
    /// When there is none, or it can't be clicked.
    pub fn click(&self, css: &str) -> Result<()> {
        let element = self.element("css selector", css)?;
        self.post(&format!("element/{element}/click"), &json!({})).map(drop)
    }

    /// Types into the first element that fits.
    ///
    /// # Errors
    /// When there is none.
    pub fn fill(&self, css: &str, text: &str) -> Result<()> {
        let element = self.element("css selector", css)?;
        self.post(&format!("element/{element}/clear"), &json!({}))?;
        self.post(&format!("element/{element}/value"), &json!({ "text": text })).map(drop)
    }

    /// Presses one key: a character, or a code of the WebDriver standard (`\u{E004}` is Tab, `\u{E007}` Enter).
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn press(&self, key: char) -> Result<()> {
        let steps = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": steps }] });
        self.post("actions", &actions).map(drop)
    }

    /// Does what leads to another page, and waits until that one is loaded.
    ///
    /// # Errors
    /// When it fails, or no other page comes.
    pub fn leave(&self, how: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        self.script("window.before = true", &[])?;
        how(self)?;
        let until = Instant::now() + LIMIT;
        while Instant::now() < until {
            let loaded = self.script("return !window.before && document.readyState === 'complete'", &[]);
            if loaded.is_ok_and(|loaded| loaded == true) {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        bail!("no other page came after {}", self.url()?)
    }

    /// The whole page as a PNG.
    ///
    /// # Errors
    /// When the browser does not answer, or the file can't be written.
    pub fn screenshot(&self, file: &Path) -> Result<()> {
        use base64::Engine as _;
        let shot =
            self.devtools("Page.captureScreenshot", &json!({ "captureBeyondViewport": true, "format": "png" }))?;
        let data = shot.pointer("/data").and_then(Value::as_str).context("no picture came")?;
        std::fs::write(file, base64::engine::general_purpose::STANDARD.decode(data)?)
            .with_context(|| format!("can't write {}", file.display()))
    }

    /// What was written to the console since the last call, warnings and errors.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn console(&self) -> Result<Vec<String>> {
        let lines = self.post("se/log", &json!({ "type": "browser" }))?;
        let lines = lines.as_array().cloned().unwrap_or_default();
        Ok(lines.iter().filter_map(|line| line.get("message")?.as_str().map(str::to_owned)).collect())
    }

    /// The URLs asked for since the last call.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn requests(&self) -> Result<Vec<String>> {
        let lines = self.post("se/log", &json!({ "type": "performance" }))?;
        let message = |line: &Value| -> Option<String> {
            let message: Value = serde_json::from_str(line.get("message")?.as_str()?).ok()?;
            let asked = message.pointer("/message/method")?.as_str()? == "Network.requestWillBeSent";
            let url = message.pointer("/message/params/request/url")?.as_str()?;
            asked.then(|| url.to_owned())
        };
        Ok(lines.as_array().cloned().unwrap_or_default().iter().filter_map(message).collect())
    }

    fn devtools(&self, command: &str, params: &Value) -> Result<Value> {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    fn element(&self, using: &str, value: &str) -> Result<String> {
        let found = self.post("element", &json!({ "using": using, "value": value }));
        let found = found.with_context(|| format!("no {value:?} on {}", self.url().unwrap_or_default()))?;
        found.get(ELEMENT).and_then(Value::as_str).map(str::to_owned).context("an element without id")
    }

    fn get(&self, path: &str) -> Result<Value> {
        send(&self.agent, "GET", &format!("{}/{path}", self.session), &Value::Null)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        send(&self.agent, "POST", &format!("{}/{path}", self.session), body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser is the driver's child: killed with it at the latest.
        let _ = self.agent.delete(&self.session).call();
    }
}

fn capabilities(installed: &Installed, profile: &Path, look: Look) -> Value {
    // No sandbox: tests run as root in containers, and open pages of our own only.
    let arguments = [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--hide-scrollbars".to_owned(),
        format!("--user-data-dir={}", profile.display()),
    ];
    let scripts = if look.scripts { 1 } else { 2 };
    let options = json!({
        "binary": installed.chromium,
        "args": arguments,
        "prefs": { "profile.managed_default_content_settings.javascript": scripts },
        "perfLoggingPrefs": { "enableNetwork": true, "enablePage": false },
    });
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
    } } })
}

/// The port that the driver says it listens on.
fn port(mut lines: impl BufRead) -> Result<u16> {
    let mut seen = String::new();
    loop {
        let from = seen.len();
        if lines.read_line(&mut seen)? == 0 {
            bail!("chromedriver ended before it listened: {seen}");
        }
        let said = seen[from..].split_once("started successfully on port ");
        if let Some((_, port)) = said {
            return port.trim().trim_end_matches('.').parse().with_context(|| format!("no port in {port:?}"));
        }
    }
}

fn send(agent: &ureq::Agent, method: &str, url: &str, body: &Value) -> Result<Value> {
    let mut answer = match method {
        "GET" => agent.get(url).call(),
        _ => agent.post(url).header("content-type", "application/json").send(serde_json::to_vec(body)?),
    }
    .with_context(|| format!("{method} {url}"))?;
    let status = answer.status();
    let text = answer.body_mut().with_config().limit(256 << 20).read_to_string()?;
    let mut value: Value = serde_json::from_str(&text).with_context(|| format!("{method} {url}: {text:.200}"))?;
    let value = value.get_mut("value").map(Value::take).unwrap_or_default();
    if status.is_success() {
        return Ok(value);
    }
    let message = value.get("message").and_then(Value::as_str).unwrap_or_default();
    Err(anyhow!("{}", message.lines().next().unwrap_or_default()))
}
