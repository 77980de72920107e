//! The entry point: parses the command line, collects the configuration sources and returns the
//! exit code.
//!
//! Only the binary reads the environment. The library must never read it: the caller passes in the
//! values.

mod cli;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cli::{channels, check, demo, healthcheck, journal, serve, simulate};

use ozmap_cancel::config::Sources;

/// Cancels a reservation in OZmap from a chatbot or a phone menu, and never lies about it.
#[derive(Parser)]
#[command(name = "ozmap-cancel", version, after_help = EXIT_STATUS, arg_required_else_help = true)]
struct CommandLine {
    /// A configuration file that overrides the embedded defaults; may be repeated, later files win
    #[arg(long, global = true, value_name = "FILE")]
    config: Vec<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "\
Exit status:
  0  success; `check` found no problem, `healthcheck` found a ready service
  1  failure, or `check` or `healthcheck` found a problem; the reason is on stderr
  2  invalid command line

Configuration: the embedded defaults, then --config files, then the environment, the last one wins
(OZMAP_CANCEL__OZMAP__API_KEY sets ozmap.api_key). Results go to stdout, everything else to stderr.";

#[derive(Subcommand)]
enum Command {
    /// Runs the service
    Serve,
    /// Runs a simulated OZmap, the service and a scripted conversation; needs no configuration
    Demo(demo::Arguments),
    /// Runs the OZmap simulator alone
    Simulate(ozmap_simulator::command::Arguments),
    /// Validates the configuration, renders every reply and probes OZmap; changes nothing
    Check,
    /// Asks a running service whether it is ready; for container health checks
    Healthcheck(healthcheck::Arguments),
    /// Lists, shows and tries the presets for chatbot and phone platforms
    #[command(subcommand)]
    Channels(channels::Command),
    /// Reads the journal, also while the service runs
    #[command(subcommand)]
    Journal(journal::Command),
}

fn main() -> ExitCode {
    let CommandLine { config, command } = CommandLine::parse();
    let sources = Sources {
        files: config,
        environment: std::env::vars_os()
            // A value that is not UTF-8 is rejected with the configuration, not dropped here.
            .map(|(name, value)| {
                let text = |text: OsString| text.to_string_lossy().into_owned();
                (text(name), text(value))
            })
            .collect(),
    };
    let done = match command {
        Command::Serve => serve::run(&sources),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Simulate(arguments) => simulate::run(arguments),
        Command::Check => check::run(&sources),
        Command::Healthcheck(arguments) => healthcheck::run(&arguments, &sources),
        Command::Channels(command) => channels::run(&command, &sources),
        Command::Journal(command) => journal::run(&command, &sources),
    };
    match done {
        Ok(code) => code,
        Err(problem) => {
            cli::complain(&problem);
            ExitCode::FAILURE
        }
    }
}
