//! Protobuf's wire format, as far as the direct way from bytes to log records needs it.
//!
//! Everything returns `None` where `prost` would report an error, and also where a message is written in a
//! way that is allowed and that no sender uses. Then the whole request is read by `prost` instead, which knows all
//! that is allowed and says what is wrong.

/// Reads fields one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// A field's number and value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: WireValue<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum WireValue<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes there still are.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next field; there must be one.
    #[inline]
    pub(crate) fn field(&mut self) -> Option<Field<'a>> {
        let tag = u32::try_from(self.varint()?).ok()?;
        let number = tag >> 3;
        if number == 0 {
            return None;
        }
        let value = match tag & 7 {
            0 => WireValue::Varint(self.varint()?),
            1 => WireValue::Fixed64(self.chunk()?),
            2 => WireValue::Bytes(self.bytes()?),
            5 => WireValue::Fixed32(self.chunk()?),
            _ => return None,
        };
        Some(Field { number, value })
    }

    /// The next field, if it is a short one of bytes with this number.
    #[inline]
    pub(crate) fn short_bytes(&mut self, number: u8) -> Option<&'a [u8]> {
        let (bytes, rest) = short_bytes(self.rest, number)?;
        self.rest = rest;
        Some(bytes)
    }

    #[inline]
    fn varint(&mut self) -> Option<u64> {
        match self.rest {
            [only @ 0..0x80, rest @ ..] => {
                self.rest = rest;
                Some(u64::from(*only))
            }
            // The length of most records.
            [low, high @ 0..0x80, rest @ ..] => {
                self.rest = rest;
                Some(u64::from(low & 0x7F) | u64::from(*high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for (at, &byte) in self.rest.iter().take(10).enumerate() {
            // The tenth byte has room for one bit.
            if at == 9 && byte > 1 {
                return None;
            }
            number |= u64::from(byte & 0x7F) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Some(number);
            }
        }
        None
    }

    #[inline]
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*chunk)
    }
}

/// Takes a short field of bytes with this number from the front of a message, as nearly all fields are written.
///
/// Says `None` for any other; [`Reader`] reads it then.
#[inline]
pub(crate) fn short_bytes(message: &[u8], number: u8) -> Option<(&[u8], &[u8])> {
    let [tag, length @ 0..0x80, rest @ ..] = message else { return None };
    if *tag != number << 3 | 2 {
        return None;
    }
    rest.split_at_checked(usize::from(*length))
}

/// A field that is to stand in a message once: protobuf puts the parts of one that stands there twice together.
pub(crate) fn once<'a>(field: &mut Option<&'a [u8]>, bytes: &'a [u8]) -> Option<()> {
    field.replace(bytes).is_none().then_some(())
}
