//! `channels try`: a conversation at the terminal with any preset, so that the provider reads the replies before
//! customers do.
//!
//! It uses a simulated OZmap and a journal in a temporary directory. Of the configuration it reads only the directories of
//! the provider's own presets and replies. It must never call a real OZmap.

use std::io::BufRead;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ozmap_cancel::channels::{CustomerInput, Said};
use ozmap_cancel::config::{self, Config, Sources};
use ozmap_cancel::domain::{Locale, Medium};
use ozmap_cancel::http::{App, TurnReply};
use ozmap_cancel::replies::spoken_length;
use ozmap_simulator::{Options, Simulator};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::http_client::{Request, exchange};
use crate::cli::service::Service;
use crate::cli::temp_dir::TempDir;
use crate::cli::{Done, Problem, block_on, on_signal, tell};

/// The simulator's own key.
const KEY: &str = "simulator-key";

/// How long the simulator may take to respond.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The codes in the simulated OZmap, and what happens to each.
const CODES: &str =
    "123|123 and 124|124 can be cancelled, 125|125 is installed, no other code exists";

/// The preset and the first language.
#[derive(Args)]
pub(crate) struct Try {
    /// The preset, or `json`
    preset: String,
    /// The language to start in, such as pt-BR
    #[arg(long, default_value = "pt-BR")]
    locale: String,
}

