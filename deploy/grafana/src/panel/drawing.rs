//! What Grafana wants to know to draw a panel: units, colours, links, and the options of its kind.

use serde_json::{Value, json};

use super::{Header, Kind};

impl Header {
    pub(super) fn defaults(&self) -> Value {
        let steps: Vec<_> =
            self.thresholds.iter().map(|step| json!({ "color": step.color, "value": step.from })).collect();
        let mut defaults = json!({ "custom": self.custom() });
        let is_coloured = self.kind != Kind::Table || self.heat;
        let color = if steps.is_empty() { "palette-classic" } else { "thresholds" };
        let name = |series: &String| json!(format!("${{__field.labels.{series}}}"));
        let fields = [
            ("displayName", self.series.as_ref().map(name)),
            ("unit", self.unit.as_ref().map(|unit| json!(unit))),
            ("min", self.min.map(|min| json!(min))),
            ("max", self.max.map(|max| json!(max))),
            ("thresholds", (!steps.is_empty()).then(|| json!({ "mode": "absolute", "steps": steps }))),
            ("color", is_coloured.then(|| json!({ "mode": self.color_mode(color) }))),
        ];
        if let Some(defaults) = defaults.as_object_mut() {
            let set = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            defaults.extend(set);
        }
        defaults
    }

    /// Lines keep a colour of their own each; their thresholds are drawn across.
    fn color_mode<'a>(&self, mode: &'a str) -> &'a str {
        match self.kind {
            Kind::TimeSeries => "palette-classic",
            Kind::Table => "continuous-YlRd",
            _ => mode,
        }
    }

    fn custom(&self) -> Value {
        match self.kind {
            Kind::TimeSeries => json!({
                "drawStyle": if self.stack && !self.smooth { "bars" } else { "line" },
                "lineInterpolation": if self.smooth { "smooth" } else { "linear" },
                "fillOpacity": if self.stack { 60 } else { 10 },
                "lineWidth": 1,
                "showPoints": "auto",
                "spanNulls": false,
                "stacking": { "mode": if self.stack { "normal" } else { "none" }, "group": "A" },
                "thresholdsStyle": { "mode": if self.thresholds.is_empty() { "off" } else { "dashed" } },
            }),
            Kind::Table if self.heat => {
                json!({ "cellOptions": { "type": "color-background", "mode": "basic" }, "align": "center" })
            }
            Kind::Table => json!({ "filterable": true }),
            Kind::StateTimeline => json!({ "fillOpacity": 70, "lineWidth": 0 }),
            _ => json!({}),
        }
    }

    pub(super) fn overrides(&self) -> Vec<Value> {
        let of = |name: &str, id: &str, value: Value| {
            json!({
                "matcher": { "id": "byName", "options": name },
                "properties": [{ "id": id, "value": value }],
            })
        };
        let units = self.units.iter().map(|(column, unit)| of(column, "unit", json!(unit)));
        let colors = self
            .colors
            .iter()
            .map(|(series, color)| of(series, "color", json!({ "mode": "fixed", "fixedColor": color })));
        let replay = (self.kind == Kind::Table).then(|| {
            of(
                "session",
                "links",
                json!([
                    {
                        "title": "The session by itself",
                        "url": "/d/granary-session?var-session=${__value.raw:percentencode}&var-source=${source}&var-gateway=${gateway:percentencode}",
                    },
                    {
                        "title": "Replay the session",
                        "url": "${gateway}/v1/sessions/${__value.raw:percentencode}/replay?speed=max",
                        "targetBlank": true,
                    },
                    {
                        "title": "All figures of the session",
                        "url": "${gateway}/v1/queries/session_summary.json?session=${__value.raw:percentencode}",
                        "targetBlank": true,
                    },
                ]),
            )
        });
        units.chain(colors).chain(replay).collect()
    }

    pub(super) fn options(&self) -> Value {
        let of_all_rows = json!({ "values": true, "calcs": ["lastNotNull"], "fields": "" });
        let of_one_row = json!({ "values": false, "calcs": ["lastNotNull"], "fields": "" });
        match self.kind {
            Kind::Stat => json!({
                "reduceOptions": of_one_row,
                "colorMode": if self.thresholds.is_empty() { "none" } else { "background" },
                "graphMode": "none",
            }),
            Kind::Gauge => json!({ "reduceOptions": of_one_row, "showThresholdLabels": false }),
            Kind::BarGauge => {
                json!({ "reduceOptions": of_all_rows, "orientation": "horizontal", "displayMode": "gradient" })
            }
            Kind::PieChart => json!({
                "reduceOptions": of_all_rows,
                "pieType": "donut",
                "legend": { "showLegend": true, "displayMode": "table", "placement": "right", "values": ["value", "percent"] },
                "tooltip": { "mode": "single", "sort": "none" },
            }),
            Kind::BarChart => json!({
                "orientation": "horizontal",
                "stacking": if self.stack { "normal" } else { "none" },
                "showValue": "auto",
                "legend": { "showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": [] },
                "tooltip": { "mode": "multi", "sort": "none" },
            }),
            Kind::TimeSeries => json!({
                "tooltip": { "mode": "multi", "sort": "desc" },
                "legend": { "showLegend": true, "displayMode": "table", "placement": "bottom", "calcs": ["mean", "max"] },
            }),
            Kind::Heatmap => json!({
                "calculate": false,
                "color": { "mode": "scheme", "scheme": "Oranges", "steps": 64 },
                "cellGap": 1,
                "rowsFrame": { "layout": "auto" },
                "yAxis": { "unit": "short" },
                "cellValues": { "unit": self.unit },
            }),
            Kind::Table => json!({ "showHeader": true, "cellHeight": "sm" }),
            Kind::Logs => json!({ "showTime": true, "wrapLogMessage": true, "sortOrder": "Descending" }),
            Kind::StateTimeline => json!({ "mergeValues": true, "showValue": "auto", "rowHeight": 0.9 }),
            Kind::NodeGraph => json!({}),
        }
    }
}
