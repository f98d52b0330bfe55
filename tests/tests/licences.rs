//! Every dependency has a licence of the allowed list, read from cargo's own metadata, offline. `deny.toml` holds the
//! same list for the public pipeline.

use modeltrail_tests::cargo::Workspace;
use modeltrail_tests::workspace_root;

/// What a dependency may be under: nothing that reaches into our code.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met with allowed licences alone; an error where it can't be read.
///
/// `OR` binds less than `AND`, which binds less than `WITH`; the old `/` means `OR`.
fn is_allowed(expression: &str) -> Result<bool, String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let allowed = either(&mut words)?;
    match words.next() {
        None => Ok(allowed),
        Some(word) => Err(format!("`{word}` is left over in `{expression}`")),
    }
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>) -> Result<bool, String> {
    let mut allowed = both(words)?;
    while words.next_if_eq(&"OR").is_some() {
        allowed |= both(words)?;
    }
    Ok(allowed)
}

fn both(words: &mut Words<'_>) -> Result<bool, String> {
    let mut allowed = one(words)?;
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words)?;
    }
    Ok(allowed)
}

fn one(words: &mut Words<'_>) -> Result<bool, String> {
    match words.next() {
        Some("(") => {
            let allowed = either(words)?;
            if words.next() == Some(")") { Ok(allowed) } else { Err("a `)` is missing".into()) }
        }
        None | Some(")" | "OR" | "AND" | "WITH") => Err("a licence is missing".into()),
        Some(name) => {
            if words.next_if_eq(&"WITH").is_none() {
                return Ok(ALLOWED.contains(&name));
            }
            let exception = words.next().ok_or("an exception is missing")?;
            Ok(ALLOWED.contains(&format!("{name} WITH {exception}").as_str()))
        }
    }
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let workspace = Workspace::read().unwrap();
    assert!(workspace.packages.len() > 50, "cargo metadata lists only {} packages", workspace.packages.len());
    let mut refused = Vec::new();
    for package in workspace.packages.values() {
        let verdict = match &package.license {
            None => Err("its manifest names no licence".to_owned()),
            Some(expression) => is_allowed(expression)
                .and_then(|allowed| if allowed { Ok(()) } else { Err(format!("`{expression}` is not on the list")) }),
        };
        if let Err(why) = verdict {
            refused.push(format!("{} {}: {why}", package.name, package.version));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for (expression, allowed) in [
        ("MIT", true),
        ("MIT OR GPL-3.0-or-later", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-or-later", false),
        ("MIT AND GPL-3.0-or-later", false),
        ("GPL-2.0-only OR MIT AND MPL-2.0", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(GPL-2.0-only OR Apache-2.0) AND MPL-2.0", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only", true),
        ("MIT WITH LLVM-exception", false),
    ] {
        assert_eq!(is_allowed(expression), Ok(allowed), "{expression}");
    }
    for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT MIT", "MIT WITH"] {
        assert!(is_allowed(expression).is_err(), "{expression}");
    }
}

#[test]
fn deny_toml_holds_the_same_list() {
    let text = std::fs::read_to_string(workspace_root().join("deny.toml")).unwrap();
    let start = text.find("\nallow = [").expect("deny.toml has an allow list") + "\nallow = [".len();
    let end = start + text[start..].find(']').expect("the list ends");
    let listed: Vec<&str> =
        text[start..end].split(',').map(|item| item.trim().trim_matches('"')).filter(|item| !item.is_empty()).collect();
    assert_eq!(listed, ALLOWED);
}
