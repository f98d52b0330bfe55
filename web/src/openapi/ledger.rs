//! What the log itself answers: events, entries, trails, proofs, tiles, exports, administration.

use super::operation::{Answer, Body, Operation, Parameter, Shape};
use super::shapes;
use crate::api::JSON;
use crate::query::MAX_LIMIT;

const TEXT: &str = "text/plain; charset=utf-8";
const OCTETS: &str = "application/octet-stream";
const HTML: &str = "text/html; charset=utf-8";

macro_rules! json {
    ($about:literal, $schema:path) => {
        &[Answer::ok($about, &[Body { media: JSON, schema: $schema }])]
    };
}

const LIMIT: Parameter =
    Parameter::new("limit", Shape::Between(1, MAX_LIMIT as u64), "The most items of a page; 100 when left out.");
const AFTER: Parameter =
    Parameter::new("after", Shape::Number, "The last number that the caller has: the `next` of the page before.");

/// All of them.
pub(crate) const OPERATIONS: &[&[Operation]] =
    &[EVENTS, ENTRIES, PROOFS, EXPORTS, INGEST, ADMIN, TILES, OPERATORS, DOCUMENTS];

const EVENTS: &[Operation] = &[Operation {
    takes: &[
        Body { media: "application/cloudevents+json", schema: shapes::event },
        Body { media: "application/cloudevents-batch+json", schema: shapes::batch },
        Body { media: "application/vnd.dsse.envelope.v1+json", schema: shapes::anything },
    ],
    answers: &[
        Answer {
            status: 201,
            about: "It is durable: its receipt. `Location` is its entry.",
            bodies: &[Body { media: JSON, schema: shapes::receipt }],
        },
        Answer::ok(
            "It was there already: the receipt of the first. Of a batch: one answer an element, in its order.",
            &[Body { media: JSON, schema: shapes::receipt_or_batch }],
        ),
    ],
    problems: &[408, 409, 410, 413, 415, 422],
    ..Operation::post("/v1/events", "postEvents", "Events", "takes events, gives receipts").more(
        "One CloudEvent, a batch of them, a signed one, or (binary mode, `ce-*` headers) its data alone. Nothing is answered with 200, 201 or 409 \
         before it is synced to disk and covered by a signed checkpoint. 409 `conflict` is recorded, any other problem is not.",
    )
}];

const ENTRIES: &[Operation] = &[
    Operation::get("/v1/entries", "entries", "Ledger", "entries, in order")
        .with(&[AFTER, LIMIT])
        .answers(json!("A page of headers, each as its exact bytes.", shapes::entries)),
    Operation::get("/v1/entries/{index}", "entry", "Ledger", "one entry with its record")
        .with(&[Parameter::path("index", Shape::Number, "The entry, from 0.")])
        .tagged()
        .answers(json!("The header, and salt and record where they are kept.", shapes::entry))
        .problems(&[404]),
    Operation::get("/v1/trails", "trail", "Ledger", "all entries about one subject")
        .with(&[Parameter::new("subject", Shape::Subject, "The subject.").required(), AFTER, LIMIT])
        .answers(json!("A page of the trail.", shapes::trail)),
    Operation::get("/v1/subjects", "subjects", "Ledger", "subjects by prefix")
        .with(&[
            Parameter::new("prefix", Shape::Text, "What they begin with."),
            Parameter::new("after", Shape::Text, "The last subject that the caller has."),
            LIMIT,
        ])
        .answers(json!("A page of subjects, in byte order.", shapes::subjects)),
];

const PROOFS: &[Operation] = &[
    Operation::get("/v1/proofs/inclusion", "inclusion", "Proofs", "the proof that an entry is in the ledger")
        .with(&[
            Parameter::new("index", Shape::Number, "The entry.").required(),
            Parameter::new("size", Shape::Number, "The size of a kept checkpoint; the newest when left out."),
        ])
        .answers(json!("The proof, with the checkpoint it leads to.", shapes::inclusion))
        .problems(&[404]),
    Operation::get("/v1/proofs/consistency", "consistency", "Proofs", "the proof that the ledger only grew")
        .with(&[
            Parameter::new("old", Shape::Number, "The smaller size.").required(),
            Parameter::new("new", Shape::Number, "The larger size; the newest when left out."),
        ])
        .answers(json!("The proof.", shapes::consistency))
        .problems(&[404]),
    Operation::get("/v1/checkpoints", "checkpoints", "Proofs", "kept checkpoints, the newest first")
        .with(&[Parameter::new("before", Shape::Number, "Only smaller ones than this."), LIMIT])
        .answers(json!("A page of checkpoints.", shapes::checkpoints)),
    Operation::get("/v1/checkpoints/{size}", "checkpointOf", "Proofs", "the checkpoint of one size")
        .with(&[Parameter::path("size", Shape::Number, "The tree size.")])
        .tagged()
        .answers(&[Answer::ok("The signed note.", &[Body { media: TEXT, schema: shapes::plain }])])
        .problems(&[404]),
];

const EXPORTS: &[Operation] = &[Operation::get("/v1/exports", "export", "Reports", "a bundle about some subjects")
    .with(crate::exports::PARAMETERS)
    .more(
        "That it was made is an entry, `export.created`, before the first byte is sent: `Modeltrail-Entry` is its index, `Modeltrail-Manifest` the \
         digest of `MANIFEST.json`. With `dossier=1` the dossier of the version lies in it under `report/`, and that it was issued is an entry as \
         well, `report.issued`. No `HEAD`: looking should make nothing.",
    )
    .answers(&[Answer::ok("The bundle, a zip.", &[Body { media: "application/zip", schema: shapes::bytes }])])
    .problems(&[404])];

