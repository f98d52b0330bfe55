//! The same bytes, wherever and whenever it is rendered; another byte is found.

use std::process::Command;

use modeltrail_compliance::bundle::{DOSSIER_HTML, DOSSIER_JSON, Rerendered};

use crate::story::{broken, digest};

/// In the environment of a child: it says its digest and compares nothing.
const CHILD: &str = "MODELTRAIL_TEST_SAYS_ITS_DIGEST";

#[test]
fn two_zones_and_two_locales_give_the_same_bytes() {
    if std::env::var_os(CHILD).is_some() {
        println!("digest {}", digest());
        return;
    }
    let child = |zone: &str, locale: &str| {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new(program);
        command.args(["same::two_zones_and_two_locales_give_the_same_bytes", "--exact", "--nocapture"]);
        let output =
            command.env(CHILD, "1").env("TZ", zone).env("LC_ALL", locale).env("LANG", locale).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find_map(|line| line.split_once("digest ")).unwrap().1.to_owned()
    };
    let here = digest();
    assert_eq!(here.len(), 64);
    assert_eq!(child("Asia/Tokyo", "tr_TR.UTF-8"), here);
    assert_eq!(child("America/St_Johns", "de_DE.UTF-8"), here);
}

#[test]
fn a_changed_byte_is_found_and_its_place_told() {
    for (file, at) in [(DOSSIER_HTML, 5_000), (DOSSIER_HTML, 40), (DOSSIER_JSON, 2_000)] {
        assert_eq!(broken(file, at), Rerendered::Differs { file: file.to_owned(), at: at as u64 }, "{file} {at}");
    }
}
