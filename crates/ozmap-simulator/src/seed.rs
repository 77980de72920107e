//! The world as it begins: the example of OZmap's own documentation, and one reservation for every
//! reason to keep a property.
//!
//! Responsible for being the same every time; the ids of the first world too, while a later one has
//! new ids, as on a server that never gives an id twice. It must never depend on the clock.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::documents::{Ids, Moment, iso, text};
use super::plant::{BOX, PROJECT, Planting, plant, splitter};
use super::reservation::Refusal;
use super::state::World;

/// 12 January 2026, 12:00 UTC; every seed but the documented one was made then.
const BORN_UNIX_SECONDS: i64 = 1_768_219_200;
const YEAR_SECONDS: i64 = 365 * 24 * 60 * 60;

const PROJECT_NORTH: &str = "62bc9b89a17d2b0030bddc0d";
const BOX_BUSY: &str = "5da62201493d9c00066655b9";
const BOX_NORTH: &str = "5da62201493d9c00066655ba";
const BUILDING: &str = "5da62201493d9c00066655bb";

/// The first world with the whole seed set; the ids of the documented reservation are those of the documentation.
pub(super) fn world() -> Result<World, Refusal> {
    planted(Ids::default(), &documented())
}

/// The seed set again, after a world that has made these ids: every element gets a new id.
pub(super) fn world_after(ids: Ids) -> Result<World, Refusal> {
    let mut ids = ids;
    let documented = with_new_ids(&documented(), &mut ids);
    planted(ids, &documented)
}

fn planted(ids: Ids, documented: &Value) -> Result<World, Refusal> {
    let born = Timestamp::from_second(BORN_UNIX_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH);
    let now = Moment {
        instant: Instant::now(),
        timestamp: born,
    };
    let mut world = World::default();
    world.ids = ids;
    build(&mut world);
    let documented = Planting {
        document: documented.clone(),
        ..Planting::default()
    };
    plant(&mut world, &documented, now)?;
    for seed in reservations(born) {
        plant(&mut world, &seed, now)?;
    }
    Ok(world)
}

/// Projects, boxes and splitters. The documented box stays free but for port 4, so that new
/// reservations have predictable ports; the other seeds live in a box of their own.
fn build(world: &mut World) {
    for (id, name) in [
        (PROJECT, "Teste Integração"),
        (PROJECT_NORTH, "Projeto Norte"),
    ] {
        let project = json!({"_id": id, "kind": "Project", "name": name, "__v": 0});
        world.projects.insert(id.to_owned(), project);
    }
    for (id, project, name, kind, coords) in [
        (BOX, PROJECT, "Caixa 1", "Box", json!([-48.5275, -27.5782])),
        (
            BOX_BUSY,
            PROJECT,
            "Caixa 2",
            "Box",
            json!([-48.5279, -27.5786]),
        ),
        (
            BOX_NORTH,
            PROJECT_NORTH,
            "Caixa Norte",
            "Box",
            json!([-48.5, -27.4]),
        ),
        (
            BUILDING,
            PROJECT,
            "Edifício Central",
            "Building",
            json!([-48.5285, -27.579]),
        ),
    ] {
        let found = json!({
            "_id": id, "kind": kind, "name": name, "project": project, "implanted": true,
            "coords": coords, "__v": 0,
        });
        world.boxes.insert(id.to_owned(), found);
    }
    for (id, parent, outputs) in [
        ("5da6220df003e8132800001e", BOX, 8),
        ("5da6220df003e8132800001f", BOX_BUSY, 16),
        ("5da6220df003e81328000020", BOX_NORTH, 8),
    ] {
        world
            .splitters
            .insert(id.to_owned(), splitter(id, parent, "Splitter 1", outputs));
    }
}

