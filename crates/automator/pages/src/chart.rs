//! Bar charts as SVG inside the page. Their colours are presentation attributes, which the style sheet overrules: the
//! chart is as light or dark as the page.

use chassis::Fault;
use plotters::prelude::*;

/// Width of a chart's coordinates; the page scales it to its place.
const WIDTH: u32 = 720;
/// Height of one group's bars.
const ROW: u32 = 26;
/// Height of the axis below them.
const AXIS: u32 = 56;
/// Room for the names of the groups.
const NAMES: u32 = 250;

/// The colours that `templates/style.css` overrules: nine of ten, and the median on top of it.
const P90: RGBColor = RGBColor(0xa5, 0xc4, 0xe8);
const P50: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);

/// A group with its median and the time that nine of ten did not exceed, in hours.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
}

/// Draws the bars, first at the top: an `svg` element whose title and description screen readers tell. `id` is unique in
/// the page.
///
/// # Errors
/// [`Fault::Internal`]: a chart that cannot be drawn.
pub(crate) fn bars(id: &str, title: &str, description: &str, bars: &[Bar]) -> Result<String, Fault> {
    // An axis of one segment has no length.
    let rows = u16::try_from(bars.len().max(2)).map_err(Fault::internal)?;
    let height = ROW * u32::from(rows) + AXIS;
    let mut svg = String::new();
    draw(&mut svg, height, rows.into(), bars).map_err(|error| Fault::internal(error.to_string()))?;
    // The drawing without its own opening tag: ours names it and lets it scale.
    let inner = svg.split_once('>').map_or("", |(_, inner)| inner);
    let inner = inner.trim_end().strip_suffix("</svg>").unwrap_or_default();
    let (title, description) = (escaped(title), escaped(description));
    Ok(format!(
        r#"<svg class="chart" role="img" aria-labelledby="{id}-title {id}-desc" viewBox="0 0 {WIDTH} {height}"><title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{inner}</svg>"#
    ))
}

fn draw(
    svg: &mut String,
    height: u32,
    rows: i32,
    bars: &[Bar],
) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>> {
    let longest = bars.iter().map(|bar| bar.p90).fold(1.0, f64::max);
    let area = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .x_label_area_size(AXIS - 8)
        .y_label_area_size(NAMES)
        .margin_right(24)
        .margin_top(8)
        .build_cartesian_2d(0.0..longest * 1.02, (0..rows - 1).into_segmented())?;
    let name = |row: &SegmentValue<i32>| match row {
        SegmentValue::CenterOf(row) => {
            // The first group belongs to the top, where the axis ends.
            let index = usize::try_from(rows - 1 - row).unwrap_or_default();
            bars.get(index).map(|bar| bar.name.clone()).unwrap_or_default()
        }
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_max_light_lines(1)
        .y_labels(rows as usize)
        .y_label_formatter(&name)
        .x_labels(6)
        .x_label_formatter(&|hours| format!("{hours:.0}"))
        .x_desc("hours")
        .label_style(("sans-serif", 15))
        .draw()?;
    for (colour, margin, of) in [(P90, 4, (|bar| bar.p90) as fn(&Bar) -> f64), (P50, 8, |bar| bar.p50)] {
        chart.draw_series(bars.iter().zip(0..).map(|(bar, index)| {
            let row = rows - 1 - index;
            let corners = [(0.0, SegmentValue::Exact(row)), (of(bar), SegmentValue::Exact(row + 1))];
            let mut rectangle = Rectangle::new(corners, colour.filled());
            rectangle.set_margin(margin, margin, 0, 0);
            rectangle
        }))?;
    }
    area.present()
}

fn escaped(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html)
        .map_or_else(|_| String::new(), |safe| safe.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_title_and_every_name_as_text_and_no_style_of_its_own() {
        let bar = |name: &str| Bar { name: name.to_owned(), p50: 2.0, p90: 5.0 };
        let svg = bars("x", "A & B", "<two>", &[bar("sendgrid/rest"), bar("<script>")]).unwrap();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{svg}");
        assert!(svg.contains("A &#38; B</title>") && svg.contains("&#60;two&#62;</desc>"), "{svg}");
        assert!(svg.contains("sendgrid/rest") && svg.contains("&lt;script&gt;"), "{svg}");
        // The content security policy lets no style attribute through.
        assert!(!svg.contains("style=") && !svg.contains("<script"), "{svg}");
        assert_eq!(svg.matches("fill=\"#1F5FA8\"").count(), 2, "{svg}");
    }

    #[test]
    fn one_group_and_waits_of_no_time_are_drawn_too() {
        let svg = bars("x", "t", "d", &[Bar { name: "go".to_owned(), p50: 0.0, p90: 0.0 }]).unwrap();
        assert!(svg.contains(">\ngo\n<"), "{svg}");
        assert!(!svg.contains("height=\"-") && !svg.contains("width=\"-"), "no size is negative: {svg}");
    }
}
