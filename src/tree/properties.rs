//! [`Properties`]: what travels beside the bytes of a file.

use std::collections::BTreeMap;
use std::fmt;

/// The name of the property that says when the contents last changed.
const MTIME: &str = "mtime";

/// What travels beside the bytes of a file, by name, in the order of the names. None of it is one word.
#[derive(Clone, PartialEq, Eq, Default)]
#[expect(clippy::box_collection, reason = "most files have none, and there may be millions")]
pub struct Properties(Option<Box<BTreeMap<String, String>>>);

impl Properties {
    /// Returns the time of the last change of the contents, nanoseconds since 1970; `None` where there is
    /// none, or nonsense.
    pub fn mtime(&self) -> Option<i64> {
        self.get(MTIME)?.parse().ok()
    }

    /// Takes the time of the last change of the contents, nanoseconds since 1970, where it is known.
    #[must_use]
    pub fn with_mtime(mut self, mtime: impl Into<Option<i64>>) -> Self {
        if let Some(mtime) = mtime.into() {
            self.set(MTIME, mtime.to_string());
        }
        self
    }

    /// Returns a property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.get(name).map(String::as_str)
    }

    /// Sets a property, whatever it was.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.get_or_insert_default().insert(name.to_owned(), value);
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns all, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().flat_map(|all| all.iter());
        all.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_in_the_order_of_their_names_and_none_of_them_is_one_word() {
        let mut properties = Properties::default();
        assert!(properties.is_empty());
        assert_eq!((properties.mtime(), size_of_val(&properties)), (None, size_of::<usize>()));
        properties.set("x", "1".to_owned());
        properties.set("cache-control", "no-cache".to_owned());
        let properties = properties.with_mtime(-5);
        assert_eq!((properties.mtime(), properties.get("x")), (Some(-5), Some("1")));
        let names: Vec<_> = properties.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["cache-control", "mtime", "x"]);
    }

    #[test]
    fn an_mtime_that_is_none_is_not_read() {
        let mut properties = Properties::default();
        properties.set(MTIME, "yesterday".to_owned());
        assert_eq!(properties.mtime(), None);
    }
}
