//! What a verification says: five verdicts that are never mixed, and the facts beside them.

use std::collections::BTreeMap;

use serde::Serialize;

/// Faults that are told of one verdict; the rest is counted. The first ones name the cause, later ones often only follow from it.
pub const MAX_FAULTS: usize = 20;

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Files, headers, inclusion, commitments, and headers against their records.
    Integrity,
    /// Index = position, and the links of the chain.
    Order,
    /// That trails leave nothing out.
    Completeness,
    /// The ledger's keys from the pin on, and the producers' signatures.
    Authenticity,
    /// The ledger's clock.
    Time,
}

impl Aspect {
    /// All of them, in the order they are told.
    pub const ALL: [Self; 5] = [Self::Integrity, Self::Order, Self::Completeness, Self::Authenticity, Self::Time];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::Order => "order",
            Self::Completeness => "completeness",
            Self::Authenticity => "authenticity",
            Self::Time => "time",
        }
    }
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file it is in.
    pub file: String,
    /// The line of that file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// What is wrong, to be read behind the place.
    pub what: String,
}

impl Fault {
    /// A fault of a whole file.
    pub fn of_file(file: impl Into<String>, what: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, entry: None, what: what.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        if let Some(entry) = self.entry {
            write!(f, ", entry {entry}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// The answer to one question. Which of the three it is never depends on how sure somebody would like to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict")]
pub enum Verdict {
    /// It holds, in this sense and no wider one.
    #[serde(rename = "holds")]
    Holds {
        /// What exactly was shown.
        sense: String,
    },
    /// It does not hold.
    #[serde(rename = "does not hold")]
    DoesNotHold {
        /// The first faults.
        faults: Vec<Fault>,
        /// How many more there are.
        further: u64,
    },
    /// It could not be judged, which is no pass.
    #[serde(rename = "could not be judged")]
    CouldNotBeJudged {
        /// What is missing, or not known to this program.
        why: String,
    },
}

impl Verdict {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self, Self::Holds { .. })
    }

    /// Whether something speaks against it.
    #[must_use]
    pub fn fails(&self) -> bool {
        matches!(self, Self::DoesNotHold { .. })
    }
}

/// What is in the bundle, whatever the verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The ledger's name.
    pub origin: String,
    /// The size of the tree that the bundle's checkpoint signs.
    pub tree_size: u64,
    /// Its root, in hex.
    pub root: String,
    /// The subjects that were asked for.
    pub subjects: Vec<String>,
    /// As of which size they were asked for.
    pub as_of: u64,
    /// Entries in the bundle.
    pub entries: u64,
    /// Entries by how they arrived.
    pub via: BTreeMap<String, u64>,
    /// Quarantined entries by reason.
    pub quarantined: BTreeMap<String, u64>,
    /// Entries without their record, by why; what their headers say is the ledger's word.
    pub absent: BTreeMap<String, u64>,
    /// Producers' signatures by status.
    pub signers: BTreeMap<String, u64>,
    /// Neighbouring entries whose link could be checked.
    pub links: u64,
    /// Trails that are claimed complete.
    pub trails: u64,
    /// Earlier checkpoints that the bundle's tree was shown to have grown from.
    pub earlier_checkpoints: u64,
    /// The ledger's keys, in order.
    pub keys: Vec<String>,
    /// `system` or `simulated`, as entry 0 says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// `received.at` of the first and the last entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<(String, String)>,
    /// Reports that the bundle carries. Their digests are checked, not what they say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
    /// Files under `later/`, which were not looked at.
    #[serde(skip_serializing_if = "is_zero")]
    pub later: u64,
    /// Headers that the mirror gave, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirrored: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The five verdicts and the facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// See [`Aspect::Integrity`].
    pub integrity: Verdict,
    /// See [`Aspect::Order`].
    pub order: Verdict,
    /// See [`Aspect::Completeness`].
    pub completeness: Verdict,
    /// See [`Aspect::Authenticity`].
    pub authenticity: Verdict,
    /// See [`Aspect::Time`].
    pub time: Verdict,
    /// What is in the bundle.
    pub facts: Facts,
}

/// What all five verdicts come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What must hold does.
    Holds,
    /// Something does not.
    DoesNotHold,
    /// Something that must be judged could not be.
    CouldNotBeJudged,
}

impl Report {
    /// The verdict on one aspect.
    #[must_use]
    pub fn verdict(&self, aspect: Aspect) -> &Verdict {
        match aspect {
            Aspect::Integrity => &self.integrity,
            Aspect::Order => &self.order,
            Aspect::Completeness => &self.completeness,
            Aspect::Authenticity => &self.authenticity,
            Aspect::Time => &self.time,
        }
    }

    /// What they come to: none may fail; integrity, order and authenticity must be judged, and with `strict` all five.
    #[must_use]
    pub fn outcome(&self, strict: bool) -> Outcome {
        if Aspect::ALL.iter().any(|aspect| self.verdict(*aspect).fails()) {
            return Outcome::DoesNotHold;
        }
        let must =
            |aspect: &&Aspect| strict || matches!(aspect, Aspect::Integrity | Aspect::Order | Aspect::Authenticity);
        if Aspect::ALL.iter().filter(must).all(|aspect| self.verdict(*aspect).holds()) {
            Outcome::Holds
        } else {
            Outcome::CouldNotBeJudged
        }
    }
}

/// Gathers what speaks against one aspect, and what keeps it from being judged.
#[derive(Debug, Default)]
struct Judge {
    faults: Vec<Fault>,
    further: u64,
    open: Vec<String>,
    more_open: u64,
}

/// Gathers what speaks against each aspect.
#[derive(Debug, Default)]
pub(super) struct Judges {
    judges: [Judge; 5],
}

impl Judges {
    fn of(&mut self, aspect: Aspect) -> &mut Judge {
        &mut self.judges[aspect as usize]
    }

    /// Something does not hold.
    pub(super) fn fault(&mut self, aspect: Aspect, fault: Fault) {
        let judge = self.of(aspect);
        if judge.faults.len() < MAX_FAULTS { judge.faults.push(fault) } else { judge.further += 1 }
    }

    /// Something does not hold that explains what was found before: it is told first.
    pub(super) fn root_fault(&mut self, aspect: Aspect, fault: Fault) {
        let judge = self.of(aspect);
        judge.faults.insert(0, fault);
        if judge.faults.len() > MAX_FAULTS {
            judge.faults.pop();
            judge.further += 1;
        }
    }

    /// Something can't be judged.
    pub(super) fn open(&mut self, aspect: Aspect, why: impl Into<String>) {
        let judge = self.of(aspect);
        let why = why.into();
        if judge.open.len() < MAX_FAULTS && !judge.open.contains(&why) {
            judge.open.push(why)
        } else {
            judge.more_open += 1
        }
    }

    /// Whether anything speaks against an aspect so far.
    pub(super) fn fails(&self, aspect: Aspect) -> bool {
        !self.judges[aspect as usize].faults.is_empty()
    }

    /// The verdict, which holds in this sense if nothing speaks against it.
    pub(super) fn conclude(&mut self, aspect: Aspect, sense: String) -> Verdict {
        let judge = std::mem::take(self.of(aspect));
        if !judge.faults.is_empty() {
            return Verdict::DoesNotHold { faults: judge.faults, further: judge.further };
        }
        if judge.open.is_empty() {
            return Verdict::Holds { sense };
        }
        let more = if judge.more_open > 0 { format!("; and {} more", judge.more_open) } else { String::new() };
        Verdict::CouldNotBeJudged { why: judge.open.join("; ") + &more }
    }
}
