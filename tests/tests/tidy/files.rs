//! The files of the project: those that git tracks or would track.

use std::fs;
use std::process::Command;

use modeltrail_tests::workspace_root;

/// A text file of the project.
pub(crate) struct TextFile {
    /// Relative to the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All files of the project that are UTF-8.
///
/// New files count before they are added, so that a rule speaks up before the commit.
pub(crate) fn all() -> Vec<TextFile> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
    let output = Command::new("git").args(args).current_dir(workspace_root()).output().unwrap();
    assert!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    let read = |path: &str| {
        // Deleted but not yet staged, or not text.
        let text = fs::read_to_string(workspace_root().join(path)).ok()?;
        Some(TextFile { path: path.to_owned(), text })
    };
    let files: Vec<TextFile> = names.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect();
    assert!(files.iter().any(|file| file.path == "Cargo.toml"), "git lists no Cargo.toml");
    files
}

/// The Rust files among them.
pub(crate) fn rust() -> Vec<TextFile> {
    all().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}
