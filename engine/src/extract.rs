//! Page + compiled stage → records and links. Pure: knows neither World nor I/O.

pub mod bounds;
pub mod carried;
pub mod output;
pub mod start_urls;
pub mod trace;

mod charset;
mod content_type;
pub(crate) mod convert;
mod embedded_json;
mod fields;
mod html;
mod jsonld;
mod label_rows;
mod outlinks;
mod page;
mod paging;
mod records;
pub(crate) mod refresh;
mod select;
mod sitemap;

use std::{borrow::Cow, cell::OnceCell};

pub(crate) use content_type::is_markup;
pub use paging::page_number;
pub use sitemap::sitemap_may_be_missing;

use crate::{
    extract::{
        bounds::Bounds,
        content_type::{Form, is_xml},
        html::{ParseOptions, ParsedPage, tree::Tree},
        output::{ExtractError, Extracted, PageInput},
        page::Page,
        select::ElementIndex,
    },
    model::{class::ErrorClass, ids::StageId, remark::Remark},
    site::compiled::{Site, Source, Stage},
};

/// The rules by which pages are read. They are counted up where a page may yield other values than
/// before, so that a store knows that such a difference is no change of the page.
pub const RULES: u32 = 2;

/// Reads one page as its stage says. The same input gives the same output on any machine: the
/// bounds count work, not time.
///
/// # Errors
///
/// `Parse`, `TooLarge` or `WrongType` if the body cannot be read, `InvalidRecord` if a required
/// field is missing: then nothing of the page counts. A short page is the caller's to judge, by
/// `distinct_items`, and one with some invalid cards among good ones by `invalid`.
pub fn extract(
    site: &Site,
    stage: StageId,
    page: &PageInput<'_>,
    bounds: &Bounds,
) -> Result<Extracted, ExtractError> {
    extract_until(site, stage, page, bounds, &|| false)
}

/// As [`extract`], but gives up with `Parse` once `expired` says so; it is asked every 4 KiB of
/// HTML and before every record and link rule.
///
/// # Errors
///
/// As [`extract`].
pub fn extract_until(
    site: &Site,
    stage: StageId,
    page: &PageInput<'_>,
    bounds: &Bounds,
    expired: &dyn Fn() -> bool,
) -> Result<Extracted, ExtractError> {
    if let Some(listed) = site.stage(stage).sitemap_of {
        return sitemap::read(site, stage, listed, page, bounds);
    }
    open(site, stage, page, bounds, expired, |opened| {
        read(site, stage, opened, bounds, expired)
    })?
}

/// Decodes and parses the body, then hands the opened page to `then`.
fn open<T>(
    site: &Site,
    stage: StageId,
    input: &PageInput<'_>,
    bounds: &Bounds,
    expired: &dyn Fn() -> bool,
    then: impl FnOnce(&Page<'_>) -> T,
) -> Result<T, ExtractError> {
    let form = content_type::form(input.content_type, input.body)?;
    let mut decoded = charset::decode(input.content_type, input.body);
    let blocks = OnceCell::new();
    loop {
        let text = if decoded.text.contains('\0') {
            Cow::Owned(decoded.text.replace('\0', ""))
        } else {
            decoded.text
        };
        let charset = decoded.encoding;
        if text.trim().is_empty() {
            return Err(failure(
                ErrorClass::Parse,
                "empty page: the answer has no text at all",
                input,
            ));
        }
        if form == Form::Json || reads_json_only(site.stage(stage)) {
            let nothing = Tree::default();
            let index = ElementIndex::new(&nothing, bounds);
            return Ok(then(&Page::new(input, &text, charset, index, &blocks)));
        }
        let options = ParseOptions {
            is_xml: is_xml(input.content_type),
            unsure_of: (!decoded.is_settled).then_some(charset),
        };
        let parsed = html::parse(&text, options, bounds, expired)
            .map_err(|(class, message)| failure(class, &message, input))?;
        match parsed {
            ParsedPage::Tree(tree) => {
                let index = ElementIndex::new(&tree, bounds);
                return Ok(then(&Page::new(input, &text, charset, index, &blocks)));
            }
            ParsedPage::Declared(encoding) => {
                decoded = charset::Decoded::settled(encoding, input.body);
            }
        }
    }
}

/// A page that leads on at once is not read. Else records come first: pagination needs to know
/// whether the page had records and items.
fn read(
    site: &Site,
    stage: StageId,
    page: &Page<'_>,
    bounds: &Bounds,
    expired: &dyn Fn() -> bool,
) -> Result<Extracted, ExtractError> {
    if let Some(to) = refresh::leads_on(page) {
        return Ok(Extracted {
            refresh: Some(to.into()),
            ..Extracted::default()
        });
    }
    let mut out = Extracted::default();
    let read = records::read(site.stage(stage), page, &mut out, expired)
        .and_then(|()| outlinks::read(site, stage, page, bounds, &mut out, expired));
    // What was found once a bound was reached is not complete, nor is what was not.
    page.budget().result(page.input)?;
    read?;
    out.bytes = page.budget().kept();
    if let Some(blocks) = page.blocks_read()
        && let Some(problem) = blocks.problem()
    {
        let said = format!("{problem}; {}", page.input.place());
        out.remarks
            .add_many(Remark::BlockUnread, blocks.unread.into(), || said.clone());
        out.warnings.push(said);
    }
    Ok(out)
}

/// Whether the stage has fields and none of them looks at HTML.
fn reads_json_only(stage: &Stage) -> bool {
    let mut fields = stage
        .records
        .iter()
        .flat_map(|rule| &rule.fields)
        .peekable();
    stage.links.is_empty()
        && fields.peek().is_some()
        && stage.records.iter().all(|rule| rule.each.is_none())
        && fields.all(|field| {
            matches!(
                field.source,
                Source::Json(_) | Source::Carried(_) | Source::Constant(_)
            )
        })
}

/// The clock stopped the reading of a page.
fn took_too_long(page: &PageInput<'_>) -> ExtractError {
    failure(ErrorClass::Parse, "reading the page took too long", page)
}

/// An error that ends with the page's URL.
fn failure(class: ErrorClass, message: &str, page: &PageInput<'_>) -> ExtractError {
    ExtractError {
        class,
        message: format!("{message}; {}", page.place()),
    }
}

#[cfg(test)]
mod tests;
