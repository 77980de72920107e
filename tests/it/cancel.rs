//! The four promises, from the outside.

use super::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_reservation_is_cancelled_and_said_to_be() {
    let world = World::new().await;
    let reply = world.cancel("123|123", "m-1").await;
    assert_eq!((reply.status, reply.outcome().as_str()), (200, "cancelled"));
    assert!(world.ozmap.holds("123|123").await.is_empty());
    assert_eq!(world.ozmap.deletions().await.len(), 1);
    assert_eq!(world.journal()[0]["outcome"], "cancelled");
}
