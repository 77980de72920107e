//! `serve`: runs the service from configuration.

use std::process::ExitCode;

use ozmap_cancel::config::{Config, LogFormat, Sources};
use ozmap_cancel::http::Stopped;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::reload::SighupListener;
use super::service::Service;
use super::{Done, Problem, block_on, complain, on_signal};

pub(crate) fn run(sources: &Sources) -> Done {
    let config = Config::load(sources)?;
    let silence = silence(&config);
    start_logs(&config)?;
    if let Some(silence) = silence {
        // The log filter would drop this warning.
        complain(&Problem::new(silence));
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    block_on(async {
        // First of all: a SIGHUP during the start must not end the process.
        let reload = SighupListener::install()?;
        let service = Service::start(config).await?;
        tracing::info!("listening on http://{}", service.address()?);
        let stop = CancellationToken::new();
        let asked = on_signal(stop.clone());
        let cancellations = service.cancellations();
        tokio::select! {
            never = reload.reload_keys(sources, &cancellations) => match never {},
            stopped = async {
                let (stopped, _) = tokio::join!(service.serve(stop.clone()), asked);
                stopped
            } => report(stopped),
            () = second_signal(stop.clone()) => tracing::warn!("second signal: stopped immediately; unfinished cancellations resume at the next start"),
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn second_signal(first: CancellationToken) {
    first.cancelled().await;
    let second = CancellationToken::new();
    if on_signal(second).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn report(stopped: Stopped) {
    match stopped {
        Stopped::Drained => tracing::info!("stopped: no work left running"),
        Stopped::TimeOver => tracing::warn!(
            "stopped: drain timeout reached; unfinished cancellations resume at the next start"
        ),
    }
}

/// The log filter of the configuration.
pub(super) fn log_filter(config: &Config) -> Result<EnvFilter, Problem> {
    EnvFilter::builder()
        .parse(&config.log_filter)
        .map_err(|error| Problem::new(format!("log.filter = \"{}\": {error}", config.log_filter)))
}

/// A warning when the log filter drops messages that an operator must see.
pub(super) fn silence(config: &Config) -> Option<String> {
    let logs = tracing_subscriber::fmt()
        .with_env_filter(log_filter(config).ok()?)
        .with_writer(std::io::sink)
        .finish();
    let is_logged = tracing::subscriber::with_default(logs, || {
        tracing::enabled!(target: "ozmap_cancel::cancel", tracing::Level::WARN)
            && tracing::enabled!(target: "ozmap_cancel::http", tracing::Level::WARN)
    });
    (!is_logged).then(|| {
        format!(
            "log.filter = \"{}\" drops the warnings of the service, so that problems which need an operator are not logged; write \"warn\" or \"info\"",
            config.log_filter
        )
    })
}

fn start_logs(config: &Config) -> Result<(), Problem> {
    let filter = log_filter(config)?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    match config.log_format {
        LogFormat::Text => logs.with_ansi(false).init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(|panic| log_panic(panic.location())));
    Ok(())
}

/// Logs where a panic happened, not its message: that may contain what a customer sent.
fn log_panic(location: Option<&std::panic::Location<'_>>) {
    match location {
        Some(at) => tracing::error!("panic at {}:{}", at.file(), at.line()),
        None => tracing::error!("panic at an unknown location"),
    }
}

#[cfg(test)]
#[expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use std::process::Command;

    use super::*;

    /// Text that a customer may have sent.
    const CANARY: [&str; 2] = ["123|123", "Gabriel"];

    /// The logger and the panic hook belong to the whole process, so the test below runs this one
    /// in a process of its own.
    #[test]
    #[ignore = "panics on purpose; run by the test below"]
    fn panics() {
        let set = [
            ("OZMAP__BASE_URL", "http://127.0.0.1:1"),
            ("OZMAP__API_KEY", "key"),
            (
                "CHANNELS__CHATBOT__SECRET",
                "a-secret-of-thirty-two-characters",
            ),
        ];
        let set = set.map(|(name, value)| (format!("OZMAP_CANCEL__{name}"), value.to_owned()));
        let config = Config::load(&Sources {
            files: Vec::new(),
            environment: set.into(),
        });
        assert!(start_logs(&config.unwrap()).is_ok());
        let panicked = std::thread::spawn(|| panic!("{CANARY:?}")).join();
        assert!(panicked.is_err());
    }

    #[test]
    fn the_log_line_of_a_panic_does_not_contain_its_message() {
        let ran = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "cli::serve::tests::panics"])
            .arg("--nocapture")
            .output()
            .unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(ran.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
        let where_it_was = format!("panic at {}:", file!());
        assert!(said.contains(&where_it_was), "{said}");
        for word in CANARY {
            assert!(!said.contains(word), "{said}");
        }
    }
}
