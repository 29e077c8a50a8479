//! `lsync demo`: a bucket that is a folder, two working copies, and every command for real.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, anyhow};
use tokio::process::Command;

use crate::cli::screen::style::Paint;
use crate::cli::session::Context;
use crate::disk::{Disk as _, RealDisk, write_whole};
use crate::error::{Error, Exit};

/// One step of the show.
enum Step {
    /// What happens, in a sentence.
    Say(&'static str),
    /// A person writes a file: its folder, its name, its contents.
    Write(&'static str, &'static str, &'static str),
    /// A command, and the exit code that it should have.
    Run(&'static str, &'static [&'static str], Exit),
}

/// The show.
const STEPS: &[Step] = &[
    Step::Say("Alice shares a folder. The bucket is a folder, too: no network, no account."),
    Step::Run("lsync", &["init", "--create-bucket", "./bucket", "alice"], Exit::Done),
    Step::Write("alice", "notes.txt", "Buy milk."),
    Step::Run("lsync", &["-C", "alice", "sync"], Exit::Done),
    Step::Say("Bob gets it, and adds a file."),
    Step::Run("lsync", &["clone", "./bucket", "bob"], Exit::Done),
    Step::Write("bob", "prices.txt", "Milk: 2"),
    Step::Run("lsync", &["-C", "bob", "push"], Exit::Done),
    Step::Say("Alice looks what is new before she fetches it."),
    Step::Run("lsync", &["-C", "alice", "status"], Exit::Done),
    Step::Run("lsync", &["-C", "alice", "sync"], Exit::Done),
    Step::Say("Both edit the same file. Alice is first."),
    Step::Write("alice", "notes.txt", "Buy oat milk."),
    Step::Write("bob", "notes.txt", "Buy milk and honey."),
    Step::Run("lsync", &["-C", "alice", "sync"], Exit::Done),
    Step::Say("Nothing is overwritten: Bob has a conflict (exit code 4), and settles it."),
    Step::Run("lsync", &["-C", "bob", "sync"], Exit::Conflicts),
    Step::Run("lsync", &["-C", "bob", "resolve", "--both"], Exit::Done),
    Step::Say("Alice gets both versions."),
    Step::Run("lsync", &["-C", "alice", "sync"], Exit::Done),
    Step::Run("lsync", &["-C", "alice", "status"], Exit::Done),
    Step::Run("ls", &["alice", "bob", "bucket"], Exit::Done),
];

/// Runs the command.
pub(in crate::cli) async fn run(context: &Context, folder: Option<&Path>) -> Result<Exit, Error> {
    let stage = match folder {
        Some(folder) => context.start.join(folder),
        None => std::env::temp_dir().join(format!("lsync-demo-{:08x}", fastrand::u32(..))),
    };
    if stage.symlink_metadata().is_ok() {
        return Err(Error::usage(
            format!("{} exists, and the demo needs a new folder", stage.display()),
            "name a folder that does not exist, or none at all",
        ));
    }
    let made = RealDisk.make_path(&stage);
    drop(made.with_context(|| format!("cannot make {}", stage.display()))?);
    let show = Show { context, stage };
    show.command_line(&format!("cd {}", show.stage.display()));
    for step in STEPS {
        match step {
            Step::Say(sentence) => show.say(sentence),
            Step::Write(folder, name, text) => show.write(folder, name, text)?,
            Step::Run(program, arguments, expected) => {
                let exit = show.run(program, arguments).await?;
                if exit != i32::from(expected.code()) {
                    return Err(show.unexpected(program, arguments, exit));
                }
            }
        }
    }
    show.say("The folders are left to play with:");
    context.screen.result(&show.stage.display().to_string());
    Ok(Exit::Done)
}

/// Where the show takes place.
struct Show<'a> {
    context: &'a Context,
    stage: PathBuf,
}

impl Show<'_> {
    fn say(&self, sentence: &str) {
        let sentence = self.context.screen.style().paint(Paint::Dim, &format!("# {sentence}"));
        self.context.screen.result(&format!("\n{sentence}"));
    }

    fn command_line(&self, line: &str) {
        let line = self.context.screen.style().paint(Paint::Bold, &format!("$ {line}"));
        self.context.screen.result(&line);
    }

    /// Writes a file as a person would: anew, and with one line.
    fn write(&self, folder: &str, name: &str, text: &str) -> Result<(), Error> {
        self.command_line(&format!("echo '{text}' > {folder}/{name}"));
        let written = RealDisk.open_path(&self.stage.join(folder)).and_then(|folder| {
            write_whole(&RealDisk, &folder, name, format!("{text}\n").as_bytes())
        });
        Ok(written.with_context(|| format!("cannot write {folder}/{name}"))?)
    }

    /// Runs a command with the channels of the demo itself, and returns its exit code.
    async fn run(&self, program: &str, arguments: &[&str]) -> Result<i32, Error> {
        self.command_line(&format!("{program} {}", arguments.join(" ")));
        let path = match program {
            "lsync" => std::env::current_exe().context("cannot find lsync itself")?,
            other => PathBuf::from(other),
        };
        let mut command = Command::new(path);
        command.args(arguments).current_dir(&self.stage).stdin(Stdio::null());
        // The show is the same everywhere, whatever the shell has set.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("LSYNC_")) {
                command.env_remove(name);
            }
        }
        let status = command.status().await.with_context(|| format!("cannot run {program}"))?;
        Ok(status.code().unwrap_or_else(|| i32::from(Exit::Interrupted.code())))
    }

    fn unexpected(&self, program: &str, arguments: &[&str], exit: i32) -> Error {
        let line = format!("{program} {}", arguments.join(" "));
        anyhow!("`{line}` ended with {exit} in {}", self.stage.display()).into()
    }
}
