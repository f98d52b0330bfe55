//! Reading 1 as data: what is published, hashed, and named by the ledger's own entries.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::catalogue;
use super::types::Touch;

/// The number of the reading that the table is the data of.
const READING: u32 = 1;

/// The published data of reading 1:
/// `{"common":{"touches":[…]},"kinds":{"anyone":[…],"ledger_only":[…]},"own_groups":[…],"reading":1,"roles":[…],"types":{<type>:{"subject":…,"touches":[…]}}}`,
/// roles in order of precedence, a touch as `{"build":…,"from":…,"role":…}`. `touches` is left out where there are none.
///
/// A verifier that holds a record derives its subjects again from this; so it never changes once a ledger has named it.
#[must_use]
pub fn reading_table() -> Value {
    let catalogue = catalogue();
    let types = catalogue.events.iter().map(|event| {
        let mut row = Map::new();
        row.insert("subject".to_owned(), json!(event.subject));
        if !event.touches.is_empty() {
            row.insert("touches".to_owned(), touches(&event.touches));
        }
        (event.name.clone(), Value::Object(row))
    });
    json!({
        "common": { "touches": touches(&catalogue.common.touches) },
        "kinds": { "anyone": catalogue.kinds.anyone, "ledger_only": catalogue.kinds.ledger_only },
        "own_groups": catalogue.own_groups,
        "reading": READING,
        "roles": catalogue.roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(),
        "types": types.collect::<Map<_, _>>(),
    })
}

fn touches(list: &[Touch]) -> Value {
    list.iter().map(|touch| json!({ "build": touch.build, "from": touch.from, "role": touch.role })).collect()
}

/// `sha256:` and the SHA-256 (lower-case hex) of [`reading_table`]'s canonical JSON (RFC 8785), as `ledger.opened` names it.
#[must_use]
pub fn reading_digest() -> String {
    static DIGEST: LazyLock<String> = LazyLock::new(|| {
        let canonical = crate::json::canonical(&reading_table());
        format!("sha256:{}", hex::encode(Sha256::digest(canonical)))
    });
    DIGEST.clone()
}
