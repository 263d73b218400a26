//! What requests cost of which the transcript does not say it: from the warehouse's price list, on the request's day.

use anyhow::Context;
use granary_clickhouse::Warehouse;
use granary_model::bare_model_name;
use jiff::civil::Date;
use serde::Deserialize;

use super::transcript::Usage;

/// `model_prices`, which has some dozens of rows.
#[derive(Debug, Default)]
pub(super) struct Prices(Vec<Price>);

#[derive(Debug, Deserialize)]
struct Price {
    model: String,
    valid_from: Date,
    /// Per million tokens: input, output, read from the cache, written to it, and for an hour.
    rates: [f64; 5],
    long_input_factor: f64,
    long_output_factor: f64,
    fast_factor: f64,
}

/// Above so many input tokens, cached ones included, the long factors apply; as in the rollups.
const LONG_CONTEXT: u64 = 200_000;

impl Prices {
    /// Reads the list.
    pub(super) async fn read(warehouse: &Warehouse) -> anyhow::Result<Self> {
        let rows = warehouse
            .query(
                "SELECT Model AS model, ValidFrom AS valid_from, [toFloat64(Input), toFloat64(Output), \
                 toFloat64(CacheRead), toFloat64(CacheCreation), toFloat64(CacheCreation1h)] AS rates, \
                 toFloat64(LongInputFactor) AS long_input_factor, toFloat64(LongOutputFactor) AS long_output_factor, \
                 toFloat64(FastFactor) AS fast_factor FROM model_prices FINAL",
            )
            .with_setting("output_format_json_quote_64bit_floats", "0")
            .fetch_bytes("JSONEachRow")?
            .collect()
            .await?;
        let prices = serde_json::Deserializer::from_slice(&rows).into_iter().collect::<Result<_, _>>();
        Ok(Self(prices.context("the price list cannot be read")?))
    }

    /// In US dollars; `None` where no price is known for the model on that day.
    #[expect(clippy::cast_precision_loss, reason = "tokens of one request")]
    pub(super) fn cost(&self, model: &str, day: Date, usage: &Usage, is_fast: bool) -> Option<f64> {
        let model = bare_model_name(model);
        let of_model = self.0.iter().filter(|price| price.model == model && price.valid_from <= day);
        let price = of_model.max_by_key(|price| price.valid_from)?;
        let [input, output, read, written, written_1h] = price.rates;
        let Usage {
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_creation_tokens,
            cache_creation_1h_tokens,
            ..
        } = *usage;
        let is_long = input_tokens + cache_read_tokens + cache_creation_tokens > LONG_CONTEXT;
        let factor = |factor: f64| if is_long { factor } else { 1.0 };
        let sent = input_tokens as f64 * input
            + cache_read_tokens as f64 * read
            + cache_creation_tokens as f64 * written
            + cache_creation_1h_tokens as f64 * (written_1h - written);
        let cost = sent * factor(price.long_input_factor)
            + output_tokens as f64 * output * factor(price.long_output_factor);
        Some(cost * if is_fast { price.fast_factor } else { 1.0 } / 1e6)
    }
}
