//! What went wrong on the way and was mended.

use std::fmt;

use serde::Serialize;

/// Something that went wrong, and what the player did about it. The output is as it would be without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// The track, where it concerned one.
    pub track_id: Option<u32>,
    /// The sample at which it happened first, by its number within the track from 0; none outside of samples.
    pub sample: Option<u64>,
    /// What the player saw.
    pub error: String,
    /// What it did.
    pub remedy: Remedy,
    /// How often it happened.
    pub times: u64,
}

/// What the player does about something that went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Remedy {
    /// Lost keys were set up anew, and the call was repeated (D23).
    NewKeys,
    /// The driver refused a session key refresh: the key in force stayed, and the next sample asked again.
    RefreshLater,
    /// The random number of a refresh was the one before: the refresh was started again, and the newer number used (D2).
    RefreshAgain,
    /// A new device, with a new channel and new sessions, went on at the same sample.
    StartOver,
    /// Opening the path took long, and the player waited.
    Wait,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NewKeys => "set up new keys and repeated the call",
            Self::RefreshLater => "went on under the old key and asked for a refresh again later",
            Self::RefreshAgain => "started the refresh again and used the newer number",
            Self::StartOver => "opened a new device, channel and sessions, and went on where it was",
            Self::Wait => "waited",
        })
    }
}

/// The incidents of a run, in the order in which each happened first.
#[derive(Debug, Default)]
pub(crate) struct Incidents(Vec<Incident>);

impl Incidents {
    /// Adds one, or counts it where the same has happened before.
    pub(crate) fn add(&mut self, track_id: Option<u32>, sample: Option<u64>, error: String, remedy: Remedy) {
        let is_same =
            |known: &&mut Incident| (known.track_id, known.remedy) == (track_id, remedy) && known.error == error;
        match self.0.iter_mut().find(is_same) {
            Some(known) => known.times += 1,
            None => self.0.push(Incident { track_id, sample, error, remedy, times: 1 }),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Incident> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_incident_is_counted_at_its_first_sample() {
        let mut incidents = Incidents::default();
        for (track, sample, error) in [(1, 5, "lost"), (1, 9, "lost"), (2, 9, "lost"), (1, 10, "gone")] {
            incidents.add(Some(track), Some(sample), error.to_owned(), Remedy::NewKeys);
        }
        let seen: Vec<_> = incidents.into_vec().into_iter().map(|incident| (incident.sample, incident.times)).collect();
        assert_eq!(seen, [(Some(5), 2), (Some(9), 1), (Some(10), 1)]);
    }
}
