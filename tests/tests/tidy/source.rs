//! What may stand in a Rust file: lengths, banned calls, an opening comment.
//!
//! Calls are looked for in the tokens, not in the syntax tree, so that they are found inside macros too. A call under
//! another name (`use … as`) gets by: this is a guard against slips, not against tricks.

use std::ops::RangeInclusive;

use modeltrail_tests::cargo::Workspace;
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::files::{self, TextFile};
use crate::{Broken, none};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// (file, reason): each the one state machine that earns its length.
const LONG_FILES: &[(&str, &str)] = &[];
/// (file, function, reason).
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];
/// (file, reason): where wall and monotonic clocks are read, besides files named `clock.rs`.
const CLOCK_FILES: &[(&str, &str)] = &[("ingest/src/timing.rs", "how long brokers are waited for")];
/// (file, reason): where a thread may sleep.
const SLEEPING_FILES: &[(&str, &str)] = &[
    ("cli/src/commands/emit.rs", "the pause between two tries of sending"),
    ("daemon/src/rebuild.rs", "the pause before a daemon is asked again how far it is"),
    ("daemon/src/witness.rs", "the pause before Kafka is asked again"),
];

/// Floors 0 to 2: the clock and the environment are passed in, without exception.
const PURE: &[&str] = &["ledger/tlog/", "schemas/", "ledger/core/"];
/// Programs and tests: they may read the environment and print.
const PROGRAMS: &[&str] = &["cli/", "daemon/", "demo/", "tests/"];
/// The one room with `unsafe`: what librdkafka's bindings lack.
const UNSAFE: &str = "ingest/src/ffi";

/// A sequence of tokens that may not stand in some files.
struct Ban {
    tokens: &'static [&'static str],
    /// Whether code under `#[cfg(test)]`, and in test folders, is free to use it.
    tests_may: bool,
    /// Whether it is banned in this file.
    here: fn(&str) -> bool,
    rule: &'static str,
}

const EVERYWHERE: fn(&str) -> bool = |_| true;
const NO_PROGRAM: fn(&str) -> bool = |file| !within(file, PROGRAMS);
const NO_CLOCK: fn(&str) -> bool = |file| {
    within(file, PURE) || !(file.ends_with("/clock.rs") || CLOCK_FILES.iter().any(|(allowed, _)| *allowed == file))
};
const NO_ENVIRONMENT: fn(&str) -> bool = |file| NO_PROGRAM(file) && !file.ends_with("/build.rs");

const CLOCK: &str = "the clock is read in named clock files only, and never in tlog, schemas and core";
const ENVIRONMENT: &str = "libraries do not read the environment";
const PRINTING: &str = "libraries do not print";
const UNFINISHED: &str = "nothing is left for later in the code";

const BANS: &[Ban] = &[
    ban(&[".", "unwrap", "(", ")"], true, EVERYWHERE, "no unwrap outside tests"),
    ban(&["SystemTime", ":", ":", "now"], true, NO_CLOCK, CLOCK),
    ban(&["Instant", ":", ":", "now"], true, NO_CLOCK, CLOCK),
    ban(&["Utc", ":", ":", "now"], true, NO_CLOCK, CLOCK),
    ban(&["Local", ":", ":", "now"], true, NO_CLOCK, CLOCK),
    ban(&["env", ":", ":", "var"], true, NO_ENVIRONMENT, ENVIRONMENT),
    ban(&["env", ":", ":", "var_os"], true, NO_ENVIRONMENT, ENVIRONMENT),
    ban(&["env", ":", ":", "vars"], true, NO_ENVIRONMENT, ENVIRONMENT),
    ban(&["env", ":", ":", "vars_os"], true, NO_ENVIRONMENT, ENVIRONMENT),
    ban(&["print", "!"], true, NO_PROGRAM, PRINTING),
    ban(&["println", "!"], true, NO_PROGRAM, PRINTING),
    ban(&["eprint", "!"], true, NO_PROGRAM, PRINTING),
    ban(&["eprintln", "!"], true, NO_PROGRAM, PRINTING),
    ban(
        &["fs", ":", ":", "write"],
        true,
        |file| within(file, &["ledger/"]),
        "a ledger's file is written durably: temp, fsync, rename",
    ),
    ban(
        &["thread", ":", ":", "sleep"],
        true,
        |file| !SLEEPING_FILES.iter().any(|(allowed, _)| *allowed == file),
        "threads wait for something, they do not sleep",
    ),
    ban(&["todo", "!"], false, EVERYWHERE, UNFINISHED),
    ban(&["unimplemented", "!"], false, EVERYWHERE, UNFINISHED),
    ban(&["#", "[", "ignore"], false, EVERYWHERE, "a test that is not run is no test"),
    ban(&["unsafe"], false, |file| !file.starts_with(UNSAFE), "unsafe stands in one module only"),
];

