//! The command line: the only code that prints or asks.
//!
//! [`main`] parses and runs; each command has a file in `commands`; `screen` makes words, colours and hints of
//! what the library tells.

mod abilities;
mod arguments;
mod cautions;
mod commands;
mod interrupt;
mod operands;
mod report;
mod screen;
mod session;
mod usage;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::FromArgMatches as _;

use self::arguments::{Arguments, ColorChoice, Command, OutputOptions};
use self::commands::care::{clean, trash};
use self::commands::start::{clone, demo, init};
use self::commands::work::{pull, push, resolve, status, sync};
use self::interrupt::Interrupt;
use self::screen::{Screen, json};
use self::session::Context;
use crate::clock::SystemClock;
use crate::disk::raise_descriptor_limit;
use crate::error::{Error, Exit};

/// Parses the command line, runs the command, prints what went wrong, and returns the exit code.
pub fn main() -> ExitCode {
    raise_descriptor_limit();
    let exit = match parse() {
        Ok(arguments) => run(arguments),
        Err(error) => {
            usage::show(&error, &Screen::new(ColorChoice::Auto, OutputOptions::default()))
        }
    };
    ExitCode::from(exit.code())
}

/// Parses the command line.
fn parse() -> Result<Arguments, clap::Error> {
    let matches = arguments::command().try_get_matches()?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut arguments::command()))
}

/// Runs a command to its end, however it ends.
fn run(arguments: Arguments) -> Exit {
    let (word, output) = (arguments.command.word(), arguments.command.output());
    let screen = Arc::new(Screen::new(arguments.color, output));
    let started = Instant::now();
    let result = expect_clock().and_then(|()| in_runtime(arguments, &screen));
    screen.set_bar(None);
    let mut exit = result.unwrap_or_else(|error| {
        tell(&screen, word, &error);
        error.exit()
    });
    if screen.owes_summary() {
        // An error or a signal came first, and nothing more was done than the lines above tell.
        screen.summary(&json::summary_of_end(word, exit, started.elapsed()));
    }
    if let Err(error) = screen.finish() {
        screen.error("cannot write to stdout", &[error.to_string()], None);
        exit = exit.worst(Exit::Failed);
    }
    exit
}

/// Refuses to work under a clock whose times cannot be stored.
fn expect_clock() -> Result<(), Error> {
    SystemClock::unusable().map_or(Ok(()), |shown| {
        Err(Error::Failed {
            message: format!(
                "the clock of this machine shows {shown}; times from 1677-09-22 to 2262-04-11 can be \
                 stored"
            ),
            hint: "set the clock, then run the same command again".to_owned(),
        })
    })
}

/// Prints the error that ended a command.
fn tell(screen: &Screen, word: &str, error: &Error) {
    let (message, hint) = (error.to_string(), error.hint());
    if screen.json() {
        screen.result(&json::failure(word, &message, hint.as_deref()));
    }
    screen.error(&message, &report::causes(screen, error), hint.as_deref());
}

/// Runs a command until it has ended, or until a person has asked twice to stop.
fn in_runtime(arguments: Arguments, screen: &Arc<Screen>) -> Result<Exit, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let screen = Arc::clone(screen);
    let result = runtime.block_on(async {
        let interrupt = Interrupt::listen().context("cannot listen to signals")?;
        let elsewhere = || operands::start_of(&arguments.command);
        let start = Context::start(arguments.repo.as_deref(), elsewhere)?;
        let output = arguments.command.output();
        let context = Context { start, screen, interrupt: interrupt.clone(), output };
        // A task of its own: what blocks in it does not keep the second signal from being heard.
        let command = async move { Box::pin(dispatch(&context, &arguments.command)).await };
        let command = tokio::spawn(command);
        tokio::select! {
            biased;
            result = command => result.context("this is a bug in lsync")?,
            () = interrupt.asked(2) => Ok(Exit::Interrupted),
        }
    });
    runtime.shutdown_background();
    result
}

async fn dispatch(context: &Context, command: &Command) -> Result<Exit, Error> {
    match command {
        Command::Init(arguments) => {
            context.to_the_end(Box::pin(init::run(context, arguments))).await
        }
        Command::Clone(arguments) => Box::pin(clone::run(context, arguments)).await,
        Command::Status(arguments) => status::run(context, arguments).await,
        Command::Sync(arguments) => sync::run(context, arguments).await,
        Command::Push(arguments) => push::run(context, arguments).await,
        Command::Pull(arguments) => pull::run(context, arguments).await,
        Command::Resolve(arguments) => resolve::run(context, arguments).await,
        Command::Trash { command } => trash::run(context, command).await,
        Command::Clean(arguments) => clean::run(context, arguments).await,
        Command::Demo { folder } => demo::run(context, folder.as_deref()).await,
    }
}
