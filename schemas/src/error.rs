//! The crate's one error, over those of its modules.

pub use crate::dsse::DsseError;
pub use crate::envelope::EnvelopeError;
pub use crate::json::JsonError;
pub use crate::record::RecordError;
pub use crate::subject::SubjectError;
pub use crate::template::{BuildError, TemplateError};
pub use crate::time::TimeError;

/// Anything that this crate refuses; each module's functions return their own kind, which all turn into this one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Bytes that are not strict JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Bytes that are not a record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Text that is not a subject.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// Text that is not a subject template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Data that a template can't build a subject from.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Something that is not a CloudEvents event.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Something that is not a DSSE envelope.
    #[error(transparent)]
    Dsse(#[from] DsseError),
    /// Text that is not a time.
    #[error(transparent)]
    Time(#[from] TimeError),
}
