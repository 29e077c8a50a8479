//! Colours. They repeat what the words say and never say more.

use crate::cli::arguments::ColorChoice;

/// A colour or weight, as SGR parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Paint {
    /// Errors, failures and deletions.
    Red,
    /// Warnings and conflicts.
    Yellow,
    /// What is new.
    Green,
    /// Hints.
    Cyan,
    /// Headings.
    Bold,
    /// What matters less.
    Dim,
}

/// Whether a channel is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Style {
    on: bool,
}

impl Style {
    /// No colours.
    #[cfg(test)]
    pub(in crate::cli) const PLAIN: Self = Self { on: false };

    /// Chooses for a channel by `--color`, `NO_COLOR` and `TERM`.
    pub(in crate::cli) fn choose(choice: ColorChoice, terminal: bool) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { on: Self::decide(choice, terminal, no_color || dumb) }
    }

    fn decide(choice: ColorChoice, terminal: bool, unwanted: bool) -> bool {
        match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !unwanted,
        }
    }

    /// Returns `text` in a colour, or as it is.
    pub(in crate::cli) fn paint(self, paint: Paint, text: &str) -> String {
        if !self.on {
            return text.to_owned();
        }
        let parameters = match paint {
            Paint::Red => "1;31",
            Paint::Yellow => "1;33",
            Paint::Green => "32",
            Paint::Cyan => "1;36",
            Paint::Bold => "1",
            Paint::Dim => "2",
        };
        format!("\u{1b}[{parameters}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_beats_the_environment_which_beats_the_terminal() {
        for (choice, terminal, unwanted, on) in [
            (ColorChoice::Always, false, true, true),
            (ColorChoice::Never, true, false, false),
            (ColorChoice::Auto, true, false, true),
            (ColorChoice::Auto, true, true, false),
            (ColorChoice::Auto, false, false, false),
        ] {
            assert_eq!(Style::decide(choice, terminal, unwanted), on, "{choice:?} {terminal}");
        }
    }

    #[test]
    fn a_plain_channel_gets_the_bare_text() {
        assert_eq!(Style::PLAIN.paint(Paint::Red, "x"), "x");
        assert_eq!(Style { on: true }.paint(Paint::Red, "x"), "\u{1b}[1;31mx\u{1b}[0m");
    }
}
