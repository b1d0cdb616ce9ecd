//! The `oxidify` command: a demonstration, single calls of the plugins, the emulators, and packages.

mod child;
mod convert;
mod demo;
#[cfg(unix)]
mod doctor;
mod emulate;
mod invoke;
mod package;
mod received;
mod say;
mod shown;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Native plugins for Dify.
#[derive(Debug, Parser)]
#[command(name = "oxidify", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run both plugins on the embedded emulators: pictures in and out, buckets listed, a file downloaded.
    Demo(demo::Arguments),
    /// Make one call of one plugin against servers of your own.
    #[command(subcommand)]
    Invoke(Box<invoke::Invocation>),
    /// Print a workflow of ComfyUI's editor as the prompt that a server runs.
    Convert(convert::Arguments),
    /// Run an emulator alone, on 127.0.0.1, until interrupted.
    #[command(subcommand)]
    Emulate(emulate::Emulator),
    /// Build packages that a Dify administrator installs, and check their signatures.
    #[command(subcommand)]
    Package(package::Packaging),
    /// Unpack a package and start it as Dify's daemon does, and say how it does.
    #[cfg(unix)]
    Doctor(doctor::Arguments),
    /// Be a plugin: what this command starts as a child process of itself.
    #[command(hide = true)]
    Plugin {
        /// Which one.
        plugin: child::PluginName,
    },
}

/// What a shell is told when nobody reads what the command says: as of a program that SIGPIPE has ended. It is no success,
/// as not all was done.
const UNREAD: u8 = 128 + 13;

/// What a command ends with when it fails: words for the user.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Plugin { plugin } => return plugin.plugin().run(),
        Command::Convert(arguments) => match run(convert::run(arguments)) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
        Command::Demo(arguments) => run(demo::run(arguments)),
        Command::Invoke(invocation) => run(invoke::run(*invocation)),
        Command::Emulate(emulator) => run(emulate::run(emulator)),
        Command::Package(packaging) => package::run(&packaging),
        #[cfg(unix)]
        Command::Doctor(arguments) => run(doctor::run(arguments)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is::<say::Unread>() => ExitCode::from(UNREAD),
        Err(failure) => {
            say::complain!("oxidify: {}", shown::shown(&failure.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn run<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}