pub(crate) fn run(arguments: &Try, sources: &Sources) -> Done {
    let locale = Locale::parse(&arguments.locale).ok_or_else(|| {
        Problem::new(format!(
            "--locale {}: there is no such language; write one of {}",
            arguments.locale,
            Locale::list()
        ))
    })?;
    let presets = config::presets_directory(sources)?;
    let replies = config::replies_directory(sources)?;
    block_on(async {
        let folder = TempDir::new("try");
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let simulator = Simulator::bind(here, Options::default()).await?;
        let ozmap = simulator.address();
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        tracker.spawn(simulator.serve(stop.clone()));
        let settings = settings(&arguments.preset, ozmap, &folder, [presets, replies]);
        let service = Service::start(Config::load(&settings)?).await?;
        let mut play = Play::new(service.app(), locale);
        tracker.spawn(service.serve(stop.clone()));
        reserve(ozmap).await?;
        let interrupted = CancellationToken::new();
        tokio::select! {
            played = play.conversation(&arguments.preset) => played?,
            signal = on_signal(interrupted) => signal?,
        }
        stop.cancel();
        tracker.close();
        tracker.wait().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// A channel of the preset for each language.
fn settings(
    preset: &str,
    ozmap: SocketAddr,
    folder: &TempDir,
    [presets, replies]: [String; 2],
) -> Sources {
    let setting = |key: &str, value: &str| (format!("OZMAP_CANCEL__{key}"), value.to_owned());
    let journal = folder.path().join("journal.db");
    // A channel needs a secret, but no request comes over the network.
    let secret = uuid::Uuid::now_v7().to_string();
    let mut environment = vec![
        setting("SERVER__LISTEN", "127.0.0.1:0"),
        setting("SERVER__PUBLIC_URL", "http://127.0.0.1:8080"),
        setting("SERVER__STOP_NOTICE_MS", "0"),
        setting("OZMAP__BASE_URL", &format!("http://{ozmap}")),
        setting("OZMAP__API_KEY", KEY),
        setting("JOURNAL__DISK_FREE_BYTES_MIN", "0"),
        setting("JOURNAL__URL", &format!("sqlite:{}", journal.display())),
        setting("CHANNELS__DIRECTORY", &presets),
        setting("REPLIES__DIRECTORY", &replies),
    ];
    for locale in Locale::ALL {
        let channel = locale.language().to_uppercase();
        environment.extend([
            setting(&format!("CHANNELS__{channel}__PRESET"), preset),
            setting(&format!("CHANNELS__{channel}__AUTH"), "bearer"),
            setting(&format!("CHANNELS__{channel}__SECRET"), &secret),
            setting(&format!("CHANNELS__{channel}__LOCALE"), locale.id()),
        ]);
    }
    Sources {
        files: Vec::new(),
        environment,
    }
}

/// Adds reservations beside the tutorial's own.
async fn reserve(ozmap: SocketAddr) -> Result<(), Problem> {
    for reservation in [
        json!({"code": "124|124"}),
        json!({"code": "125|125", "implanted": true}),
    ] {
        let body = reservation.to_string();
        let (status, _) =
            exchange(ozmap, &Request::post("/__sim/properties", &body), TIMEOUT).await?;
        if status >= 300 {
            return Err(Problem::new("the simulator rejected a reservation"));
        }
    }
    Ok(())
}

/// The customer at the terminal.
struct Play {
    app: Arc<App>,
    locale: Locale,
    conversations: u32,
    turns: u32,
    /// The query of the URL for the next turn.
    query: String,
}

impl Play {
    fn new(app: Arc<App>, locale: Locale) -> Self {
        Self {
            app,
            locale,
            conversations: 1,
            turns: 0,
            query: String::new(),
        }
    }

    async fn conversation(&mut self, preset: &str) -> Result<(), Problem> {
        let channel = self.channel()?;
        let (input, medium) = (channel.customer_input(), channel.medium);
        tell(&introduction(preset, self.locale, input))?;
        let mut lines = lines();
        self.begin(input).await?;
        while let Some(line) = lines.recv().await {
            let line = line.trim();
            match line {
                "/quit" => break,
                "/new" => self.start_over(self.locale, input).await?,
                "/pt" | "/es" | "/en" => {
                    let locale = Locale::parse(line.trim_start_matches('/'));
                    self.start_over(locale.unwrap_or(self.locale), input)
                        .await?;
                }
                "" if input != CustomerInput::Phone => {}
                _ if line.starts_with('/') => {
                    tell("commands: /new, /pt, /es, /en and /quit")?;
                }
                _ => {
                    tell(&format!("customer  {}", shown(line, input)))?;
                    self.turn(line, medium).await?;
                }
            }
        }
        Ok(())
    }

    /// Continues as another customer, possibly in another language.
    async fn start_over(&mut self, locale: Locale, input: CustomerInput) -> Result<(), Problem> {
        self.locale = locale;
        self.conversations += 1;
        self.query.clear();
        tell(&format!("\nnew customer, {}", locale.id()))?;
        self.begin(input).await
    }

    /// On the phone the service speaks first.
    async fn begin(&mut self, input: CustomerInput) -> Result<(), Problem> {
        match input {
            CustomerInput::Phone => self.turn("", Medium::Voice).await,
            CustomerInput::FreeText | CustomerInput::Code => Ok(()),
        }
    }

    async fn turn(&mut self, text: &str, medium: Medium) -> Result<(), Problem> {
        self.turns += 1;
        let draft = self.channel()?.draft(&Said {
            text,
            conversation: &format!("+554899990{:04}", self.conversations),
            id: &format!("try-{}", self.turns),
            query: &self.query,
        });
        let tried = self.app.try_turn(self.locale.language(), &draft).await;
        let tried = tried.ok_or_else(|| Problem::new("the channel no longer exists"))?;
        tell(&self.described(&tried, medium))?;
        // Only a phone call continues at the URL in the last answer.
        let is_a_call = self.channel()?.customer_input() == CustomerInput::Phone;
        match tried.next_query.filter(|_| is_a_call) {
            Some(query) => self.query = query,
            None => {
                self.query.clear();
                if is_a_call {
                    tell("          the call has ended; any input, or /new, starts another")?;
                    self.conversations += 1;
                }
            }
        }
        Ok(())
    }

    fn described(&self, tried: &TurnReply, medium: Medium) -> String {
        let person = if tried.handoff {
            ", hand over to a person"
        } else {
            ""
        };
        let length = match medium {
            Medium::Text => String::new(),
            Medium::Voice => self.spoken_for(&tried.reply),
        };
        format!(
            "service   “{}”\n          [{}{person}{length}]",
            tried.reply, tried.id
        )
    }

    /// How long it takes when spoken.
    fn spoken_for(&self, reply: &str) -> String {
        let length = spoken_length(self.locale, reply);
        format!(", {:.1} s", length.as_secs_f64())
    }

    fn channel(&self) -> Result<&ozmap_cancel::channels::Channel, Problem> {
        let channel = self.app.channels.get(self.locale.language());
        channel.ok_or_else(|| Problem::new("the channel no longer exists"))
    }
}

fn introduction(preset: &str, locale: Locale, input: CustomerInput) -> String {
    let how = match input {
        CustomerInput::FreeText => "Each line is a message from the customer.",
        CustomerInput::Phone => {
            "Digits, * and # are keys; any other text is speech; an empty line is silence."
        }
        CustomerInput::Code => "Each line is a reservation code; the bot understands the rest.",
    };
    format!(
        "You are a customer on the preset `{preset}`, in {}. OZmap is simulated: {CODES}.\n{how}\n\
         /new starts over as another customer, /pt, /es and /en in that language; /quit or the end of the input exits.\n",
        locale.id()
    )
}

fn shown(line: &str, input: CustomerInput) -> &str {
    match (line, input) {
        ("", CustomerInput::Phone) => "(silence)",
        (line, _) => line,
    }
}

/// The lines of stdin as they arrive.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    // On a separate thread: a read from the terminal cannot be interrupted and must not delay the exit.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}
