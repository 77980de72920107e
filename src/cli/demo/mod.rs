//! `demo`: a simulated OZmap, the service with a journal in a temporary directory, and a scripted
//! conversation that is printed as it happens. Then it keeps serving. It needs no configuration and
//! reads none.
//!
//! - `script`  the conversation, and the check of every reply against the simulated OZmap

mod script;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use ozmap_cancel::config::{Config, Sources};
use ozmap_simulator::{Fault, Options, Quirk, Quirks, Simulator};
use script::{Check, Script};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::service::Service;
use super::temp_dir::TempDir;
use super::{Done, Problem, block_on, on_signal, tell};

/// The secret of the demo's channel, which protects nothing.
const SECRET: &str = "demo-secret-that-guards-nothing";

/// The simulator's own key.
const KEY: &str = "simulator-key";

/// How the demo runs.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Exit after the conversation instead of serving on
    #[arg(long)]
    once: bool,
    /// The port of the service; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// An initial fault of the simulated OZmap, like `lookup:status=503*2`; may be repeated
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// How the simulated OZmap behaves where OZmap's documentation says nothing, like
    /// `unknown_code=not_found`; may be repeated
    #[arg(long = "quirk", value_name = "NAME=VALUE")]
    quirks: Vec<Quirk>,
}

pub(crate) fn run(arguments: &Arguments) -> Done {
    block_on(async {
        let folder = TempDir::new("demo");
        let options = Options {
            faults: arguments.faults.clone(),
            quirks: Quirks::default()
                .with(&arguments.quirks)
                .map_err(Problem::new)?,
            ..Options::default()
        };
        let simulator =
            Simulator::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await?;
        let ozmap = simulator.address();
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        tracker.spawn(simulator.serve(stop.clone()));
        let service = Service::start(Config::load(&sources(
            arguments.port,
            ozmap,
            folder.path(),
        ))?)
        .await?;
        let address = service.address()?;
        tracker.spawn(service.serve(stop.clone()));
        introduce(address, ozmap, folder.path())?;
        let script = Script {
            service: address,
            simulator: ozmap,
            secret: SECRET,
            simulator_key: KEY,
        };
        let check = script.play().await?;
        if !arguments.once {
            invite(address, ozmap)?;
            on_signal(stop.clone()).await?;
        }
        stop.cancel();
        tracker.close();
        tracker.wait().await;
        match check {
            Check::True => Ok(ExitCode::SUCCESS),
            Check::False => Err(Problem::new("a reply of the conversation was not true")),
        }
    })
}

/// The whole configuration of the demo. Configuration files and environment variables are not read.
fn sources(port: u16, ozmap: SocketAddr, folder: &Path) -> Sources {
    let setting = |key: &str, value: String| (format!("OZMAP_CANCEL__{key}"), value);
    Sources {
        files: Vec::new(),
        environment: vec![
            setting("SERVER__LISTEN", format!("127.0.0.1:{port}")),
            setting("OZMAP__BASE_URL", format!("http://{ozmap}")),
            setting("OZMAP__API_KEY", KEY.to_owned()),
            // The temporary directory may be small, and its journal is not needed afterwards.
            setting("JOURNAL__DISK_FREE_BYTES_MIN", "0".to_owned()),
            setting(
                "JOURNAL__URL",
                format!("sqlite:{}", folder.join("journal.db").display()),
            ),
            setting("CHANNELS__CHATBOT__SECRET", SECRET.to_owned()),
            // There is no load balancer to wait for.
            setting("SERVER__STOP_NOTICE_MS", "0".to_owned()),
        ],
    }
}

fn introduce(service: SocketAddr, ozmap: SocketAddr, folder: &Path) -> Result<(), Problem> {
    tell(&format!(
        "ozmap-cancel: a conversation with a simulated OZmap\n\n\
         the simulated OZmap  http://{ozmap}, with the tutorial's reservation 123|123\n\
         the service          http://{service}/webhooks/chatbot\n\
         its journal          {}",
        folder.join("journal.db").display()
    ))
}

fn invite(service: SocketAddr, ozmap: SocketAddr) -> Result<(), Problem> {
    tell(&format!(
        "\nIt keeps serving until Ctrl+C. Try:\n\n\
         \x20 curl http://{service}/webhooks/chatbot -H 'Authorization: Bearer {SECRET}' -d '{{\"code\":\"francisca.quiñones\"}}'\n\
         \x20 curl http://{service}/health\n\
         \x20 curl http://{ozmap}/__sim/properties                           what OZmap holds\n\
         \x20 curl http://{ozmap}/__sim/faults -d '\"lookup:status=503*3\"'    break it\n\
         \x20 curl -X POST http://{ozmap}/__sim/reset                        start over, then cancel 123|123 again:\n\
         \x20 curl http://{service}/webhooks/chatbot -H 'Authorization: Bearer {SECRET}' -d '{{\"code\":\"123|123\",\"message_id\":\"try-1\"}}'\n\n\
         The same message_id gets the same answer; use a new one for every try."
    ))
}
