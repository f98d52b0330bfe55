//! The closed list of kinds.

use std::fmt;

macro_rules! kinds {
    ($($variant:ident $name:literal $says:literal),+ $(,)?) => {
        /// What kind of thing a subject names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = $says] $variant),+
        }

        impl Kind {
            /// Every kind; the ledger's own three come last.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The kind as it begins a subject.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The kind of that name, in lower case.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

kinds! {
    Model "model" "A model.",
    Dataset "dataset" "A dataset.",
    Run "run" "A run; the namespace is the system that ran it.",
    Code "code" "Code; the namespace is the repository, the name a path in it, the version a commit.",
    Image "image" "A container image; the name is the repository, the version the digest.",
    Artifact "artifact" "A file or set of files, named by its digest.",
    Deployment "deployment" "A service in an environment; the namespace is the environment.",
    System "system" "A system in the sense of the EU AI Act.",
    Usecase "usecase" "A use of models for one business purpose.",
    Prompt "prompt" "A prompt.",
    Config "config" "A configuration.",
    Feature "feature" "A feature view or definition.",
    Job "job" "A recurring piece of work, of which runs are made.",
    Supplier "supplier" "A supplier of components.",
    Policy "policy" "A policy, legal hold or retention rule.",
    Incident "incident" "An incident.",
    Report "report" "A report or export.",
    Party "party" "A person, team, body or service, by pseudonym.",
    Source "source" "A configured source of records; only the ledger speaks about these.",
    Key "key" "A key of the ledger or a producer; only the ledger speaks about these.",
    Ledger "ledger" "A ledger; only the ledger speaks about these.",
}

impl Kind {
    /// Whether only the ledger's own events may be about subjects of this kind.
    #[must_use]
    pub fn is_ledger_only(self) -> bool {
        matches!(self, Self::Source | Self::Key | Self::Ledger)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
