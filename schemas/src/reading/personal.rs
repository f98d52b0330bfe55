//! Personal data where it could never be erased: an e-mail address as an id, a source, a type or a part of a
//! subject.
//!
//! The pattern is `^[^@/\s]+@[^@/\s]+\.[A-Za-z]{2,}$` over the whole text, `\s` being U+0009 to U+000D and U+0020.

use super::EventHead;
use crate::subject::{Kind, Subject};

/// Whether the whole text looks like an e-mail address.
pub(super) fn is_address(text: &str) -> bool {
    let Some((user, host)) = text.split_once('@') else {
        return false;
    };
    let allowed =
        |part: &str| !part.is_empty() && !part.contains(|found| matches!(found, '@' | '/' | ' ' | '\t'..='\r'));
    let Some((domain, top)) = host.rsplit_once('.') else {
        return false;
    };
    let letters = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    letters && allowed(user) && allowed(domain)
}

/// Which of the event's own attributes is one, if any.
pub(super) fn in_event(event: &EventHead) -> Option<&'static str> {
    let attributes = [("id", &event.id), ("source", &event.source), ("type", &event.r#type)];
    attributes.into_iter().find(|(_, text)| is_address(text)).map(|(name, _)| name)
}

/// Whether a part of the subject is one. Code and images are named by what their hosts allow, such as `git@host.org`.
pub(super) fn in_subject(subject: &Subject) -> bool {
    // An address has an `@`, which is always encoded within a part.
    let possible = subject.as_str().contains("%40") && !matches!(subject.kind(), Kind::Code | Kind::Image);
    possible && subject.parts().any(|part| is_address(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_an_address() {
        for text in [
            "a@b.co",
            "jane.doe@bank.example",
            "ü+x@sub.host.museum",
            "a@b..cc",
            "a@.b.cc",
            "a\u{a0}b@c.co",
            "a\u{2003}b@c\u{85}.co",
        ] {
            assert!(is_address(text), "{text}");
        }
        let other = [
            "",
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a@b.c",
            "a@b.c1",
            "a@.co",
            "a@b@c.co",
            "a b@c.co",
            "a\u{b}b@c.co",
            "a@b\u{c}c.co",
            "a@b c.co",
            "a@b.co ",
            "a/b@c.co",
            "mailto:a@b/c.co",
            "a@b.co\n",
            "a@b.cé",
        ];
        for text in other {
            assert!(!is_address(text), "{text}");
        }
    }

    #[test]
    fn code_and_images_are_apart() {
        let found = |text: &str| in_subject(&Subject::parse(text).unwrap());
        assert!(found("party/jane%40bank.example"));
        assert!(found("model/jane%40bank.example/x@1"));
        assert!(found("model/x@jane%40bank.example"));
        assert!(!found("code/git%40github.com/x@1"));
        assert!(!found("image/git%40github.com@1"));
        assert!(!found("model/jane@bank.example"), "no part as a whole is an address");
        assert!(!found("model/team%40"));
    }
}