fn reservations(born: Timestamp) -> Vec<Planting> {
    let created_at = Some(iso(born));
    let before = iso(born - jiff::SignedDuration::from_secs(YEAR_SECONDS));
    let seed = |code: &str| Planting {
        code: Some(code.to_owned()),
        parent_box: Some(BOX_BUSY.to_owned()),
        created_at: created_at.clone(),
        ..Planting::default()
    };
    vec![
        seed("reservation_123"),
        Planting {
            implanted: json!(true),
            ..seed("test-status")
        },
        seed("biolange.da costa"),
        seed("francisca.quiñones"),
        seed("abc/def"),
        seed("dup-1"),
        Planting {
            parent_box: Some(BOX_NORTH.to_owned()),
            ..seed("dup-1")
        },
        Planting {
            parent: Some(BUILDING.to_owned()),
            ..seed("apto-101")
        },
        Planting {
            code: None,
            address: Some("R. Sem Cliente, 1".to_owned()),
            ..seed("")
        },
        Planting {
            onu: json!({"serial_number": "FHTT0A1B2C3D"}),
            ..seed("onu-1")
        },
        Planting {
            potency_read: json!(-19.5),
            ..seed("power-1")
        },
        Planting {
            certified: json!(true),
            ..seed("certified-1")
        },
        Planting {
            history: vec![json!({
                "id": "62d194b46c9401002392c6ff", "code": "morador-anterior",
                "enter_date": before, "exit_date": before,
            })],
            ..seed("old-1")
        },
        Planting {
            created_at: Some(before.clone()),
            enter_date: created_at.clone(),
            ..seed("old-2")
        },
    ]
}

/// The documented reservation with other ids of its own; its box, splitter and pole stand where they stood.
fn with_new_ids(document: &Value, ids: &mut Ids) -> Value {
    let mut document = document.clone();
    let born = text(&document, "/createdAt").and_then(|at| at.parse().ok());
    let mut next = || json!(ids.next(born.unwrap_or(Timestamp::UNIX_EPOCH)));
    let client = next();
    for (pointer, id) in [
        ("/_id", next()),
        ("/drop", next()),
        ("/connections/0/fiber", next()),
        ("/client/_id", client.clone()),
        ("/history/clients/0/id", client),
    ] {
        if let Some(place) = document.pointer_mut(pointer) {
            *place = id;
        }
    }
    document
}

/// The reservation in OZmap's guide "Cancel a Client/Reservation", member for member.
fn documented() -> Value {
    let creator = json!({
        "id": "628f8c3269a79101db8b407b",
        "name": "teste_integracao",
        "username": "teste_integracao",
    });
    json!({
        "_id": "62d194b46c9401002392c704",
        "observation": "Reserva de Porta",
        "drop": "62d194b56c9401002392c706",
        "tags": [],
        "cables": [],
        "kind": "Property",
        "address": "R. Delminda Silveira, 900 - Agronômica, Florianópolis - SC, 88025-500",
        "coords": [-48.527_442_812_919_624, -27.578_233_672_131_2],
        "box": BOX,
        "client": {
            "_id": "62d194b46c9401002392c701",
            "certified": false,
            "status": 0,
            "observation": "Reserva do Novo Cliente",
            "tags": [],
            "implanted": false,
            "onu": {"user_PPPoE": "", "serial_number": "", "mac_address": ""},
            "kind": "ftth",
            "code": "123|123",
            "name": "Gabriel Marioto",
            "creatorData": creator,
            "createdAt": "2022-07-15T16:24:20.966Z",
            "updatedAt": "2022-07-15T16:24:20.966Z",
            "__v": 0,
        },
        "creatorData": creator,
        "project": PROJECT,
        "pole": "5da62201493d9c00066655b1",
        "history": {
            "clients": [{
                "id": "62d194b46c9401002392c701",
                "code": "123|123",
                "enter_date": "2022-07-15T16:24:20.976Z",
                "exit_date": null,
            }],
        },
        "createdAt": "2022-07-15T16:24:20.980Z",
        "updatedAt": "2022-07-15T16:24:21.104Z",
        "__v": 0,
        "connections": [{
            "id": "5da6220df003e8132800001e",
            "kind": "Splitter",
            "port": 4,
            "name": "Splitter 1",
            "implanted": true,
            "fiber": "62d194b56c9401002392c707",
        }],
    })
}
