//! The tree of a page is the one that html5ever's own tokenizer makes.

use std::fmt::Write as _;

use html5ever::{
    LocalName, QualName, TokenizerResult, local_name, ns,
    tendril::StrTendril,
    tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
    tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink},
};
use proptest::prelude::*;
use scraper::{Html, HtmlTreeSink, Node};

use super::{ParseOptions, ParsedPage, parse};
use crate::extract::{
    bounds::Bounds,
    html::tree::{NodeId, NodeKind, Tree},
};

/// html5ever's tree builder keeps the newline behind `<pre>` where a parse error stands before it
/// (`<pre></>\n`): to it an error is a token. To the standard it is none.
struct WithoutErrors<S>(S);

impl<S: TokenSink> TokenSink for WithoutErrors<S> {
    type Handle = S::Handle;

    fn process_token(&self, token: Token, line_number: u64) -> TokenSinkResult<S::Handle> {
        if matches!(token, Token::ParseError(_)) {
            return TokenSinkResult::Continue;
        }
        self.0.process_token(token, line_number)
    }

    fn end(&self) {
        self.0.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.0
            .adjusted_current_node_present_but_not_in_html_namespace()
    }
}

fn by_html5ever(text: &str) -> String {
    let options = TreeBuilderOpts {
        scripting_enabled: false,
        ..TreeBuilderOpts::default()
    };
    let builder = TreeBuilder::new(HtmlTreeSink::new(Html::new_document()), options);
    let tokenizer = Tokenizer::new(WithoutErrors(builder), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(text));
    while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
    tokenizer.end();
    let html = tokenizer.sink.0.sink.finish();
    let mut out = String::new();
    for node in html.tree.root().descendants().skip(1) {
        let depth = node.ancestors().count();
        match node.value() {
            Node::Text(text) => line(&mut out, depth, &format!("{:?}", &**text)),
            Node::Comment(text) => line(&mut out, depth, &format!("!{:?}", &**text)),
            Node::Fragment => line(&mut out, depth, "contents"),
            Node::Element(element) => {
                let attributes = element.attrs.iter();
                let attributes = attributes.map(|(name, value)| format!("{name:?}={:?}", &**value));
                let name = format!("{:?}", element.name);
                line(&mut out, depth, &element_line(&name, attributes.collect()));
            }
            _ => {}
        }
    }
    out
}

fn ours(tree: &Tree) -> String {
    let mut out = String::new();
    write_below(tree, Tree::root(), &mut out);
    out
}

fn write_below(tree: &Tree, top: NodeId, out: &mut String) {
    let mut next = tree.first(top);
    while let Some(id) = next {
        let depth = std::iter::successors(tree.parent(id), |at| tree.parent(*at)).count();
        match (tree.what(id), tree.element(id)) {
            (NodeKind::Text(text), _) => line(out, depth, &format!("{:?}", &**text)),
            (NodeKind::Comment(text), _) => line(out, depth, &format!("!{:?}", &**text)),
            (_, Some(element)) => {
                let attributes = element.attributes().iter();
                let attributes = attributes.map(|own| format!("{:?}={:?}", own.name, &*own.value));
                let name = format!("{:?}", element.name());
                line(out, depth, &element_line(&name, attributes.collect()));
                if *element.name() == expanded(local_name!("template")) {
                    line(out, depth + 1, "contents");
                    write_below(tree, tree.contents(id), out);
                }
            }
            (NodeKind::Root | NodeKind::Element(_), None) => {
                unreachable!("only the page is a root")
            }
        }
        next = tree.next_within(top, id);
    }
}

fn expanded(local: LocalName) -> QualName {
    QualName::new(None, ns!(html), local)
}

fn element_line(name: &str, mut attributes: Vec<String>) -> String {
    attributes.sort();
    format!("{name} {}", attributes.join(" "))
}

fn line(out: &mut String, depth: usize, text: &str) {
    writeln!(out, "{:depth$}{text}", "").expect("a string takes all");
}

