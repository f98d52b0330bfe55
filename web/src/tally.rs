//! How many entries of each source are kept aside, and how many positions are missing: counted from the headers, in order.

use std::collections::BTreeMap;

use modeltrail_core::header::EntryHeader;
use modeltrail_core::own_event::own_event;
use modeltrail_store::Ledger;
use modeltrail_store::aside::QUARANTINE;
use serde_json::{Value, json};

use crate::errors::WebError;

/// Headers looked at in one go: at most about a second, so that whoever asks first isn't kept for minutes.
pub(crate) const SCAN_HEADERS: u64 = 500_000;

/// The own type that says that positions are gone.
const GAP: &str = "modeltrail.source.gap.v1";

/// What is known of one source; of `http` too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Quarantined entries by reason.
    pub(crate) quarantined: BTreeMap<String, u64>,
    /// `source.gap` entries.
    pub(crate) gaps: u64,
    /// Positions in them.
    pub(crate) gap_positions: u64,
}

impl Counts {
    pub(crate) fn to_json(&self) -> Value {
        json!({"gap_positions": self.gap_positions, "gaps": self.gaps, "quarantined": self.quarantined})
    }
}

/// The counts of all entries below an index.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    next: u64,
    sources: BTreeMap<String, Counts>,
}

impl Tally {
    /// Goes on counting, up to `size` or [`SCAN_HEADERS`] further. Gives the index up to which is counted.
    pub(crate) fn advance(&mut self, ledger: &Ledger, size: u64) -> Result<u64, WebError> {
        let (end, found) = ledger.headers_where(
            self.next,
            size.min(self.next.saturating_add(SCAN_HEADERS)),
            usize::MAX,
            |header| header.contains(QUARANTINE) || header.contains(GAP),
        )?;
        for header in &found {
            self.count(ledger, header)?;
        }
        self.next = end;
        Ok(end)
    }

    fn count(&mut self, ledger: &Ledger, header: &EntryHeader) -> Result<(), WebError> {
        if let Some(quarantine) = &header.quarantine {
            let source = header.received.source.as_deref().unwrap_or(&header.received.via);
            *self.source(source).quarantined.entry(quarantine.reason.clone()).or_default() += 1;
        }
        let is_gap = header.received.via == "ledger" && header.event.as_ref().is_some_and(|event| event.r#type == GAP);
        if is_gap {
            let event = own_event(ledger.store().as_ref(), header.index)
                .map_err(|error| WebError::Contradiction { what: error.to_string() })?;
            let data = event.map(|(_, data)| data).unwrap_or_default();
            let number = |name: &str| data.get(name).and_then(Value::as_u64).unwrap_or_default();
            let (first, last) = (number("first"), number("last"));
            let counts = self.source(data.get("source").and_then(Value::as_str).unwrap_or_default());
            counts.gaps += 1;
            counts.gap_positions += (last + 1).saturating_sub(first);
        }
        Ok(())
    }

    fn source(&mut self, name: &str) -> &mut Counts {
        self.sources.entry(name.to_owned()).or_default()
    }

    /// The sources met so far.
    pub(crate) fn sources(&self) -> &BTreeMap<String, Counts> {
        &self.sources
    }
}
