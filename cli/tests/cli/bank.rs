//! A ledger of a small bank: a model from data to use, with the faults that a test asks for.

use std::io::Cursor;

use modeltrail_compliance::bundle::export_dossier;
use modeltrail_core::bundle::manifest::FileDigest;
use modeltrail_core::bundle::source::StoreView;
use modeltrail_schemas::json::canonical;
use modeltrail_tlog::tree::TreeSize;
use serde_json::{Value, json};

use crate::world::{self, World, producer};

/// The version that all is about.
pub(crate) const VERSION: &str = "model/risk/fraud@2.1.0";
pub(crate) const MODEL: &str = "model/risk/fraud";
pub(crate) const SERVICE: &str = "deployment/production/score";
/// Everything that a whole lineage of [`VERSION`] walks over.
pub(crate) const LINEAGE: &[&str] = &[
    VERSION,
    MODEL,
    SERVICE,
    "dataset/lake/claims@7",
    "dataset/lake/raw-claims@7",
    "code/git.example%2Ffraud/.@4be1f6c2",
    "image/registry.example%2Ftrain@sha256:c8ddb1f394d5a8da16c90cdc1de643abc2a5beb02b73785cdb1c939dab0957e0",
    "run/forge/r-1",
];
/// Seed of the key that may speak for everything.
const PIPELINE: u8 = 20;
/// Seed of the key that may only register versions.
const VENDOR: u8 = 23;

/// How an event is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Signed,
    Unsigned,
    Forged,
    /// By the key that may only register versions.
    Vendor,
    /// By a key that nobody registered.
    Stranger,
}

pub(crate) struct Bank {
    pub(crate) world: World,
    sent: u32,
}

pub(crate) fn manifest(version: &str) -> Value {
    json!({
        "namespace": "risk", "name": "fraud", "version": version, "provenance": "built", "author": "p-author",
        "datasets": [{"namespace": "lake", "name": "claims", "version": "7", "split": "train"}],
        "code": [{"repository": "git.example/fraud", "commit": "4be1f6c2"}],
        "environment": {"image": {"repository": "registry.example/train", "digest": "sha256:c8ddb1f394d5a8da16c90cdc1de643abc2a5beb02b73785cdb1c939dab0957e0"}},
        "run": {"source": "forge", "id": "r-1"},
    })
}

pub(crate) fn digest(version: &str) -> String {
    FileDigest::of(&canonical(&manifest(version))).to_string()
}

impl Bank {
    /// A ledger with its keys and the data that the model is made of.
    pub(crate) fn new() -> Self {
        let mut world = World::new();
        world.register(PIPELINE, "*", "*");
        world.register(VENDOR, "modeltrail.model.version_registered.v1", "model/*");
        let mut bank = Self { world, sent: 0 };
        bank.send(
            Way::Signed,
            "model.created",
            &json!({"namespace": "risk", "name": "fraud", "owner": "p-owner", "purpose": "stop fraud"}),
        );
        bank.send(
            Way::Signed,
            "dataset.version_registered",
            &json!({"namespace": "lake", "name": "claims", "version": "7", "derived_from": [{"namespace": "lake", "name": "raw-claims", "version": "7"}]}),
        );
        bank
    }

    /// The clean one: data, version, validation, approval, deployment, all signed.
    pub(crate) fn clean() -> Self {
        let mut bank = Self::new();
        bank.registered(Way::Signed);
        bank.approved(Way::Signed, "AP-1", "p-head");
        bank.deployed(Way::Signed, "2.1.0");
        bank.seal();
        bank
    }

    pub(crate) fn send(&mut self, way: Way, verb: &str, data: &Value) {
        self.sent += 1;
        let event = world::event(&format!("b{}", self.sent), &format!("modeltrail.{verb}.v1"), "model/none", data);
        match way {
            Way::Signed => self.world.signed(&event, PIPELINE, false),
            Way::Forged => self.world.signed(&event, PIPELINE, true),
            Way::Vendor => self.world.signed(&event, VENDOR, false),
            Way::Stranger => self.world.signed(&event, 77, false),
            Way::Unsigned => self.world.http(&event),
        };
    }

    pub(crate) fn registered(&mut self, way: Way) {
        self.version(way, "2.1.0");
    }

    pub(crate) fn version(&mut self, way: Way, version: &str) {
        let data =
            json!({"manifest": manifest(version), "manifest_digest": digest(version), "actor": {"id": "p-author"}});
        self.send(way, "model.version_registered", &data);
    }

    pub(crate) fn approved(&mut self, way: Way, id: &str, by: &str) {
        let data = json!({
            "approval_id": id, "kind": "release", "approvers": [by], "expires_at": "2027-01-01T00:00:00Z",
            "about": {"kind": "model", "namespace": "risk", "name": "fraud", "version": "2.1.0", "digest": digest("2.1.0")},
            "actor": {"id": by, "role": "head of model risk"},
        });
        self.send(way, "approval.granted", &data);
    }

    pub(crate) fn validated(&mut self, way: Way) {
        let data = json!({"namespace": "risk", "name": "fraud", "version": "2.1.0", "validation_id": "V-1", "outcome": "accepted", "validator": "p-val"});
        self.send(way, "validation.recorded", &data);
    }

    pub(crate) fn deployed(&mut self, way: Way, version: &str) {
        let member = json!({"namespace": "risk", "name": "fraud", "version": version, "manifest_digest": digest(version), "role": "serving", "weight": 100});
        self.send(
            way,
            "deployment.changed",
            &json!({"environment": "production", "service": "score", "kind": "online", "new": [member]}),
        );
    }

    pub(crate) fn seal(&mut self) {
        self.world.seal();
    }

    /// A bundle about some subjects.
    pub(crate) fn zip(&self, subjects: &[&str]) -> Vec<u8> {
        world::zip_of(&self.world.store, subjects, self.world.key)
    }

    /// A bundle of the version with its dossier.
    pub(crate) fn dossier(&self) -> Vec<u8> {
        let view = StoreView::new(self.world.store.as_ref(), TreeSize::new(u64::MAX)).unwrap();
        let sign = |text: &str| Ok(world::sign(text, self.world.key));
        export_dossier(&view, VERSION, None, sign, Cursor::new(Vec::new())).unwrap().out.into_inner()
    }

    /// The first digits of the pipeline's key.
    pub(crate) fn pipeline() -> String {
        producer(PIPELINE).1.to_string().chars().take(8).collect()
    }
}
