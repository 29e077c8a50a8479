//! The command line: the only code that prints or asks.

mod arguments;
mod interrupt;
mod json;
mod operands;
mod progress;
mod prompt;
mod render;
mod screen;
mod style;
mod text;
