//! What a store can do, in words.

use crate::remote::{Capabilities, Conditions};

/// Says what a store can do: `guards writes and deletions against races, not uploads in parts; …`.
pub(super) fn abilities(found: &Capabilities) -> String {
    if found.read_only {
        return "read-only".to_owned();
    }
    let (guarded, open) = guarded(found);
    let guards = match (guarded.is_empty(), open.is_empty()) {
        (true, _) => "guards nothing against races".to_owned(),
        (false, true) => format!("guards {} against races", list(&guarded)),
        (false, false) => format!("guards {} against races, not {}", list(&guarded), list(&open)),
    };
    let versions = if found.versioning { "" } else { "no " };
    let kept = if found.undeletable { "; nothing can be deleted for good" } else { "" };
    format!("{guards}; keeps {versions}old versions{kept}")
}

/// Says what it means for a team that a store cannot keep two writers apart; `None` where it can.
pub(super) fn race_warning(found: &Capabilities) -> Option<String> {
    let (_, open) = guarded(found);
    (found.can_lose_races()).then(|| {
        format!(
            "this store has no reliable conditions on {}: two people who do this to the same file \
             in the same second can overwrite each other; lsync compares before and after and \
             keeps copies",
            list(&open)
        )
    })
}

/// Sorts what changes a bucket into what is conditional in this store, and what is not.
fn guarded(found: &Capabilities) -> (Vec<&'static str>, Vec<&'static str>) {
    let parts = ("uploads in parts", found.conditional_complete);
    let all = [
        Some(("writes", found.conditional_put)),
        Some(parts).filter(|_| found.uploads_in_parts),
        Some(("deletions", found.conditional_delete)),
    ];
    let (open, guarded): (Vec<_>, Vec<_>) =
        all.into_iter().flatten().partition(|(_, conditions)| *conditions == Conditions::None);
    let names = |pairs: Vec<(&'static str, _)>| pairs.into_iter().map(|(name, _)| name).collect();
    (names(guarded), names(open))
}

/// Writes `a`, `a and b`, `a, b and c`.
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_guards_is_said_in_one_line() {
        let all = Capabilities::full();
        assert_eq!(
            abilities(&all),
            "guards writes, uploads in parts and deletions against races; keeps no old versions"
        );
        assert_eq!(race_warning(&all), None);
        let conditional_complete = Conditions::None;
        let some = Capabilities { conditional_complete, versioning: true, ..all };
        assert_eq!(
            abilities(&some),
            "guards writes and deletions against races, not uploads in parts; keeps old versions"
        );
        let locked = abilities(&Capabilities { undeletable: true, ..some.clone() });
        assert!(
            locked.ends_with("keeps old versions; nothing can be deleted for good"),
            "{locked}"
        );
        let without_parts = Capabilities { uploads_in_parts: false, ..some.clone() };
        assert_eq!(
            abilities(&without_parts),
            "guards writes and deletions against races; keeps old versions"
        );
        assert_eq!(race_warning(&without_parts), None);
        let warning = race_warning(&some).unwrap();
        assert!(warning.contains("no reliable conditions on uploads in parts:"), "{warning}");
        let (conditional_put, conditional_delete) = (Conditions::None, Conditions::None);
        let none = Capabilities { conditional_put, conditional_delete, ..some.clone() };
        assert_eq!(abilities(&none), "guards nothing against races; keeps old versions");
        assert_eq!(abilities(&Capabilities { read_only: true, ..some }), "read-only");
    }
}
