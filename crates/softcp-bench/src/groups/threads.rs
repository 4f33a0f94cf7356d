//! Blits on several threads, with a driver for each number of them.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Planned, warm};
use crate::bench::Bench;
use crate::case::Case;
use crate::driver::{Blit, Blits, Link};
use crate::implementations::{KEY, reference};
use crate::surface::{Shape, content};

/// What is measured, and whether in a quick run too.
const SIZES: [(&str, Shape, bool); 4] = [
    ("256 KiB", Shape::flat(256 << 10), false),
    ("1 MiB", Shape::flat(1 << 20), true),
    ("1080p NV12", Shape::packed(1920, 1620), true),
    ("4K NV12", Shape::packed(3840, 3240), false),
];

/// The configuration of the built-in driver: how many threads help the caller's.
fn option(threads: usize) -> String {
    format!("blit.threads={}", threads.saturating_sub(1))
}

pub(super) fn plan(bench: &mut Bench<'_>) -> Vec<Planned> {
    let mut links = Vec::new();
    for threads in bench.threads.clone() {
        let link = (bench.open)(&option(threads))
            .and_then(|opened| Link::open(&opened.driver, &opened.trust).map_err(|error| error.to_string()));
        match link {
            Ok(link) => links.push((threads, link)),
            // What does not know the key with one thread does not know it with two.
            Err(reason) if links.is_empty() => {
                bench.skip("threads", format!("no driver opens with {}: {reason}", option(threads)));
                return Vec::new();
            }
            Err(reason) => {
                bench
                    .skip(format!("threads: {threads}"), format!("no driver opens with {}: {reason}", option(threads)));
            }
        }
    }
    // Alone it could be compared with nothing.
    if links.len() < 2 {
        bench.skip("threads", "there are no two numbers of threads to compare");
        return Vec::new();
    }
    let links = Rc::new(links);
    let schedule = warm(bench);
    let quick = bench.quick;
    let chosen = SIZES.into_iter().filter(|(_, _, is_quick)| *is_quick || !quick);
    let cases = chosen.map(|(name, shape, _)| {
        let links = Rc::clone(&links);
        Planned::new(name, schedule, move |_| {
            let content = content(shape.visible());
            let encrypted = Rc::from(reference(&KEY, &content));
            let mut case = Case::new(name, Some(shape.visible()));
            for (threads, link) in links.iter() {
                let resources = Rc::new(RefCell::new(link.resources(1, shape, &content)?));
                let name = if *threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
                case.add(name, &encrypted, Blits::new(link, Blit::Decrypt, &resources, shape)?);
            }
            Ok(case)
        })
    });
    cases.collect()
}
