//! What the program ends with: the one place that decides exit codes.

use std::process::ExitCode;

use modeltrail_core::verify::Outcome;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: what was asked holds, or was done.
    Holds,
    /// 1: what was asked does not hold, or was refused.
    DoesNotHold,
    /// 2: it could not be judged: usage, input, network, or something this program does not know.
    NotJudged,
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Holds => Self::Holds,
            Outcome::DoesNotHold => Self::DoesNotHold,
            Outcome::CouldNotBeJudged => Self::NotJudged,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Holds => 0,
            Exit::DoesNotHold => 1,
            Exit::NotJudged => 2,
        })
    }
}

/// The code of a command that could not do its work: an error is never a verdict, but a [`Refused`] one.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    if error.is::<Refused>() { Exit::DoesNotHold } else { Exit::NotJudged }
}

/// Something that was looked at and does not hold.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// An error that says that something does not hold.
pub(crate) fn refused(what: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Refused(what.into()))
}
