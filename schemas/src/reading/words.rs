//! The closed lists of words that a reading gives.

use std::fmt;

macro_rules! words {
    ($(#[$about:meta])* $type:ident { $($variant:ident $word:literal $says:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $(#[doc = $says] $variant),+
        }

        impl $type {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it stands in an entry header.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What that word stands for.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Why a subject is in an entry, in order of precedence: a subject met in several roles keeps the first.
    Role {
        About "about" "What the event is about.",
        Target "target" "What the act reaches.",
        Output "output" "What the run produced.",
        Input "input" "What was read, measured against or used as data.",
        Base "base" "The earlier version or model that it was made from or took the place of.",
        Component "component" "A part inside it.",
        Code "code" "The code that it was made by.",
        Environment "environment" "The image that it ran in.",
        Run "run" "The run that did it.",
        Evidence "evidence" "A document or artefact that supports it.",
        Whole "whole" "The subject without its version.",
    }
}

words! {
    /// How an event was wrapped.
    Format {
        LedgerJson "ledger+json" "The ledger's own event.",
        DsseJson "dsse+json" "A CloudEvents event in a DSSE envelope.",
        CloudeventsJson "cloudevents+json" "A CloudEvents event in structured mode, or an element of a batch.",
        CloudeventsBinary "cloudevents-binary" "A CloudEvents event in binary mode.",
        Unknown "unknown" "Nothing that this reading knows.",
    }
}

words! {
    /// Why a record is kept aside; the first that applies, in this order.
    Quarantine {
        Oversize "oversize" "Over the size limit.",
        Malformed "malformed" "No event could be read.",
        Reserved "reserved" "From outside, of a type or about a kind that is the ledger's own.",
        PersonalData "personal-data" "An e-mail address where nothing can be erased.",
        Subject "subject" "What it is about can't be built.",
        Conflict "conflict" "The id and source of an earlier event with other content.",
    }
}
