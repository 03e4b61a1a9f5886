use super::{CALM_US, Kind, Known, Room, Rooms};

/// In microseconds of the shown time.
const S: u64 = 1_000_000;

fn busy(used: u32) -> Known {
    Known {
        used,
        resident: used,
        ..Known::default()
    }
}

fn finished(ended: u64) -> Known {
    Known {
        ended,
        ..Known::default()
    }
}

/// Follows as a window does, and lets the places hold just the rooms; the times of the changes in
/// tenths of a second.
fn changes(
    rooms: &mut Rooms,
    tenths: core::ops::Range<u64>,
    known: impl Fn(u64) -> Vec<Known>,
) -> Vec<u64> {
    let mut changes = Vec::new();
    for tenth in tenths {
        if rooms.follow(tenth * S / 10, &known(tenth), false) {
            changes.push(tenth);
            let held: Vec<Room> = rooms.iter().collect();
            for (block, room) in held.into_iter().enumerate() {
                if let Room::Cells(cells) = room {
                    rooms.set_holds(block, cells);
                }
            }
        }
    }
    changes
}

fn cells(rooms: &Rooms) -> Vec<Room> {
    rooms.iter().collect()
}

#[test]
fn a_steady_crawl_is_laid_out_once() {
    let mut rooms = Rooms::new(Kind::Hosts);
    let at = changes(&mut rooms, 0..1_200, |tenth| {
        let wave = u32::try_from(tenth % 7).expect("small");
        vec![busy(400 - wave), busy(90 + wave), busy(3)]
    });
    assert_eq!(at, [0]);
}

#[test]
fn hosts_that_grow_evenly_change_the_map_once_in_twenty_seconds() {
    let mut rooms = Rooms::new(Kind::Hosts);
    let at = changes(&mut rooms, 0..1_800, |tenth| {
        let grown = |rate: u64| busy(u32::try_from(1 + rate * tenth / 10).expect("small"));
        vec![grown(90), grown(70), grown(20), grown(130)]
    });
    assert!(at.len() <= 14, "{at:?}");
    let late: Vec<u64> = at.into_iter().filter(|tenth| *tenth > 400).collect();
    assert!(
        late.windows(2).all(|pair| pair[1] - pair[0] >= 200),
        "{late:?}"
    );
}

#[test]
fn a_burst_of_new_hosts_is_one_change() {
    let mut rooms = Rooms::new(Kind::Hosts);
    let at = changes(&mut rooms, 0..100, |tenth| {
        let hosts = if tenth < 70 { 1 } else { tenth - 68 };
        (0..hosts.min(12)).map(|_| busy(4)).collect()
    });
    assert_eq!(at.len(), 3, "{at:?}");
    let has_room = |room: &Room| matches!(room, Room::Cells(cells) if *cells >= 4);
    assert!(cells(&rooms).iter().all(has_room));
}

#[test]
fn a_host_that_has_finished_is_folded_until_it_is_opened_or_works_again() {
    let mut rooms = Rooms::new(Kind::Hosts);
    changes(&mut rooms, 0..10, |_| vec![busy(50), busy(60)]);
    let at = changes(&mut rooms, 10..300, |_| vec![busy(50), finished(900)]);
    assert_eq!(at, [CALM_US / 2 * 10 / S]);
    assert_eq!(cells(&rooms)[1], Room::Folded);
    let opened = Known {
        is_opened: true,
        ..finished(900)
    };
    rooms.ask();
    let at = changes(&mut rooms, 300..301, |_| vec![busy(50), opened]);
    assert_eq!(at, [300], "a person does not wait");
    assert_eq!(cells(&rooms)[1], Room::Cells(900));
    changes(&mut rooms, 301..600, |_| vec![busy(50), finished(900)]);
    assert_eq!(cells(&rooms)[1], Room::Folded);
    changes(&mut rooms, 600..620, |_| vec![busy(50), busy(7)]);
    assert!(matches!(cells(&rooms)[1], Room::Cells(7..40)));
}

#[test]
fn when_all_have_finished_all_stand_by_what_they_have_brought() {
    let mut rooms = Rooms::new(Kind::Hosts);
    changes(&mut rooms, 0..10, |_| {
        vec![busy(50), busy(60), Known::default()]
    });
    let end = |_| vec![finished(800), finished(90), Known::default()];
    changes(&mut rooms, 10..60, end);
    let wanted = [Room::Cells(800), Room::Cells(90), Room::None];
    assert_eq!(cells(&rooms), wanted);
    assert!(changes(&mut rooms, 60..900, end).is_empty(), "it rests");
    // Whoever comes to the end first sees the same.
    let mut late = Rooms::new(Kind::Hosts);
    changes(&mut late, 900..901, end);
    assert_eq!(cells(&late), wanted);
}

#[test]
fn a_lane_gives_room_back_when_it_needs_little() {
    let mut rooms = Rooms::new(Kind::Lanes);
    changes(&mut rooms, 0..10, |_| vec![busy(500), busy(0)]);
    let at = changes(&mut rooms, 10..500, |_| vec![busy(20), busy(0)]);
    assert_eq!(at, [100]);
    assert_eq!(cells(&rooms), [Room::Cells(24), Room::Cells(6)]);
}
