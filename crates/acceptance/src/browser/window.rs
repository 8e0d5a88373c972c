//! A browser window, as a scenario uses it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use fantoccini::{
    Client, ClientBuilder, Locator, elements::Element, error::CmdError, wd::WebDriverCompatibleCommand,
};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use super::driver::Driver;
/// How long the browser may take to start, or to end.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// How long a wait for something on a page may take.
const WITHIN: Duration = Duration::from_secs(10);

/// As its makers advise for a container, and without its calls home.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
];

/// A browser with an empty profile.
pub struct Window {
    client: Client,
    front: String,
    screenshots: PathBuf,
    _profile: TempDir,
}

impl Window {
    /// Opens one for what is at `front`.
    ///
    /// # Panics
    /// The browser does not start.
    pub(super) async fn open(driver: &Driver, front: &str, screenshots: &Path) -> Self {
        let profile = TempDir::with_prefix("automator-browser-").expect("a temporary folder can be made");
        let mut flags: Vec<_> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
            // A dialog is a finding: it must not go away by itself.
            "unhandledPromptBehavior": "ignore",
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("json! of an object is one") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = timeout(STARTS_WITHIN, builder.connect(driver.url()))
            .await
            .unwrap_or_else(|_| panic!("the browser did not start within {STARTS_WITHIN:?}"))
            .expect("the browser starts");
        let window =
            Self { client, front: front.to_owned(), screenshots: screenshots.to_owned(), _profile: profile };
        window.resize(1280, 900).await;
        window
    }

    /// Ends the browser.
    pub(super) async fn close(self) {
        // The driver, which ends with the tests, ends what does not end by itself.
        let _ = timeout(STARTS_WITHIN, self.client.close()).await;
    }

    /// What WebDriver offers beyond this.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a page of the application.
    pub async fn open_page(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.front)).await.expect("the page loads");
    }

    /// Path and query of the page that is shown.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("a page is shown");
        url.as_str().strip_prefix(&self.front).unwrap_or(url.as_str()).to_owned()
    }

    /// The element for a CSS selector, once it is there.
    ///
    /// # Panics
    /// It is not there within 10 s.
    pub async fn find(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(WITHIN).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("no {css} on the page: {error}"))
    }

    /// Whether there is such an element now.
    pub async fn has(&self, css: &str) -> bool {
        !self.client.find_all(Locator::Css(css)).await.expect("a selector of ours is right").is_empty()
    }

    /// The text that is shown in an element.
    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.expect("an element has a text")
    }

    /// Replaces what is in a text field.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("a field can be emptied");
        field.send_keys(text).await.expect("a field takes keys");
    }

    /// Chooses an option of a select by its value.
    pub async fn choose(&self, css: &str, value: &str) {
        self.find(css).await.select_by_value(value).await.expect("the option is there");
    }

    /// Clicks, and waits for the page that it leads to.
    pub async fn click(&self, css: &str) {
        // A mark that the next page does not have: the address may stay the same.
        let _ = self.script("document.documentElement.dataset.left = 'yes'").await;
        self.find(css).await.click().await.expect("it can be clicked");
        crate::eventually("the click led to another page", async || {
            let new = self.script(
                "return document.readyState === 'complete' && !document.documentElement.dataset.left",
            );
            (new.await == json!(true)).then_some(())
        })
        .await;
    }

    /// Presses keys wherever the focus is.
    pub async fn press(&self, keys: &str) {
        let focused = self.client.active_element().await.expect("something has the focus");
        focused.send_keys(keys).await.expect("it takes keys");
    }

    /// What a script returns.
    pub async fn script(&self, script: &str) -> Value {
        // Nothing, while a page goes and the next one comes.
        self.client.execute(script, Vec::new()).await.unwrap_or(Value::Null)
    }

    /// Shows the page at this size, in CSS pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// From now on the person prefers `light` or `dark`.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// What the browser's console says since it was asked last.
    pub async fn console(&self) -> Vec<Value> {
        let log = Extension { path: "se/log", body: json!({ "type": "browser" }) };
        let log = self.client.issue_cmd(log).await.expect("the driver keeps the console");
        log.as_array().cloned().unwrap_or_default()
    }

    /// Keeps a picture of the whole page.
    pub async fn picture(&self, name: &str) {
        self.try_picture(name).await.expect("a picture can be taken and written");
    }

    pub(super) async fn picture_of_failure(&self, scenario: &str) {
        let name = format!("failed-{scenario}");
        match self.try_picture(&name).await {
            Ok(path) => eprintln!("{scenario} failed on the page in {}", path.display()),
            Err(error) => eprintln!("{scenario} failed, and there is no picture of it: {error:#}"),
        }
    }

    async fn try_picture(&self, name: &str) -> Result<PathBuf> {
        let body = json!({ "cmd": "Page.captureScreenshot", "params": { "captureBeyondViewport": true } });
        let picture =
            timeout(WITHIN, self.client.issue_cmd(Extension { path: "goog/cdp/execute", body })).await??;
        let data = picture["data"].as_str().context("the browser sends no picture")?;
        let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, data)?;
        fs::create_dir_all(&self.screenshots)?;
        let path = self.screenshots.join(format!("{name}.png"));
        fs::write(&path, bytes)?;
        Ok(path)
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        let body = json!({ "cmd": command, "params": parameters });
        let done: Result<Value, CmdError> =
            self.client.issue_cmd(Extension { path: "goog/cdp/execute", body }).await;
        let _ = done.unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

/// A command that Chromium's driver has beyond the standard.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
