//! Reads lines that people may have written: whatever YAML says on one line.

use serde_yaml::{Mapping, Value};

use crate::tree::read_hex;

/// The fields of one line.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::repository) struct Fields(Mapping);

/// Reads one file whose items are texts. One of nothing but comments has none.
///
/// # Errors
/// In words.
pub(in crate::repository) fn texts(file: &[u8]) -> Result<Vec<String>, String> {
    let texts: Option<Vec<String>> =
        serde_yaml::from_slice(file).map_err(|error| error.to_string())?;
    Ok(texts.unwrap_or_default())
}

impl Fields {
    /// Reads a line as a sequence of one mapping.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub(in crate::repository) fn read(line: &[u8]) -> Result<Self, String> {
        let value: Value = serde_yaml::from_slice(line).map_err(|error| not_yaml(&error))?;
        let Value::Sequence(mut items) = value else {
            return Err("it does not begin with \"- {\"".to_owned());
        };
        match (items.pop(), items.is_empty()) {
            (Some(Value::Mapping(fields)), true) => Ok(Self(fields)),
            _ => Err("it is not one mapping in braces".to_owned()),
        }
    }

    /// Tells whether there is such a field.
    pub(in crate::repository) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Reads a field that may be missing.
    ///
    /// # Errors
    /// Those of `read`.
    pub(in crate::repository) fn if_any<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Self, &str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.has(name).then(|| read(self, name)).transpose()
    }

    /// Refuses fields that are not in `known`.
    ///
    /// # Errors
    /// Which one, in words.
    pub(in crate::repository) fn refuse_others(&self, known: &[&str]) -> Result<(), String> {
        let is_known = |key: &Value| key.as_str().is_some_and(|key| known.contains(&key));
        match self.0.keys().find(|key| !is_known(key)) {
            None => Ok(()),
            Some(Value::String(key)) => Err(format!("the field {key:?} is unknown")),
            Some(_) => Err("a field's name is not a word".into()),
        }
    }

    /// Returns a text.
    ///
    /// # Errors
    /// Where it is missing or something else, in words, as of all that follow.
    pub(in crate::repository) fn text(&self, name: &str) -> Result<String, String> {
        let text = self.field(name)?.as_str();
        text.map(str::to_owned).ok_or_else(|| format!("{name} is not a text in quotes"))
    }

    /// Returns a whole number from 0.
    pub(in crate::repository) fn whole(&self, name: &str) -> Result<u64, String> {
        let whole = self.field(name)?.as_u64();
        whole.ok_or_else(|| format!("{name} is not a whole number from 0"))
    }

    /// Returns a whole number, such as nanoseconds since 1970.
    pub(in crate::repository) fn number(&self, name: &str) -> Result<i64, String> {
        self.field(name)?.as_i64().ok_or_else(|| format!("{name} is not a whole number"))
    }

    /// Tells whether something is said to be so; it is not where nothing is said.
    pub(in crate::repository) fn is_true(&self, name: &str) -> Result<bool, String> {
        match self.0.get(name) {
            None | Some(Value::Bool(false)) => Ok(false),
            Some(Value::Bool(true)) => Ok(true),
            Some(_) => Err(format!("{name} is neither true nor false")),
        }
    }

    /// Returns a digest of `N` bytes.
    pub(in crate::repository) fn hex<const N: usize>(&self, name: &str) -> Result<[u8; N], String> {
        read_hex(self.text(name)?.as_bytes())
            .ok_or_else(|| format!("{name} is not {} hex digits in quotes", 2 * N))
    }

    /// Returns a mapping.
    pub(in crate::repository) fn mapping(&self, name: &str) -> Result<Self, String> {
        let mapping = self.field(name)?.as_mapping();
        mapping.cloned().map(Self).ok_or_else(|| format!("{name} is not a mapping in braces"))
    }

    /// Returns all fields where all are texts.
    pub(in crate::repository) fn into_texts(self) -> Result<Vec<(String, String)>, String> {
        let texts = self.0.into_iter().map(|field| match field {
            (Value::String(name), Value::String(text)) => Ok((name, text)),
            (name, _) => Err(format!("{name:?} is not a text in quotes")),
        });
        texts.collect()
    }

    fn field(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| format!("the field {name:?} is missing"))
    }
}

/// Says why the library refuses a line; that it saw one line only is no news.
fn not_yaml(error: &serde_yaml::Error) -> String {
    format!("no YAML: {}", error.to_string().replace(" at line 1 column ", " at column "))
}
