//! A cipher as a contestant of a case about surfaces.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use super::Cipher;
use crate::case::Contestant;
use crate::error::BenchError;
use crate::surface::{Buffer, Ring, Shape};

/// A cipher that goes over surfaces, which it shares with others.
pub(crate) struct OnSurfaces {
    pub(crate) cipher: Box<dyn Cipher>,
    pub(crate) ring: Rc<RefCell<Ring<Buffer>>>,
    pub(crate) shape: Shape,
    /// Whether it works on the destination alone.
    pub(crate) in_place: bool,
}

impl OnSurfaces {
    fn work(&mut self, source: &Buffer, destination: &mut Buffer) -> Result<(), BenchError> {
        if self.in_place {
            self.cipher.in_place(black_box(&mut destination.bytes_mut()[..self.shape.visible()]))
        } else {
            self.cipher.surface(self.shape, black_box(source.bytes()), black_box(destination.bytes_mut()))
        }
    }
}

impl Contestant for OnSurfaces {
    fn call(&mut self) -> Result<(), BenchError> {
        let ring = Rc::clone(&self.ring);
        let mut ring = ring.borrow_mut();
        let (source, destination) = ring.advance();
        self.work(source, destination)
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        let ring = Rc::clone(&self.ring);
        let mut ring = ring.borrow_mut();
        let (source, destination) = ring.advance();
        if self.in_place {
            destination.bytes_mut()[..self.shape.len()].copy_from_slice(source.bytes());
        } else {
            // What another contestant left there must not pass for this one's work.
            destination.bytes_mut().fill(0xa5);
        }
        self.cipher.renew()?;
        self.work(source, destination)?;
        Ok(self.shape.gather(destination.bytes()))
    }
}
