//! Writes what the sources make: `cargo run -p granary-dashboards`.

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    for rendered in granary_dashboards::render()? {
        let path = granary_dashboards::folder().join(&rendered.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, rendered.text())
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}
