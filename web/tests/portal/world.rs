//! A small ledger with something on every page, hostile names among it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Answer, BATCH, Server, bytes};

/// Markup, quotes, a mark that turns the line around, a line end, and what a spreadsheet would take for a formula.
pub(crate) const HOSTILE: &str = "=cmd|' /C calc'!A0 <script>alert(1)</script> \"x\" \u{202e}desrever\nline";
const D1: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

pub(crate) struct World {
    pub(crate) server: Server,
}

fn event(n: usize, kind: &str, data: Value) -> Value {
    json!({
        "specversion": "1.0", "id": format!("e-{n}"), "source": "urn:test", "type": format!("modeltrail.{kind}.v1"),
        "time": "2025-12-31T10:00:00Z", "data": data,
    })
}

fn actor(id: &str, role: &str) -> Value {
    json!({"id": id, "kind": "user", "role": role})
}

fn acts() -> Vec<(&'static str, Value)> {
    let about = json!({"kind": "model", "namespace": "risk", "name": "pd", "version": "1.0.0"});
    let manifest = json!({
        "namespace": "risk", "name": "pd", "version": "1.0.0", "provenance": "built", "description": HOSTILE, "author": "p-1",
        "datasets": [{"namespace": "loans", "name": "retail", "version": "2025", "digest": D1}],
        "code": [{"repository": "forge/x", "commit": "d970eb0b511f7acb134c1d7cb4153fb1df6e39ce"}],
        "metrics": [{"name": "auc", "value": 0.8}],
        "not_available": [{"part": "environment", "why": HOSTILE}],
    });
    vec![
        (
            "model.created",
            json!({"namespace": "risk", "name": "pd", "owner": "p-1", "purpose": HOSTILE, "kind": "statistical"}),
        ),
        ("model.created", json!({"namespace": "risk", "name": "<img src=x onerror=alert(1)>\u{202e}", "owner": "p-2"})),
        (
            "risk.tier_changed",
            json!({"about": {"kind": "model", "namespace": "risk", "name": "pd"}, "scheme": "internal", "new": "1"}),
        ),
        (
            "dataset.version_registered",
            json!({"namespace": "loans", "name": "retail", "version": "2025", "digest": D1, "licence": HOSTILE, "rows": 12}),
        ),
        (
            "model.version_registered",
            json!({"manifest": manifest, "registered_by": "pipeline", "actor": actor("p-1", "developer")}),
        ),
        ("approval.requested", json!({"approval_id": "AP-1", "about": about, "actor": actor("p-1", "developer")})),
        (
            "approval.granted",
            json!({
                "approval_id": "AP-1", "about": about, "actor": actor("p-3", "head of risk"), "expires_at": "2027-01-01T00:00:00Z",
                "conditions": [{"id": "C-1", "text": HOSTILE, "due_at": "2026-06-01T00:00:00Z"}], "rationale": HOSTILE,
            }),
        ),
        (
            "evaluation.recorded",
            json!({
                "namespace": "risk", "name": "pd", "version": "1.0.0", "evaluation_id": "EV-1", "verdict": "passed", "result_at": "2025-12-01T00:00:00Z",
                "threshold_set_at": "2025-12-02T00:00:00Z", "metrics": [{"name": HOSTILE, "value": 0.8}],
                "thresholds": [{"metric": "auc", "op": "ge", "value": 0.7}],
            }),
        ),
    ]
}

fn further_acts() -> Vec<(&'static str, Value)> {
    let version = json!({"namespace": "risk", "name": "pd", "version": "1.0.0"});
    let about = json!({"kind": "model", "namespace": "risk", "name": "pd", "version": "1.0.0"});
    vec![
        (
            "validation.recorded",
            json!({
                "namespace": "risk", "name": "pd", "version": "1.0.0", "validation_id": "V-1", "outcome": "accepted", "independent": true, "validator": "p-4",
            }),
        ),
        (
            "deployment.changed",
            json!({
                "environment": "production", "service": "scoring", "kind": "online", "effective_at": "2025-12-31T09:00:00Z",
                "new": [{"namespace": "risk", "name": "pd", "version": "1.0.0", "role": "serving", "weight": 100}], "actor": actor("p-5", "operator"),
            }),
        ),
        (
            "incident.opened",
            json!({"incident_id": "INC-1", "title": HOSTILE, "severity": "high", "models": [version], "detected_at": "2025-12-31T09:30:00Z"}),
        ),
        (
            "document.published",
            json!({"about": about, "document": {"title": HOSTILE, "digest": D1}, "doc_type": "model_card"}),
        ),
        (
            "review.scheduled",
            json!({"about": {"kind": "model", "namespace": "risk", "name": "pd"}, "review_id": "R-1", "new": "2026-03-01T00:00:00Z"}),
        ),
        (
            "monitoring.threshold_breached",
            json!({
                "namespace": "risk", "name": "pd", "version": "1.0.0", "breach_id": "B-1", "threshold": {"metric": "psi", "op": "le", "value": 0.2}, "value": 0.3,
            }),
        ),
    ]
}

