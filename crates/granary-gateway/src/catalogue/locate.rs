//! Which line of a file a reason is about.
//!
//! Rules are checked on what was read, where lines are no more. A reason names what it is about, as its reader needs
//! it, too; that is looked for. Nothing depends upon it but the number in front of a message.

/// The line, where there is one that can be told.
pub(super) fn line_of(text: &str, reason: &str) -> Option<usize> {
    let line_with = |what: &str| text.lines().position(|line| line.contains(what)).map(|at| at + 1);
    let line_starting =
        |what: &str| text.lines().position(|line| line.trim_start().starts_with(what)).map(|at| at + 1);
    // TOML says it itself, and the header begins with the file.
    if let Some((_, behind)) = reason.split_once("TOML parse error at line ") {
        return behind.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    }
    if let Some(name) = reason.strip_prefix("params.").and_then(|rest| rest.split(':').next()) {
        return line_with(&format!("[params.{name}]"));
    }
    if let Some(column) = reason.strip_prefix("column ").and_then(|rest| rest.split([' ', ':']).next()) {
        return line_starting(&format!("{column} =")).or_else(|| line_with(column));
    }
    if let Some(table) = reason.strip_prefix("tables names ").and_then(|rest| rest.split(',').next()) {
        return line_starting("tables").or_else(|| line_with(table));
    }
    if let Some(table) = reason.strip_prefix("table ").and_then(|rest| rest.split([' ', ':']).next()) {
        let sql = text.split_once("*/").map_or(0, |(header, _)| header.lines().count());
        let at = text.lines().skip(sql).position(|line| line.contains(table));
        return at.map(|at| sql + at + 1).or_else(|| line_with(table));
    }
    if reason.starts_with('{')
        && let Some((placeholder, _)) = reason.split_once('}')
    {
        return line_with(placeholder);
    }
    if let Some(name) = reason.strip_prefix("-- @when ").and_then(|rest| rest.split(':').next()) {
        return line_starting(&format!("-- @when {name}"));
    }
    if let Some(name) = reason.split(" is declared and nowhere used").next().filter(|name| *name != reason) {
        return line_with(&format!("[params.{name}]")).or_else(|| line_with(&format!("\"{name}\"")));
    }
    // What is quoted in a reason stands in the file, or is about all of it.
    let quoted = ['`', '"', '\'']
        .iter()
        .find_map(|quote| reason.split_once(*quote)?.1.split_once(*quote).map(|(inside, _)| inside));
    quoted.filter(|inside| !inside.is_empty()).and_then(line_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/*\nquestion = \"q?\"\nfilters = [\"user\"]\ntables = [\"t\"]\n[params.by]\ntype = \"enum\"\n\
                        [columns]\nx = \"x\"\n*/\nSELECT x\nFROM t\nWHERE {user:String}\n-- @when by = c\n";

    #[test]
    fn a_reason_is_found_where_what_it_names_stands() {
        for (reason, line) in [
            ("TOML parse error at line 3, column 1", Some(3)),
            ("params.by: an enum has values, and nothing else has", Some(5)),
            ("column x: nothing gives it", Some(8)),
            ("tables names t, which it does not read", Some(4)),
            ("table t is not filtered by TenantId", Some(11)),
            ("{user:String} is declared as {user:Array(String)}", Some(12)),
            ("-- @when by: \"c\" is none of its values", Some(13)),
            ("user is declared and nowhere used", Some(3)),
            ("Unknown expression identifier `x`", Some(8)),
            ("columns is empty", None),
        ] {
            assert_eq!(line_of(FILE, reason), line, "{reason}");
        }
    }
}