const fn ban(tokens: &'static [&'static str], tests_may: bool, here: fn(&str) -> bool, rule: &'static str) -> Ban {
    Ban { tokens, tests_may, here, rule }
}

fn within(file: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| file.starts_with(folder))
}

/// Whole files that are test code: in a folder of tests, benches or fuzz targets, or a module of tests.
fn is_test_file(file: &str) -> bool {
    let (folders, name) = file.rsplit_once('/').unwrap_or(("", file));
    folders.split('/').any(|folder| matches!(folder, "tests" | "benches" | "fuzz" | "examples"))
        || name == "tests.rs"
        || name.ends_with("_tests.rs")
}

/// What the syntax tree tells: where test code stands, and how long functions are.
#[derive(Default)]
struct Shape {
    test_lines: Vec<RangeInclusive<usize>>,
    functions: Vec<(String, usize, usize)>,
}

impl Shape {
    /// `close` is the item's last brace.
    fn item(&mut self, attributes: &[syn::Attribute], close: Span) {
        if let Some(first) = attributes.iter().find(|attribute| is_for_tests(attribute)) {
            self.test_lines.push(first.pound_token.span.start().line..=close.end().line);
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let last = block.brace_token.span.close().end().line;
        self.functions.push((signature.ident.to_string(), first, last - first + 1));
    }
}

/// `#[test]`, or a `#[cfg]` that asks for tests.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let mut words = Vec::new();
    if let syn::Meta::List(list) = &attribute.meta {
        flatten(list.tokens.clone(), &mut words);
    }
    let has = |word: &str| words.iter().any(|(token, _)| token == word);
    attribute.path().is_ident("test") || (attribute.path().is_ident("cfg") && has("test") && !has("not"))
}

impl<'ast> Visit<'ast> for Shape {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if let Some((brace, _)) = &item.content {
            self.item(&item.attrs, brace.span.close());
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.item(&item.attrs, item.brace_token.span.close());
        visit::visit_item_impl(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.item(&item.attrs, item.block.brace_token.span.close());
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.item(&item.attrs, item.block.brace_token.span.close());
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// Tokens with their lines, groups opened up, literals kept whole.
fn flatten(stream: TokenStream, into: &mut Vec<(String, usize)>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::Brace => ("{", "}"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                into.push((open.to_owned(), group.span_open().start().line));
                flatten(group.stream(), into);
                into.push((close.to_owned(), group.span_close().start().line));
            }
            other => into.push((other.to_string(), other.span().start().line)),
        }
    }
}

fn check(file: &TextFile) -> Vec<Broken> {
    let path = file.path.as_str();
    let (Ok(tree), Ok(stream)) = (syn::parse_file(&file.text), file.text.parse::<TokenStream>()) else {
        return vec![Broken::new(path, 1, "is not Rust that can be parsed", "every Rust file can be read")];
    };
    let mut shape = Shape::default();
    shape.visit_file(&tree);
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    let mut broken = check_bans(path, &tokens, &shape.test_lines);
    for (name, line, lines) in &shape.functions {
        let allowed = LONG_FUNCTIONS.iter().any(|(file, function, _)| *file == path && function == name);
        if *lines > FUNCTION_LINES_MAX && !allowed {
            let what = format!("`{name}` has {lines} lines");
            broken.push(Broken::new(path, *line, what, "a function has at most 70 lines"));
        }
    }
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX && !LONG_FILES.iter().any(|(file, _)| *file == path) {
        broken.push(Broken::new(path, lines, format!("{lines} lines"), "a file has at most 600 lines"));
    }
    broken
}

fn check_bans(path: &str, tokens: &[(String, usize)], test_lines: &[RangeInclusive<usize>]) -> Vec<Broken> {
    let in_tests = |line: usize| is_test_file(path) || test_lines.iter().any(|lines| lines.contains(&line));
    let mut broken = Vec::new();
    for ban in BANS.iter().filter(|ban| (ban.here)(path)) {
        for window in tokens.windows(ban.tokens.len()) {
            let line = window[0].1;
            let same = window.iter().zip(ban.tokens).all(|((token, _), banned)| token == banned);
            if same && !(ban.tests_may && in_tests(line)) {
                broken.push(Broken::new(path, line, format!("`{}`", ban.tokens.concat()), ban.rule));
            }
        }
    }
    broken
}

#[test]
fn every_rust_file_keeps_the_rules() {
    none(files::rust().iter().flat_map(check).collect());
}

#[test]
fn every_exception_is_still_needed() {
    let files = files::rust();
    let named = LONG_FILES.iter().chain(CLOCK_FILES).chain(SLEEPING_FILES).map(|(file, _)| *file);
    for name in named.chain(LONG_FUNCTIONS.iter().map(|(file, _, _)| *file)) {
        assert!(files.iter().any(|file| file.path == name), "the exception names {name}, which is not there");
    }
    for (name, _) in LONG_FILES {
        let lines = files.iter().find(|file| file.path == *name).map_or(0, |file| file.text.lines().count());
        assert!(lines > FILE_LINES_MAX, "{name} has {lines} lines now and needs no exception");
    }
}

#[test]
fn every_crate_opens_with_what_it_is() {
    let mut broken = Vec::new();
    let texts = files::rust();
    for package in Workspace::read().unwrap().members() {
        for root in &package.roots {
            let text = texts.iter().find(|file| file.path == *root).map_or("", |file| file.text.as_str());
            let first = text.lines().next().unwrap_or_default();
            if !first.starts_with("//! ") || first == "//! Placeholder." {
                broken.push(Broken::new(
                    root,
                    1,
                    "does not begin with a `//!` comment that says what it is",
                    "every crate opens with what it is",
                ));
            }
        }
    }
    none(broken);
}

/// The rules on files that break each of them.
mod broken_files {
    use super::*;

