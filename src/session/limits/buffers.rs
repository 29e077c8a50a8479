//! Buffers that come back when the HTTP client has sent what they hold, so that a large file needs as
//! few of them as there are pieces under way.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// How many bytes of a large file are read at once: few enough to be still in the cache of the core
/// when their checksum is computed.
pub const BUFFER_BYTES: usize = 128 * 1024;

/// The buffers of a run that nobody uses.
#[derive(Clone, Default)]
pub struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// A buffer and how much of it is to be sent.
struct Lent {
    buffer: Vec<u8>,
    length: usize,
    home: Buffers,
}

impl Buffers {
    /// Lets `fill` write at most [`BUFFER_BYTES`] bytes, `length` of which are returned.
    pub fn filled<E>(
        &self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Bytes, E> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let buffer = free.unwrap_or_else(|| vec![0; BUFFER_BYTES]);
        let length = length.min(BUFFER_BYTES);
        let mut lent = Lent { buffer, length, home: self.clone() };
        fill(&mut lent.buffer[..length])?;
        Ok(Bytes::from_owner(lent))
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(buffers: &Buffers, byte: u8) -> Bytes {
        let fill = |bytes: &mut [u8]| {
            bytes.fill(byte);
            Ok::<_, ()>(())
        };
        buffers.filled(3, fill).unwrap()
    }

    #[test]
    fn a_buffer_is_used_again_when_nobody_holds_it_any_more() {
        let buffers = Buffers::default();
        let (first, second) = (filled(&buffers, 1), filled(&buffers, 2));
        let part_of_first = first.slice(1..);
        drop(first);
        let third = filled(&buffers, 3);
        assert_eq!(
            (&part_of_first[..], &second[..], &third[..]),
            (&[1; 2][..], &[2; 3][..], &[3; 3][..])
        );
        let place = part_of_first.as_ptr() as usize;
        drop(part_of_first);
        assert_eq!(filled(&buffers, 4).as_ptr() as usize, place - 1);
        drop((second, third));
        assert_eq!(buffers.0.lock().unwrap().len(), 3, "all are back, and no more were made");
    }

    #[test]
    fn a_buffer_that_could_not_be_filled_comes_back_too() {
        let buffers = Buffers::default();
        assert_eq!(buffers.filled(3, |_| Err("broken")), Err("broken"));
        assert_eq!(buffers.0.lock().unwrap().len(), 1);
    }
}
