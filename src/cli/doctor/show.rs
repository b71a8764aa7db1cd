//! How the findings are shown: a line for each area, its findings below it, and what it comes to; or JSON.

use serde_json::{Value, json};

use super::finding::{Level, Look};

/// Where the codes are explained.
const PAGE: &str = "docs/troubleshooting.md";

/// Returns the report for people.
pub(crate) fn text(areas: &[(&str, Look)]) -> String {
    let mut lines = vec![];
    for (area, look) in areas {
        let worst = look.findings.iter().map(|f| f.code.level()).max();
        let worst = worst.map_or("ok", Level::name);
        lines.push(format!("{worst:<8} {area:<12} {}", look.at));
        for finding in &look.findings {
            let (code, level) = (finding.code.name(), finding.code.level().name());
            lines.push(format!("  {level} {code}: {}", finding.message));
            lines.push(format!("    fix: {}", finding.fix));
        }
    }
    let [errors, warnings, notes] = counts(areas);
    lines.push(match errors + warnings + notes {
        0 => "all is well".to_owned(),
        _ => format!(
            "{}, {}, {}; {PAGE} explains each",
            plural(errors, "error"),
            plural(warnings, "warning"),
            plural(notes, "note")
        ),
    });
    lines.join("\n")
}

/// Returns the report for scripts.
pub(crate) fn value(areas: &[(&str, Look)]) -> Value {
    let looked = areas
        .iter()
        .map(|(area, look)| json!({"area": area, "at": look.at}));
    let findings = areas.iter().flat_map(|(area, look)| {
        look.findings.iter().map(move |finding| {
            json!({
                "area": area,
                "code": finding.code.name(),
                "level": finding.code.level(),
                "message": finding.message,
                "fix": finding.fix,
            })
        })
    });
    let [errors, warnings, notes] = counts(areas);
    json!({
        "errors": errors,
        "warnings": warnings,
        "notes": notes,
        "looked": looked.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}

/// Counts the findings of each level, the worst first.
pub(crate) fn counts(areas: &[(&str, Look)]) -> [usize; 3] {
    let all = || areas.iter().flat_map(|(_, look)| &look.findings);
    [Level::Error, Level::Warning, Level::Note]
        .map(|level| all().filter(|f| f.code.level() == level).count())
}

fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}