    fn broken(path: &str, text: &str) -> Vec<(usize, String)> {
        let file = TextFile { path: path.into(), text: text.into() };
        check(&file).into_iter().map(|broken| (broken.line, broken.what)).collect()
    }

    #[test]
    fn calls_are_found_in_code_and_in_macros_and_let_be_in_tests() {
        let text = "fn f() {\n    a.unwrap();\n    assert!(b.unwrap());\n}\n#[cfg(test)]\nmod tests {\n    fn g() { a.unwrap(); }\n}\n";
        let found = [(2, "`.unwrap()`".to_owned()), (3, "`.unwrap()`".to_owned())];
        assert_eq!(broken("web/src/a.rs", text), found);
        assert_eq!(broken("web/tests/a.rs", text), []);
        assert_eq!(broken("web/src/a.rs", "#[cfg(not(test))]\nfn f() { a.unwrap() }").len(), 1);
        assert_eq!(broken("web/src/a.rs", "/// Like a.unwrap().\nfn f() { let unwrap = \".unwrap()\"; }"), []);
    }

    #[test]
    fn each_ban_holds_where_it_should() {
        let banned = |path: &str, code: &str| !broken(path, &format!("fn f() {{ {code} }}")).is_empty();
        for call in ["SystemTime::now()", "std::time::Instant::now()", "Utc::now()"] {
            assert!(banned("ledger/core/src/clock.rs", call) && banned("web/src/a.rs", call), "{call}");
            assert!(!banned("daemon/src/clock.rs", call));
        }
        for call in ["env::var(a)", "std::env::var_os(a)", "println!(a)", "eprintln!(a)"] {
            assert!(banned("ledger/store/src/a.rs", call) && !banned("cli/src/a.rs", call), "{call}");
        }
        assert!(banned("ledger/store/src/a.rs", "std::fs::write(a, b)") && !banned("web/src/a.rs", "fs::write(a, b)"));
        assert!(banned("ingest/src/a.rs", "std::thread::sleep(a)") && !banned("tests/src/a.rs", "thread::sleep(a)"));
        assert!(banned("tests/tests/a.rs", concat!("tod", "o!()")));
        assert!(banned("web/src/a.rs", "unsafe { a() }") && !banned("ingest/src/ffi/topic.rs", "unsafe { a() }"));
        assert_eq!(broken("web/tests/a.rs", concat!("#[test]\n#[igno", "re]\nfn f() {}")).len(), 1);
    }

    #[test]
    fn lengths() {
        let lines = |count: usize| format!("fn long() {{\n{}}}\n", "    a();\n".repeat(count - 2));
        assert_eq!(broken("web/src/a.rs", &lines(70)), []);
        assert_eq!(broken("web/src/a.rs", &lines(71)), [(1, "`long` has 71 lines".to_owned())]);
        assert_eq!(broken("web/src/a.rs", &"//\n".repeat(600)), []);
        assert_eq!(broken("web/src/a.rs", &"//\n".repeat(601)), [(601, "601 lines".to_owned())]);
        assert_eq!(broken("web/src/a.rs", "fn ("), [(1, "is not Rust that can be parsed".to_owned())]);
    }
}