fn tree(text: &str, is_xml: bool) -> Tree {
    let options = ParseOptions {
        is_xml,
        unsure_of: None,
    };
    match parse(text, options, &Bounds::default(), &|| false) {
        Ok(ParsedPage::Tree(tree)) => tree,
        _ => panic!("no bound is broken: {text:?}"),
    }
}

/// As XML it reads like this HTML.
fn check_xml(xml: &str, html: &str) {
    assert_eq!(ours(&tree(xml, true)), by_html5ever(html), "{xml:?}");
}

fn check(text: &str) {
    assert_eq!(ours(&tree(text, false)), by_html5ever(text), "{text:?}");
}

#[test]
fn tags_are_read_as_the_standard_says() {
    for text in [
        "",
        "plain",
        "\u{feff}<p>after a mark",
        "<!DOCTYPE html><html lang=de><title>a &amp; b</title><p>x",
        "<!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\"><p>x",
        "<!doctype",
        "<!doctype html",
        "<pre></>\nx",
        "<math><pre></>\r\nx",
        "<P CLASS=Big iD='a\"b' hidden DATA-Long-Name=\"1\"data-long-name=2/>x",
        "<p =a b==c d = e f= >x</p x=1/>",
        "<p a=1 a=2 A=3>x",
        "<p title=\"never closed>x<p>y",
        "<p title=a/b/>x<br/ >y<br / a>z",
        "a < b <3 <> </> </ x> </3> <?php x ?> <!x> <!",
        "<",
        "</",
        "</a",
        "<a b",
        "<a b=",
        "<a b='c'",
        "<pre>\n\nx</pre><textarea>\n&lt;</b></TEXTAREA >y",
        "one\r\ntwo\rthree<p\rclass='a\r\nb'>",
        "<ä><p ü=1 日本=語><xyzzyxyzzy>",
    ] {
        check(text);
    }
}

#[test]
fn comments_end_where_the_standard_says() {
    for text in [
        "<!--a-->x",
        "<!-->x",
        "<!--->x",
        "<!---->x",
        "<!----->x",
        "<!--a--!>x",
        "<!----!>x",
        "<!--a--!-->x",
        "<!--a->b-->x",
        "<!--a",
        "<!--a-",
        "<!--a--",
        "<!--a--!",
        "<!--a--!-",
        "<!--",
        "<!---",
        "<!----",
        "<!-",
        "<!-x>y",
        "<!-- <!-- a --> b -->",
        "<!--<!-",
        "<!--<!--",
        "<![CDATA[a]]>b>c",
        "<svg><![CDATA[a<b>&amp;]]>c</svg>d",
        "<svg><![CDATA[a]]",
        "<math><mi><![CDATA[a]]></mi><![cdata[b]]>",
    ] {
        check(text);
    }
}

#[test]
fn raw_text_ends_where_the_standard_says() {
    for text in [
        "<script>a<b</scripts></script x>y",
        "<script>a</script",
        "<script>a</script ",
        "<script>a</script/>b",
        "<script><!--a</script>b-->c",
        "<script><!--<script>a</script>b</script>c",
        "<script><!--<script>a--></script>b</script>c",
        "<script><!-->a<script></script>b</script>c",
        "<script><!--->a<script></script>b</script>c",
        "<script><!--<scriptx></script>b",
        "<script><!--<script/</script/<script></script>a</script>b",
        "<script><!--<script>",
        "<style><!--</style>-->a</style>b",
        "<title>a<b>c</title></title>d",
        "<textarea>&notit; &#65</textarea",
        "<xmp><b>&amp;</XMP>a<iframe><b></iframe><noembed><b></noembed><noframes><b></noframes>",
        "<noscript><p>a</noscript>b",
        "<plaintext><b>&amp;</plaintext>",
        "<svg><title><b>a</title><style><b>c</style><script>a<b></script>",
    ] {
        check(text);
    }
}

