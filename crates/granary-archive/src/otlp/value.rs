//! Values, attributes, ids and numbers as OTLP's JSON writes them, and fields with their defaults left out.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use granary_model::{Attribute, AttributeRef, Attributes, Value, ValueRef};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// What is written in its OTLP form and not in one of its own.
pub(super) struct Json<'a, T: ?Sized>(pub(super) &'a T);

/// The fields of a message, one after another.
pub(super) struct Fields<M>(M);

impl<M: SerializeMap> Fields<M> {
    pub(super) fn start<S: Serializer<SerializeMap = M>>(serializer: S) -> Result<Self, S::Error> {
        serializer.serialize_map(None).map(Self)
    }

    pub(super) fn end(self) -> Result<M::Ok, M::Error> {
        self.0.end()
    }

    /// A field that is there whatever its value.
    pub(super) fn always(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }

    /// A field that is left out where it has its default.
    pub(super) fn some<T: Serialize + Default + PartialEq>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), M::Error> {
        if *value == T::default() { Ok(()) } else { self.always(name, value) }
    }

    /// Text or an id: what prints as nothing is left out.
    pub(super) fn text(&mut self, name: &'static str, value: &impl ToString) -> Result<(), M::Error> {
        self.some(name, &value.to_string())
    }

    /// A 64-bit integer, which JSON readers would round if it were a number.
    pub(super) fn long(&mut self, name: &'static str, number: u64) -> Result<(), M::Error> {
        self.always(name, &number.to_string())
    }

    /// 64-bit integers.
    pub(super) fn longs(&mut self, name: &'static str, numbers: &[u64]) -> Result<(), M::Error> {
        let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
        self.some(name, &numbers)
    }

    /// A double that may be missing.
    pub(super) fn double(&mut self, name: &'static str, number: Option<f64>) -> Result<(), M::Error> {
        number.map_or(Ok(()), |number| self.always(name, &Json(&number)))
    }

    /// Key-value pairs.
    pub(super) fn attributes(&mut self, name: &'static str, attributes: &Attributes) -> Result<(), M::Error> {
        if attributes.is_empty() { Ok(()) } else { self.always(name, &Json(attributes)) }
    }

    /// A list of messages.
    pub(super) fn list<'a, T>(&mut self, name: &'static str, items: &'a [T]) -> Result<(), M::Error>
    where
        Json<'a, T>: Serialize,
    {
        if items.is_empty() { Ok(()) } else { self.always(name, &Seq(items)) }
    }
}

/// A list of what is written in its OTLP form.
pub(super) struct Seq<'a, T>(pub(super) &'a [T]);

impl<'a, T> Serialize for Seq<'a, T>
where
    Json<'a, T>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Json))
    }
}

/// An `AnyValue`.
impl Serialize for Json<'_, ValueRef<'_>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields::start(serializer)?;
        match *self.0 {
            ValueRef::Empty => {}
            ValueRef::String(text) => fields.always("stringValue", text)?,
            ValueRef::Bool(truth) => fields.always("boolValue", &truth)?,
            ValueRef::Int(number) => fields.always("intValue", &number.to_string())?,
            ValueRef::Double(number) => fields.double("doubleValue", Some(number))?,
            ValueRef::Bytes(bytes) => fields.always("bytesValue", &BASE64_STANDARD.encode(bytes))?,
            ValueRef::Array(values) => fields.always("arrayValue", &Values(values))?,
            ValueRef::Map(entries) => fields.always("kvlistValue", &Values(entries))?,
        }
        fields.end()
    }
}

impl Serialize for Json<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Json(&ValueRef::from(self.0)).serialize(serializer)
    }
}

/// An `ArrayValue` or `KeyValueList`; its list is written even where it is empty, which some readers need.
struct Values<'a, T>(&'a [T]);

impl<'a, T> Serialize for Values<'a, T>
where
    Json<'a, T>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields::start(serializer)?;
        fields.always("values", &Seq(self.0))?;
        fields.end()
    }
}

/// A `KeyValue`.
impl Serialize for Json<'_, AttributeRef<'_>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let AttributeRef { key, value } = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.always("key", key)?;
        fields.always("value", &Json(value))?;
        fields.end()
    }
}

impl Serialize for Json<'_, Attribute> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Json(&AttributeRef::from(self.0)).serialize(serializer)
    }
}

impl Serialize for Json<'_, Attributes> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = serializer.serialize_seq(Some(self.0.len()))?;
        for pair in self.0 {
            pairs.serialize_element(&Json(&pair))?;
        }
        pairs.end()
    }
}

/// A double, or the name of one that JSON has no number for.
impl Serialize for Json<'_, f64> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self.0 {
            number if number.is_finite() => serializer.serialize_f64(number),
            number if number.is_nan() => serializer.serialize_str("NaN"),
            number if number > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}
