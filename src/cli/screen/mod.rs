//! The screen: what the library tells becomes words, colours and lines of JSON here.

pub(in crate::cli) mod json;
mod output;
pub(in crate::cli) mod progress;
pub(in crate::cli) mod prompt;
pub(in crate::cli) mod render;
pub(in crate::cli) mod style;
pub(in crate::cli) mod text;
mod words;

pub(in crate::cli) use output::Screen;
