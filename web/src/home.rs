//! What there is for programs.

/// One thing that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The method.
    pub method: &'static str,
    /// The path; `{…}` stands for a part of it.
    pub path: &'static str,
    /// What it gives.
    pub gives: &'static str,
}

const fn endpoint(method: &'static str, path: &'static str, gives: &'static str) -> Endpoint {
    Endpoint { method, path, gives }
}

/// All endpoints. `docs/API.md` describes each.
pub const ENDPOINTS: &[Endpoint] = &[
    endpoint("POST", "/v1/events", "takes events, gives receipts"),
    endpoint("GET", "/v1/entries", "entries, in order"),
    endpoint("GET", "/v1/entries/{index}", "one entry with its record"),
    endpoint("GET", "/v1/trails", "all entries about one subject"),
    endpoint("GET", "/v1/subjects", "subjects by prefix"),
    endpoint("GET", "/v1/proofs/inclusion", "the proof that an entry is in the ledger"),
    endpoint("GET", "/v1/proofs/consistency", "the proof that the ledger only grew"),
    endpoint("GET", "/v1/checkpoints", "kept checkpoints, the newest first"),
    endpoint("GET", "/v1/checkpoints/{size}", "the checkpoint of one size"),
    endpoint("GET", "/v1/exports", "a bundle about some subjects; that it was made is recorded"),
    endpoint("GET", "/v1/sources", "lag, gaps and quarantine of every source"),
    endpoint("GET", "/v1/quarantine", "what was kept aside, and why"),
    endpoint("GET", "/v1/keys", "the keys of the ledger and of producers"),
    endpoint("POST", "/v1/admin/producers", "registers a producer's key"),
    endpoint("POST", "/v1/admin/producers/{key}/revoke", "revokes a producer's key"),
    endpoint("POST", "/v1/admin/keys/rotate", "rotates the ledger's key"),
    endpoint("POST", "/v1/admin/sources/{name}/rebase", "lets a halted partition go on"),
    endpoint("POST", "/v1/admin/views/rebuild", "folds the views anew"),
    endpoint("GET", "/v1/admin/views/rebuild", "how far that is"),
    endpoint("GET", "/checkpoint", "the newest checkpoint (C2SP tlog-tiles)"),
    endpoint("GET", "/tile/{level}/{index}", "tiles (C2SP tlog-tiles)"),
    endpoint("GET", "/tile/entries/{index}", "entry headers (C2SP tlog-tiles)"),
    endpoint("GET", "/metrics", "measurements for Prometheus"),
    endpoint("GET", "/healthz", "whether the process answers"),
    endpoint("GET", "/readyz", "whether events are taken"),
];
