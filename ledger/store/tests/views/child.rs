//! kill -9 while a child process folds and rebuilds: afterwards the views are what a fresh fold gives, and nothing is left lying about.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use modeltrail_store::views::Phase;
use modeltrail_store::{Data, Views, failpoint};
use modeltrail_views::fold::state_digest;

use super::world::{Dice, World};
use super::{folders, fresh_digest};

/// The folder that a child works in; without it this program is no child.
const FOLDER: &str = "VIEWS_TEST_FOLDER";
/// Where it is to die, if at a named place.
const FAILPOINT: &str = "VIEWS_TEST_FAILPOINT";
/// Kills at random moments.
const KILLS: u64 = 12;
/// How long a child may take to come to a named place.
const PATIENCE: u32 = 60_000;

/// What a child does until it is killed: it appends, the projector folds, and rebuilds follow each other.
fn live(folder: &str) {
    let seed = u64::from(std::process::id());
    let mut world = World::at(Data::new(folder.as_ref()), seed);
    world.reopen();
    if let Ok(place) = std::env::var(FAILPOINT) {
        failpoint::arm(&place).unwrap();
    }
    let views = Views::start(world.opened());
    let handle = views.handle();
    loop {
        world.append(60);
        handle.rebuild(false).unwrap();
        world.append(20);
        // Both have to come to an end before there is more: a busy machine would else let the log run away from them.
        while !handle.rebuild_status().unwrap().ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let status = handle.rebuild_status().unwrap();
        assert_eq!(status.phase, Phase::Done, "{status:?}");
        world.wait_for(&views);
    }
}

fn spawn(world: &World, place: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child::killed_while_it_folds_and_rebuilds", "--exact"]);
    command.env(FOLDER, &world.data().dir).env_remove(FAILPOINT).stdout(Stdio::null());
    if let Some(place) = place {
        command.env(FAILPOINT, place);
    }
    command.spawn().unwrap()
}

/// What a start after a kill finds is a fold of some beginning of the log, and goes on from there.
fn sound(world: &mut World, what: &str) {
    world.reopen();
    let views = Views::start(world.opened());
    world.wait_for(&views);
    assert_eq!(folders(world.data()).len(), 1, "{what}: leftovers are gone");
    assert_eq!(state_digest(views.handle().store().as_ref()).unwrap(), fresh_digest(world), "{what}");
    views.stop();
    world.close();
}

#[test]
fn killed_while_it_folds_and_rebuilds() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return live(&folder);
    }
    let mut world = World::new();
    world.close();
    let mut places: Vec<String> =
        failpoint::ALL.iter().filter(|name| name.starts_with("rebuild.")).map(|name| format!("{name}:2")).collect();
    // Both stores come by here: at first the one that serves, later the one that is folded anew.
    places.extend([1, 5].map(|count| format!("views.before_write:{count}")));
    places.extend([1, 6].map(|count| format!("views.after_write:{count}")));
    for place in places {
        let mut child = spawn(&world, Some(&place));
        let mut waited = 0;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            waited += 1;
            assert!(waited < PATIENCE, "{place} was not come by");
            std::thread::sleep(Duration::from_millis(1));
        };
        // Aborted by itself, and not by a failed assertion.
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "{place}: {status}");
        sound(&mut world, &place);
    }
    let mut dice = Dice(u64::from(std::process::id()) | 1);
    for kill in 0..KILLS {
        let mut child = spawn(&world, None);
        std::thread::sleep(Duration::from_millis(100 + dice.roll(700)));
        assert!(child.try_wait().unwrap().is_none(), "the child died by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        sound(&mut world, &format!("kill {kill}"));
    }
}
