//! The command line: commands, wiring, exit codes. The only place that reads the environment and the configuration.

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
    /// A configuration file over the embedded defaults; may be given more than once, later ones win
    #[arg(long, global = true, value_name = "FILE")]
    config: Vec<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

const EXIT_STATUS: &str = "\
Exit status:
  0  done; `check` found no problem, `healthcheck` found a ready service
  1  it did not work, or `check` or `healthcheck` found a problem; the reason is on stderr
  2  the command line was not understood

The configuration is read from the embedded defaults, then --config files, then the environment
(OZMAP_CANCEL__OZMAP__API_KEY is the key ozmap.api_key). Results go to stdout, everything else to stderr.";

#[derive(Subcommand)]
enum Verb {
    /// Runs the service
    Serve,
    /// Shows everything at work with nothing configured: a simulated OZmap, the service, a conversation
    Demo(demo::Arguments),
    /// Runs the OZmap simulator alone
    Simulate(ozmap_simulator::command::Arguments),
    /// Validates the configuration, renders every reply and probes OZmap without changing anything
    Check,
    /// Asks a running service whether it is ready; for containers
    Healthcheck(healthcheck::Arguments),
    /// Lists the presets of platforms, shows one, or shows what a captured request means
    #[command(subcommand)]
    Channels(channels::Verb),
    /// Looks into the journal, also while the service runs
    #[command(subcommand)]
    Journal(journal::Verb),
}

fn main() -> ExitCode {
    let CommandLine { config, verb } = CommandLine::parse();
    let sources = Sources {
        files: config,
        environment: std::env::vars_os()
            // What is not UTF-8 is refused where it is read, not left out.
            .map(|(name, value)| {
                let text = |text: OsString| text.to_string_lossy().into_owned();
                (text(name), text(value))
            })
            .collect(),
    };
    let done = match verb {
        Verb::Serve => serve::run(&sources),
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Simulate(arguments) => simulate::run(arguments),
        Verb::Check => check::run(&sources),
        Verb::Healthcheck(arguments) => healthcheck::run(&arguments, &sources),
        Verb::Channels(verb) => channels::run(&verb, &sources),
        Verb::Journal(verb) => journal::run(&verb, &sources),
    };
    match done {
        Ok(code) => code,
        Err(problem) => {
            cli::complain(&problem);
            ExitCode::FAILURE
        }
    }
}
