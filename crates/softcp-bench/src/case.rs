//! One thing to do, and those who do it.

use std::rc::Rc;

use crate::error::BenchError;
use crate::report::CaseReport;
use crate::timing::{self, Schedule, SplitMix};

/// Somebody who can do what a case asks for. Keys and contexts are ready.
pub(crate) trait Implementation {
    /// Does it once, as it is timed.
    fn call(&mut self) -> Result<(), BenchError>;

    /// Does it once from a known beginning, before anything is timed, and gives what came out of it.
    fn prove(&mut self) -> Result<Vec<u8>, BenchError>;
}

/// An implementation in a case.
pub(crate) struct Entry {
    name: String,
    implementation: Box<dyn Implementation>,
    /// What must come out of it.
    expected: Rc<[u8]>,
}

/// One thing to do. The first entry is the reference that the others are compared with.
pub(crate) struct Case {
    name: String,
    /// Bytes that one call moves; none: the time of a call says more.
    bytes: Option<u64>,
    entries: Vec<Entry>,
}

impl Case {
    pub(crate) fn new(name: impl Into<String>, bytes: Option<usize>) -> Self {
        Self { name: name.into(), bytes: bytes.map(|bytes| bytes as u64), entries: Vec::new() }
    }

    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        expected: &Rc<[u8]>,
        implementation: impl Implementation + 'static,
    ) {
        let entry =
            Entry { name: name.into(), implementation: Box::new(implementation), expected: Rc::clone(expected) };
        self.entries.push(entry);
    }

    /// Checks every output, then measures.
    pub(crate) fn run(mut self, schedule: Schedule, random: &mut SplitMix) -> Result<CaseReport, BenchError> {
        for entry in &mut self.entries {
            let output = entry.implementation.prove()?;
            if let Some(defect) = difference(&output, &entry.expected) {
                return Err(BenchError::WrongOutput { case: self.name, implementation: entry.name.clone(), defect });
            }
        }
        let mut calls: Vec<_> = self
            .entries
            .iter_mut()
            .map(|entry| {
                let implementation = &mut entry.implementation;
                move || implementation.call()
            })
            .collect();
        let mut turns: Vec<_> =
            calls.iter_mut().map(|call| call as &mut dyn FnMut() -> Result<(), BenchError>).collect();
        let times = timing::run(&mut turns, schedule, random)?;
        drop(turns);
        drop(calls);
        let names = self.entries.into_iter().map(|entry| entry.name).collect();
        Ok(CaseReport::new(self.name, self.bytes, names, &timing::summarise(&times)))
    }
}

/// How `output` differs from what it must be.
fn difference(output: &[u8], expected: &[u8]) -> Option<String> {
    if output.len() != expected.len() {
        return Some(format!("{} bytes instead of {}", output.len(), expected.len()));
    }
    let first = output.iter().zip(expected).position(|(byte, expected)| byte != expected)?;
    Some(format!("byte {first} of {} is 0x{:02x} instead of 0x{:02x}", output.len(), output[first], expected[first]))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Copier(Vec<u8>);

    impl Implementation for Copier {
        fn call(&mut self) -> Result<(), BenchError> {
            Ok(())
        }

        fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
            Ok(self.0.clone())
        }
    }

    const SCHEDULE: Schedule = Schedule { budget: Duration::ZERO, turn: Duration::ZERO, least_rounds: 2, warm_up: 0 };

    #[test]
    fn implementation_with_wrong_bytes_is_an_error_that_names_it() {
        for (wrong, defect) in [
            (&b"abxd"[..], "byte 2 of 4 is 0x78 instead of 0x63"),
            (b"abc", "3 bytes instead of 4"),
            (b"", "0 bytes instead of 4"),
        ] {
            let mut case = Case::new("a copy", Some(4));
            let expected = Rc::from(&b"abcd"[..]);
            case.add("right", &expected, Copier(b"abcd".to_vec()));
            case.add("wrong", &expected, Copier(wrong.to_vec()));
            let error = case.run(SCHEDULE, &mut SplitMix::new(1)).unwrap_err();
            assert_eq!(error.to_string(), format!("wrong gives wrong output for a copy: {defect}"));
        }
    }

    #[test]
    fn implementations_are_reported_in_the_order_they_were_added() {
        let mut case = Case::new("a copy", Some(4));
        let expected = Rc::from(&b"abcd"[..]);
        for name in ["first", "second", "third"] {
            case.add(name, &expected, Copier(b"abcd".to_vec()));
        }
        let report = case.run(SCHEDULE, &mut SplitMix::new(1)).unwrap();
        let names: Vec<_> = report.results.iter().map(|result| result.implementation.as_str()).collect();
        assert_eq!(names, ["first", "second", "third"]);
        assert_eq!((report.bytes, report.rounds + report.rounds_dropped), (Some(4), 2));
    }
}
