//! The plan of the soak test: the codes, their properties, and the webhooks.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::support::Ozmap;

/// The properties of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// A reservation that may be deleted.
    Reservation,
    /// A customer who is installed.
    Customer,
    /// Two properties, which need review.
    Two,
    Nothing,
}

/// One code.
#[derive(Debug)]
pub struct Code {
    pub text: String,
    pub behind: Behind,
    properties: OnceCell<Vec<String>>,
}

impl Code {
    /// Its properties, made at the first request for the code, so that OZmap stays small.
    pub async fn properties(&self, ozmap: &Ozmap) -> &[String] {
        self.properties
            .get_or_init(|| async {
                let count = match self.behind {
                    Behind::Reservation | Behind::Customer => 1,
                    Behind::Two => 2,
                    Behind::Nothing => 0,
                };
                let implanted = self.behind == Behind::Customer;
                let mut made = Vec::new();
                for _ in 0..count {
                    let body = json!({"code": self.text, "implanted": implanted});
                    let property = ozmap.reserve(body).await;
                    made.push(property["id"].as_str().unwrap().to_owned());
                }
                made
            })
            .await
    }

    /// Its properties, if it was ever requested.
    pub fn made(&self) -> &[String] {
        self.properties.get().map_or(&[], Vec::as_slice)
    }
}

/// One webhook: a message of a platform, which may send it several times.
#[derive(Debug)]
pub struct Webhook {
    pub code: usize,
    pub message: String,
}

/// The whole plan, and its progress.
#[derive(Debug)]
pub struct Plan {
    pub codes: Vec<Code>,
    pub webhooks: Vec<Webhook>,
    next: AtomicUsize,
}

impl Plan {
    /// So many webhooks for fewer codes: about a third of them shares its code with another
    /// webhook.
    pub fn of(webhooks: usize, random: &mut StdRng) -> Self {
        let codes = (webhooks * 2 / 3).max(1);
        let codes = (0..codes).map(|n| code(n, random)).collect::<Vec<_>>();
        let webhooks = (0..webhooks).map(|n| {
            // The webhooks for one code are close to each other.
            let near = (n * 2 / 3 + random.random_range(0..4)).min(codes.len() - 1);
            Webhook {
                code: near,
                message: format!("m-{n}"),
            }
        });
        Self {
            webhooks: webhooks.collect(),
            codes,
            next: AtomicUsize::new(0),
        }
    }

    /// The next webhook that was not sent yet.
    pub fn take(&self) -> Option<&Webhook> {
        self.webhooks.get(self.next.fetch_add(1, SeqCst))
    }

    /// The code of a webhook.
    pub fn code(&self, webhook: &Webhook) -> &Code {
        &self.codes[webhook.code]
    }
}

fn code(n: usize, random: &mut StdRng) -> Code {
    let behind = match random.random_range(0..20) {
        0 | 1 => Behind::Customer,
        2 => Behind::Two,
        3 | 4 => Behind::Nothing,
        _ => Behind::Reservation,
    };
    // A code with a slash is looked up by two filters.
    let between = if random.random_bool(0.2) { '/' } else { '-' };
    Code {
        text: format!("storm{between}{n}"),
        behind,
        properties: OnceCell::new(),
    }
}
