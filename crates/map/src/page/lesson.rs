//! A step's lesson, from its `README.md`.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, Options, Parser, Tag, TagEnd, html};

/// The lesson as HTML, without its picture of the processes, which the map is, and without links that only lead through the
/// repository.
pub(super) fn html(markdown: &str) -> String {
    let mut in_picture = false;
    let mut in_dead_link = false;
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if &*language == "mermaid" => {
            in_picture = true;
            None
        }
        Event::End(TagEnd::CodeBlock) if in_picture => {
            in_picture = false;
            None
        }
        _ if in_picture => None,
        Event::Start(Tag::Link { dest_url, .. }) if !dest_url.starts_with("https://") => {
            in_dead_link = true;
            None
        }
        Event::End(TagEnd::Link) if in_dead_link => {
            in_dead_link = false;
            None
        }
        // How a column is aligned would stand in a style attribute, which the page's policy forbids.
        Event::Start(Tag::Table(columns)) => {
            Some(Event::Start(Tag::Table(vec![Alignment::None; columns.len()])))
        }
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        event => Some(event),
    });
    let mut text = String::new();
    html::push_html(&mut text, events);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_no_style() {
        let text = html("| a | b |\n|---|--:|\n| 1 | 2 |\n");
        assert!(text.contains("<td>2</td>") && !text.contains("style"), "{text}");
    }

    #[test]
    fn a_picture_and_links_into_the_repository_are_left_out_and_their_words_stay() {
        let text = html(
            "See [app.rs](src/app.rs), [RFC](https://x.example).\n\n```mermaid\na --> b\n```\n\n```sh\nls\n```\n",
        );
        assert_eq!(
            text,
            "<p>See app.rs, <a href=\"https://x.example\">RFC</a>.</p>\n<pre><code class=\"language-sh\">ls\n</code></pre>\n"
        );
    }
}
