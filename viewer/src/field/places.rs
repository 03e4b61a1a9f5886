//! Where blocks stand, also while they move from one layout to the next.

use crate::{
    field::layout::{Placed, Rect},
    numbers::{narrow, wide},
};

/// A change of the layout takes so long of the shown time.
const MOVE_US: u64 = 400_000;

/// A layout, and the one it came from while it still moves.
#[derive(Debug, Default)]
pub struct Places {
    from: Vec<Placed>,
    goal: Vec<Placed>,
    began_us: Option<u64>,
}

impl Places {
    /// All stand there at once.
    pub fn set(&mut self, goal: Vec<Placed>) {
        *self = Self {
            goal,
            ..Self::default()
        };
    }

    /// All go there from where they are, which is `now`.
    pub fn go(&mut self, now: &[Placed], goal: Vec<Placed>, now_us: u64) {
        self.from = now.to_vec();
        self.goal = goal;
        self.began_us = Some(now_us);
    }

    /// The way done, eased, from 0 to 1; `None` where nothing moves.
    #[must_use]
    pub fn way(&self, now_us: u64) -> Option<f32> {
        let since = now_us.checked_sub(self.began_us?)?;
        if since >= MOVE_US {
            return None;
        }
        let way = narrow(wide(since) / wide(MOVE_US));
        Some(way * way * (3.0 - 2.0 * way))
    }

    /// Nothing moves any more, or less than it did: where all stand now.
    pub fn at(&mut self, now_us: u64) -> Vec<Placed> {
        let Some(way) = self.way(now_us) else {
            self.began_us = None;
            self.from.clear();
            return self.goal.clone();
        };
        let from = self.from.iter().map(Some).chain(core::iter::repeat(None));
        let both = self.goal.iter().zip(from);
        both.map(|(goal, from)| between(from, goal, way)).collect()
    }

    /// Whether blocks are on their way.
    #[must_use]
    pub const fn is_moving(&self) -> bool {
        self.began_us.is_some()
    }

    /// Columns that a block's grid had before, where it moves and they differ.
    #[must_use]
    pub fn old_columns(&self, block: usize) -> Option<u32> {
        let (from, goal) = (self.from.get(block)?, self.goal.get(block)?);
        (from.columns != goal.columns && from.columns > 0).then_some(from.columns)
    }
}

/// A new block grows from its middle.
fn between(from: Option<&Placed>, goal: &Placed, way: f32) -> Placed {
    let mix = |from: f32, goal: f32| from + (goal - from) * way;
    let seed = Placed {
        rect: middle(goal.rect),
        x: f32::midpoint(goal.rect.left, goal.rect.right),
        y: f32::midpoint(goal.rect.top, goal.rect.bottom),
        cell: 0.1,
        ..*goal
    };
    let from = from.filter(|from| from.rect.width() > 0.0).unwrap_or(&seed);
    Placed {
        rect: Rect {
            left: mix(from.rect.left, goal.rect.left),
            top: mix(from.rect.top, goal.rect.top),
            right: mix(from.rect.right, goal.rect.right),
            bottom: mix(from.rect.bottom, goal.rect.bottom),
        },
        x: mix(from.x, goal.x),
        y: mix(from.y, goal.y),
        cell: mix(from.cell, goal.cell),
        columns: goal.columns,
        header: mix(from.header, goal.header),
        foot: mix(from.foot, goal.foot),
    }
}

fn middle(rect: Rect) -> Rect {
    Rect::new(
        f32::midpoint(rect.left, rect.right),
        f32::midpoint(rect.top, rect.bottom),
        0.0,
        0.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(left: f32) -> Placed {
        Placed {
            rect: Rect::new(left, 0.0, 100.0, 80.0),
            x: left + 4.0,
            y: 10.0,
            cell: 8.0,
            columns: 11,
            header: 8.0,
            foot: 4.0,
        }
    }

    #[test]
    fn blocks_go_on_from_where_they_are_and_arrive_in_four_tenths_of_a_second() {
        let mut places = Places::default();
        places.set(vec![placed(0.0)]);
        let first = places.at(5);
        assert_eq!(first, [placed(0.0)]);
        places.go(&first, vec![placed(200.0), placed(0.0)], 1_000_000);
        assert_eq!(places.at(1_000_000)[0], placed(0.0));
        let half = places.at(1_200_000);
        assert!((half[0].rect.left - 100.0).abs() < 0.01);
        let width = half[1].rect.width();
        assert!((width - 50.0).abs() < 0.01, "a new one grows");
        places.go(&half, vec![placed(0.0), placed(0.0)], 1_200_000);
        assert_eq!(places.at(1_200_000)[0], half[0], "no jump");
        assert_eq!(places.at(1_600_000)[0], placed(0.0));
        assert!(!places.is_moving());
    }

    #[test]
    fn a_grid_with_other_columns_tells_those_it_had() {
        let mut places = Places::default();
        let (old, new) = (
            placed(0.0),
            Placed {
                columns: 20,
                ..placed(0.0)
            },
        );
        places.go(&[old, old], vec![new, old], 0);
        assert_eq!(places.old_columns(0), Some(11));
        assert_eq!(places.old_columns(1), None);
    }
}
