//! Where views lie: `views/<schema>.<n>/`, and `views/CURRENT`, a line that names the one in use.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use modeltrail_views::SCHEMA;
use modeltrail_views::store::ViewStore as _;

use super::{RocksViews, ViewsError};
use crate::files;
use crate::ledger::Ledger;

const CURRENT: &str = "CURRENT";

/// The folder of all views of a ledger.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    dir: PathBuf,
}

/// `<schema>.<n>`: the name of one folder of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    schema: u32,
    number: u64,
}

impl Name {
    /// Only the one spelling that we write: nothing else is ever taken for ours, least of all for removing it.
    fn parse(text: &str) -> Option<Self> {
        let (schema, number) = text.split_once('.')?;
        let name = Self { schema: schema.parse().ok()?, number: number.parse().ok()? };
        (name.to_string() == text).then_some(name)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.number)
    }
}

fn file(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> ViewsError {
    let path = path.to_owned();
    move |cause| ViewsError::File { doing, path: path.clone(), cause }
}

impl Home {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn path(&self, name: Name) -> PathBuf {
        self.dir.join(name.to_string())
    }

    /// The folder in use, as `CURRENT` names it; `None` without one, and when what it says is not ours.
    pub(crate) fn current(&self) -> Result<Option<Name>, ViewsError> {
        let path = self.dir.join(CURRENT);
        let text = files::read_small(&path).map_err(file("read", &path))?;
        Ok(text.and_then(|text| Name::parse(text.trim_end_matches('\n'))))
    }

    /// All folders that are ours by name.
    fn names(&self) -> Result<Vec<Name>, ViewsError> {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(file("list", &self.dir)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(file("list", &self.dir))?;
            names.extend(entry.file_name().to_str().and_then(Name::parse));
        }
        Ok(names)
    }

    /// Opens the views in use for writing. Those of another schema, damaged ones, and those of another past are thrown away: then there are new, empty ones.
    pub(crate) fn open(&self, ledger: &Ledger) -> Result<RocksViews, ViewsError> {
        let found = match self.current()? {
            Some(name) => self.try_open(name, ledger)?.map(|views| (name, views)),
            None => None,
        };
        let (name, views) = match found {
            Some(found) => found,
            None => {
                let (name, views) = self.fresh()?;
                self.switch(name)?;
                (name, views)
            }
        };
        self.sweep(name);
        Ok(views)
    }

    /// `None`, and a line in the log, when these views can't go on.
    fn try_open(&self, name: Name, ledger: &Ledger) -> Result<Option<RocksViews>, ViewsError> {
        if name.schema != SCHEMA {
            tracing::info!(views = %name, schema = SCHEMA, "the views are of another schema version; they are folded anew");
            return Ok(None);
        }
        let views = match RocksViews::open(&self.path(name)) {
            Ok(views) => views,
            Err(error) => {
                tracing::warn!(views = %name, %error, "the views can't be opened; they are folded anew");
                return Ok(None);
            }
        };
        match agreement(&views, ledger)? {
            Agreement::Agrees => Ok(Some(views)),
            Agreement::Another { differs } => {
                tracing::warn!(views = %name, differs, "the views are of another past than the log; they are folded anew");
                Ok(None)
            }
        }
    }

    /// The views in use, for reading only; `None` when there are none that agree with the log.
    pub(crate) fn open_read_only(&self, ledger: &Ledger) -> Result<Option<RocksViews>, ViewsError> {
        let Some(name) = self.current()?.filter(|name| name.schema == SCHEMA) else { return Ok(None) };
        let views = match RocksViews::open_read_only(&self.path(name)) {
            Ok(views) => views,
            Err(error) => {
                tracing::warn!(views = %name, %error, "the views can't be opened for reading only");
                return Ok(None);
            }
        };
        let agrees = matches!(agreement(&views, ledger)?, Agreement::Agrees);
        Ok(Some(views).filter(|views| agrees && views.cursor().is_ok_and(|cursor| cursor.is_some())))
    }

    /// New, empty views in a folder that no other had.
    pub(crate) fn fresh(&self) -> Result<(Name, RocksViews), ViewsError> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(file("make", &self.dir))?;
        let number = self.names()?.iter().map(|name| name.number).max().unwrap_or(0) + 1;
        let name = Name { schema: SCHEMA, number };
        Ok((name, RocksViews::create(&self.path(name))?))
    }

    /// Says which folder is in use from now on: after a crash there is the old line or the new one.
    pub(crate) fn switch(&self, to: Name) -> Result<(), ViewsError> {
        let path = self.dir.join(CURRENT);
        files::replace(&path, format!("{to}\n").as_bytes()).map_err(file("replace", &path))
    }

    /// Removes all views but those in use: what a crashed rebuild, or one that nobody could remove, left behind.
    fn sweep(&self, keep: Name) {
        let names = self.names().unwrap_or_default();
        for name in names.into_iter().filter(|name| *name != keep) {
            match std::fs::remove_dir_all(self.path(name)) {
                Ok(()) => tracing::info!(views = %name, "removed views that are not in use"),
                Err(error) => tracing::warn!(views = %name, %error, "could not remove views that are not in use"),
            }
        }
    }
}

enum Agreement {
    Agrees,
    Another { differs: String },
}

/// Whether the views were folded from this log: its root at their size is theirs. Every batch is written with the root, so that this can be asked at any start.
fn agreement(views: &RocksViews, ledger: &Ledger) -> Result<Agreement, ViewsError> {
    let cursor = match views.cursor() {
        Ok(Some(cursor)) => cursor,
        Ok(None) => return Ok(Agreement::Agrees),
        Err(error) => return Ok(Agreement::Another { differs: error.to_string() }),
    };
    let size = ledger.head().size;
    if cursor.size > size {
        return Ok(Agreement::Another {
            differs: format!("they have seen {} entries, the log has {size}", cursor.size),
        });
    }
    let root = ledger.root_at(cursor.size)?.to_string();
    if root == cursor.root {
        return Ok(Agreement::Agrees);
    }
    Ok(Agreement::Another {
        differs: format!("at size {} they name root {}, the log has {root}", cursor.size, cursor.root),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_spelling_is_a_name() {
        assert_eq!(Name::parse("1.7"), Some(Name { schema: 1, number: 7 }));
        for text in [
            "",
            "1",
            "1.",
            ".1",
            "1.07",
            "01.7",
            "+1.7",
            "1.7.2",
            "1.7 ",
            "CURRENT",
            "../1.7",
            "1.99999999999999999999",
        ] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }
}