#[test]
fn references_are_read_as_the_standard_says() {
    for reference in [
        "&",
        "&;",
        "&&",
        "& amp;",
        "&amp;",
        "&amp",
        "&AMP;x",
        "&ampx",
        "&amp=",
        "&not",
        "&notit;",
        "&notin;",
        "&notinx",
        "&copy=1",
        "&copy1",
        "&copy;1",
        "&copy ",
        "&nGt;",
        "&NotEqualTilde;",
        "&CounterClockwiseContourIntegral;",
        "&CounterClockwiseContourIntegralx",
        "&unknown;",
        "&#",
        "&#;",
        "&#x",
        "&#x;",
        "&#xg",
        "&#65;",
        "&#65",
        "&#65a",
        "&#x41;",
        "&#X41",
        "&#x4g",
        "&#0;",
        "&#x80;",
        "&#x81;",
        "&#xd800;",
        "&#x10ffff;",
        "&#x110000;",
        "&#99999999999999;",
        "&#13;",
        "&#xfdd0;",
        "&#x1;",
        "&é",
        "&amp&amp;&",
        "&lt;b&gt;",
    ] {
        check(&format!(
            "<p title=\"{reference}\">{reference}</p>{reference}"
        ));
        check(&format!("<p title={reference}>{reference}"));
        check(&format!(
            "<title>{reference}</title><p title='{reference}x'>x{reference}x{reference}"
        ));
    }
}

#[test]
fn in_xml_an_element_ends_where_its_tag_says_so() {
    for (xml, html) in [
        (
            "<html><head><title/><script src='x'/></head><body><div/><p>a</p></body></html>",
            "<html><head><title></title><script src='x'></script></head><body><div></div><p>a</p></body></html>",
        ),
        ("<p>a<br/>b<img src=x /><hr/>c", "<p>a<br>b<img src=x><hr>c"),
        (
            "<textarea/><i/>x<iframe/>y",
            "<textarea></textarea><i></i>x<iframe></iframe>y",
        ),
        (
            "<svg><g><g/><title/><path d='1'/></g><g>x</g></svg><b/>y",
            "<svg><g><g/><title/><path d='1'/></g><g>x</g></svg><b></b>y",
        ),
        (
            "<svg><foreignObject><div/>a</foreignObject></svg>b",
            "<svg><foreignObject><div></div>a</foreignObject></svg>b",
        ),
        (
            "<ul><li/><li>a</li></ul><a name='x'/>b",
            "<ul><li></li><li>a</li></ul><a name='x'></a>b",
        ),
        ("<p>a<![CDATA[<b>&amp;]]>c", "<p>a&lt;b&gt;&amp;amp;c"),
    ] {
        check_xml(xml, html);
        check(html);
    }
    check("<title/><p>in HTML all of this is the title");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_markup_makes_the_same_tree(parts in proptest::collection::vec(proptest::sample::select(vec![
        "<div>", "</div>", "<a href=", "'", "\"", ">", "<", "</", "/", "=", " ", "\n", "\r\n", "x",
        "<table>", "<tr>", "<td>x", "</table>", "<b class=\"a b\">", "</b>", "<p>", "<pre>", "<br/>",
        "<template>", "</template>", "<script", "<script>", "</script>", "</script", "<style>",
        "</style>", "<title>", "</title>", "<textarea>", "</textarea>", "<svg>", "</svg>", "<math>",
        "<![CDATA[", "]]>", "<!--", "-->", "--", "-", "!", "<!", "<?", "<!DOCTYPE html>", "<!doctype",
        "<noscript>", "</noscript>", "<select>", "<option>", "<form>", "<frameset>", "<head>",
        "<body a=1>", "</body>", "</html>", "<html b>", "&amp;", "&amp", "&", "&#x80;", "&#", "é",
        "<meta charset=x>", "<plaintext>", "<xmp>", "</xmp>", "SCRIPT", "data-attribute=1 ",
    ]), 0..60)) {
        check(&parts.concat());
    }
}
