//! A cipher as an implementation of a case about surfaces.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use super::Cipher;
use crate::case::Implementation;
use crate::error::BenchError;
use crate::surface::{Buffer, Ring, Shape, UNTOUCHED};

/// A cipher that goes over surfaces, which it shares with others.
pub(crate) struct OnSurfaces {
    pub(crate) cipher: Box<dyn Cipher>,
    pub(crate) ring: Rc<RefCell<Ring<Buffer>>>,
    pub(crate) shape: Shape,
    /// Whether it works on the destination alone.
    pub(crate) in_place: bool,
}

/// Lets a cipher go over a surface once.
fn work(
    cipher: &mut dyn Cipher,
    shape: Shape,
    in_place: bool,
    (source, destination): &mut (Buffer, Buffer),
) -> Result<(), BenchError> {
    if in_place {
        cipher.in_place(black_box(&mut destination.bytes_mut()[..shape.visible()]))
    } else {
        cipher.surface(shape, black_box(source.bytes()), black_box(destination.bytes_mut()))
    }
}

impl Implementation for OnSurfaces {
    fn call(&mut self) -> Result<(), BenchError> {
        work(&mut *self.cipher, self.shape, self.in_place, self.ring.borrow_mut().advance())
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        let mut ring = self.ring.borrow_mut();
        let pair = ring.advance();
        if self.in_place {
            pair.1.bytes_mut()[..self.shape.len()].copy_from_slice(pair.0.bytes());
        } else {
            // What another implementation left there must not pass for this one's work.
            pair.1.bytes_mut().fill(UNTOUCHED);
        }
        self.cipher.renew()?;
        work(&mut *self.cipher, self.shape, self.in_place, pair)?;
        Ok(self.shape.gather(pair.1.bytes()))
    }
}