const INGEST: &[Operation] = &[
    Operation::get("/v1/sources", "sources", "Ingest", "lag, gaps and quarantine of every source")
        .answers(json!("How each stands now.", shapes::sources)),
    Operation::get("/v1/quarantine", "quarantine", "Ingest", "what was kept aside, and why")
        .with(&[AFTER, LIMIT])
        .answers(json!("A page of it.", shapes::quarantine)),
    Operation::get("/v1/keys", "keys", "Ingest", "the keys of the ledger and of producers")
        .with(&[Parameter::new("after", Shape::Key, "The last producer's key that the caller has."), LIMIT])
        .answers(json!("The ledger's keys, and a page of the producers'.", shapes::keys)),
];

/// The group that a token goes with.
pub(crate) const ADMINISTRATION: &str = "Administration";

const ADMIN: &[Operation] = &[
    admin(
        "/v1/admin/producers",
        "registerProducer",
        "registers a producer's key",
        &[Body { media: JSON, schema: shapes::register }],
    ),
    admin(
        "/v1/admin/producers/{key}/revoke",
        "revokeProducer",
        "revokes a producer's key",
        &[Body { media: JSON, schema: shapes::revoke }],
    )
    .with(&[Parameter::path("key", Shape::Key, "The key's id.")]),
    admin(
        "/v1/admin/keys/rotate",
        "rotateKeys",
        "rotates the ledger's key",
        &[Body { media: JSON, schema: shapes::rotate }],
    ),
    admin(
        "/v1/admin/sources/{name}/rebase",
        "rebaseSource",
        "lets a halted partition go on",
        &[Body { media: JSON, schema: shapes::rebase }],
    )
    .with(&[Parameter::path("name", Shape::Text, "The source's configured name.")]),
    admin(
        "/v1/admin/checks",
        "recordCheck",
        "writes down what a check of the ledger found",
        &[Body { media: JSON, schema: shapes::checked }],
    ),
    Operation {
        answers: &[Answer {
            status: 202,
            about: "It has begun; `Location` tells how far it is.",
            bodies: &[Body { media: JSON, schema: shapes::rebuild }],
        }],
        ..admin(
            "/v1/admin/views/rebuild",
            "rebuildViews",
            "folds the views anew",
            &[Body { media: JSON, schema: shapes::rebuild_body }],
        )
    },
    Operation {
        group: ADMINISTRATION,
        ..Operation::get("/v1/admin/views/rebuild", "rebuildStatus", "", "how far that is")
    }
    .answers(json!("How it stands.", shapes::rebuild))
    .problems(&[401, 404]),
];

const fn admin(path: &'static str, id: &'static str, gives: &'static str, takes: &'static [Body]) -> Operation {
    Operation {
        takes,
        answers: &[Answer {
            status: 201,
            about: "It is done, and durable: its entry and a checkpoint that covers it.",
            bodies: &[Body { media: JSON, schema: shapes::act }],
        }],
        problems: &[401, 404, 408, 409, 413, 415, 422],
        ..Operation::post(path, id, ADMINISTRATION, gives)
    }
}

const TILES: &[Operation] = &[
    Operation::get("/checkpoint", "checkpoint", "Tiles", "the newest checkpoint (C2SP tlog-tiles)")
        .tagged()
        .answers(&[Answer::ok("The signed note.", &[Body { media: TEXT, schema: shapes::plain }])]),
    Operation::get("/tile/{level}/{index}", "tile", "Tiles", "tiles (C2SP tlog-tiles)")
        .with(&[
            Parameter::path("level", Shape::Between(0, 63), "The tile's level."),
            Parameter::path("index", Shape::Text, "Its place, such as `x001/234`, or with `.p/W` its first W hashes."),
        ])
        .tagged()
        .answers(&[Answer::ok("The hashes.", &[Body { media: OCTETS, schema: shapes::bytes }])])
        .problems(&[404]),
    Operation::get("/tile/entries/{index}", "entryBundle", "Tiles", "entry headers (C2SP tlog-tiles)")
        .with(&[Parameter::path("index", Shape::Text, "Its place, such as `000`, or with `.p/W` its first W headers.")])
        .tagged()
        .answers(&[Answer::ok("Each header behind its length.", &[Body { media: OCTETS, schema: shapes::bytes }])])
        .problems(&[404]),
];

const OPERATORS: &[Operation] = &[
    Operation::get("/metrics", "metrics", "Operators", "measurements for Prometheus").answers(&[Answer::ok(
        "Prometheus' text format.",
        &[Body { media: "text/plain; version=0.0.4; charset=utf-8", schema: shapes::plain }],
    )]),
    Operation::get("/healthz", "healthy", "Operators", "whether the process answers")
        .answers(json!("It does.", shapes::healthy)),
    Operation::get("/readyz", "ready", "Operators", "whether events are taken")
        .answers(json!("They are; or, of a ledger opened for reading only, reads are answered.", shapes::ready)),
];

const DOCUMENTS: &[Operation] = &[
    Operation::get("/v1/openapi.json", "openapi", "Operators", "this document")
        .tagged()
        .answers(json!("An OpenAPI 3.1 document.", shapes::anything)),
    Operation::get("/v1/docs", "docs", "Operators", "this document as a page")
        .tagged()
        .answers(&[Answer::ok("The page.", &[Body { media: HTML, schema: shapes::plain }])]),
];
