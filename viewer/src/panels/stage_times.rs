//! What may be told of the times of stages, so that it never contradicts what is told of the run.

use crawlfield_engine::{
    feed::snapshot::{HostInfo, Prediction, Snapshot, StageInfo},
    model::phase::SessionPhase,
};

/// When a stage ends, in seconds from the snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StageTime {
    pub(super) eta: f64,
    /// Its 80 % interval.
    pub(super) eta80: Option<[f64; 2]>,
}

/// The times of a run's stages: nothing is told where no time left is told of the run, no stage ends
/// after it, and the last one to end ends with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StageTimes<'a> {
    stages: &'a [StageInfo],
    run: Option<&'a Prediction>,
    /// The stage that ends last, by its number.
    last: Option<usize>,
}

impl<'a> StageTimes<'a> {
    /// Of a session in this phase.
    pub(super) fn of_session(phase: Option<SessionPhase>, snapshot: &'a Snapshot) -> Self {
        let is_told = phase == Some(SessionPhase::Running) && !is_learning(snapshot);
        let stages = &snapshot.progress.stages;
        let etas = stages.iter().enumerate();
        let last = etas
            .filter_map(|(at, stage)| Some((at, stage.eta?)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        Self {
            stages,
            run: snapshot.prediction.as_ref().filter(|_| is_told),
            last: last.map(|(at, _)| at),
        }
    }

    /// Of the stage with this number.
    pub(super) fn of(self, at: usize) -> Option<StageTime> {
        let run = self.run?;
        let (most, eta80) = (run.eta_median, Some(run.eta80));
        if self.last == Some(at) {
            return Some(StageTime { eta: most, eta80 });
        }
        let stage = self.stages.get(at)?;
        let eta = stage.eta?;
        Some(StageTime {
            eta: eta.min(most),
            eta80: stage.eta80.filter(|_| eta <= most).or(eta80),
        })
    }
}

/// Whether the speed of the hosts that hold most pages is still being found.
pub(super) fn is_learning(snapshot: &Snapshot) -> bool {
    let of = |is_meant: fn(&HostInfo) -> bool| -> u64 {
        let hosts = snapshot.hosts.iter().filter(|host| is_meant(host));
        hosts.map(|host| host.waiting).sum()
    };
    let learning = of(|host| host.is_learning);
    learning > 0 && learning * 2 > of(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(etas: &[f64], run: f64) -> Snapshot {
        let stage = |eta: &f64| StageInfo {
            eta: Some(*eta),
            ..StageInfo::default()
        };
        let mut snapshot = Snapshot {
            prediction: Some(Prediction {
                eta_median: run,
                eta80: [run / 2.0, run * 2.0],
                ..Prediction::default()
            }),
            ..Snapshot::default()
        };
        snapshot.progress.stages = etas.iter().map(stage).collect();
        snapshot
    }

    fn told(snapshot: &Snapshot, phase: SessionPhase) -> Vec<Option<f64>> {
        let times = StageTimes::of_session(Some(phase), snapshot);
        let stages = 0..snapshot.progress.stages.len();
        stages.map(|at| Some(times.of(at)?.eta)).collect()
    }

    #[test]
    fn the_last_stage_ends_with_the_run_and_none_after_it() {
        let running = SessionPhase::Running;
        let short = snapshot(&[7.0, 43.0], 511.0);
        assert_eq!(told(&short, running), [Some(7.0), Some(511.0)]);
        let long = snapshot(&[90.0, 120.0], 60.0);
        assert_eq!(told(&long, running), [Some(60.0), Some(60.0)]);
    }

    #[test]
    fn nothing_is_told_of_stages_where_nothing_is_told_of_the_run() {
        let mut one = snapshot(&[7.0], 30.0);
        assert_eq!(told(&one, SessionPhase::Paused), [None]);
        one.hosts = vec![HostInfo {
            is_learning: true,
            waiting: 9,
            ..HostInfo::default()
        }];
        assert_eq!(told(&one, SessionPhase::Running), [None]);
        one.hosts[0].is_learning = false;
        one.prediction = None;
        assert_eq!(told(&one, SessionPhase::Running), [None]);
    }
}