impl World {
    pub(crate) fn new() -> Self {
        let server = Server::start();
        let events: Vec<Value> = acts()
            .into_iter()
            .chain(further_acts())
            .enumerate()
            .map(|(n, (kind, data))| event(n, kind, data))
            .collect();
        let answers = server.post(BATCH, &bytes(&Value::Array(events))).ok(200);
        assert!(answers.as_array().unwrap().iter().all(|one| one["status"] == 201), "{answers:#}");
        let world = Self { server };
        world.folded();
        world
    }

    /// Waits until the views have seen all entries.
    fn folded(&self) {
        let started = Instant::now();
        let views = self.server.views.as_ref().unwrap().handle();
        while views.behind() > 0 {
            assert!(started.elapsed() < Duration::from_secs(20), "the views stay behind: {:?}", views.state());
            std::thread::yield_now();
        }
    }

    /// A page as a browser asks for it.
    pub(crate) fn page(&self, path: &str) -> Answer {
        self.server.client().send("GET", path, &[("host", "localhost"), ("accept", "text/html,*/*")], b"")
    }

    /// The text of a page that must be there.
    #[track_caller]
    pub(crate) fn html(&self, path: &str) -> String {
        let answer = self.page(path);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        answer.text().to_owned()
    }
}

/// The links of a page, as a browser reads them.
pub(crate) fn links_of(html: &str) -> Vec<String> {
    let parts = html.split(" href=\"").skip(1).filter_map(|part| part.split('"').next());
    parts.map(|href| href.replace("&#38;", "&").replace("&amp;", "&")).collect()
}

/// Every page, with something on each.
pub(crate) const PAGES: &[&str] = &[
    "/",
    "/models",
    "/models?tier=1&runs=yes",
    "/model?subject=model/risk/pd",
    "/model?subject=model/risk/%253Cimg%2520src%253Dx%2520onerror%253Dalert%25281%2529%253E%25E2%2580%25AE",
    "/version?subject=model/risk/pd@1.0.0",
    "/compare",
    "/compare?a=model/risk/pd@1.0.0&b=model/risk/pd@1.0.0",
    "/changes",
    "/changes?subject=model/risk/pd&from=2025-12-01&to=2026-12-31",
    "/lineage",
    "/lineage?subject=model/risk/pd@1.0.0",
    "/lineage?subject=model/risk/pd@1.0.0&up=all&down=0",
    "/lineage?subject=model/risk/pd",
    "/datasets",
    "/dataset?subject=dataset/loans/retail@2025",
    "/dataset?subject=dataset/loans/retail",
    "/deployments",
    "/deployment?subject=deployment/production/scoring",
    "/deployment?subject=deployment/production/scoring&at=2025-12-31T12:00:00Z",
    "/ran-at",
    "/ran-at?at=2025-12-31",
    "/incidents",
    "/incident?subject=incident/INC-1",
    "/approvals",
    "/approvals?state=in+force&conditions=open&q=p-3",
    "/approval?about=model/risk/pd@1.0.0&id=AP-1",
    "/validations",
    "/evaluations",
    "/evaluations?verdict=late",
    "/parties",
    "/party?id=p-3",
    "/findings",
    "/reports",
    "/make",
    "/make?subject=model/risk/pd@1.0.0",
    "/integrity",
    "/entries",
    "/entries?from=3",
    "/entries/0",
    "/entries/6",
    "/ingest",
    "/quarantine",
    "/keys",
    "/trail?subject=code/forge%252Fx/.@d970eb0b511f7acb134c1d7cb4153fb1df6e39ce",
    "/search",
    "/search?q=pd",
    "/search?q=1111111111",
    "/search?q=AP-1",
    "/about",
];
