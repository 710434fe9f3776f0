//! `join-URI-References` of Canonical XML 1.1 (section 2.4): RFC 3986, section 5.2, for bases that may be relative.

/// The parts of a reference without its fragment (RFC 3986, appendix B).
struct Reference<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn new(text: &'a str) -> Self {
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        let (scheme, text) = match text.split_once(':') {
            Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains(['/', '?']) => (Some(scheme), rest),
            _ => (None, text),
        };
        let (text, query) = match text.split_once('?') {
            Some((before, query)) => (before, Some(query)),
            None => (text, None),
        };
        let (authority, path) = match text.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                (Some(authority), path)
            }
            None => (None, text),
        };
        Self { scheme, authority, path, query }
    }
}

/// What a reference means if it stands inside of something with this base.
pub(super) fn join(base: &str, reference: &str) -> String {
    let (base, reference) = (Reference::new(base), Reference::new(reference));
    let (scheme, authority, path, query);
    if reference.scheme.is_some() {
        (scheme, authority, query) = (reference.scheme, reference.authority, reference.query);
        path = without_dots(reference.path);
    } else if reference.authority.is_some() {
        (scheme, authority, query) = (base.scheme, reference.authority, reference.query);
        path = without_dots(reference.path);
    } else {
        (scheme, authority) = (base.scheme, base.authority);
        query = if reference.path.is_empty() { reference.query.or(base.query) } else { reference.query };
        path = if reference.path.is_empty() {
            without_dots(base.path)
        } else if reference.path.starts_with('/') {
            without_dots(reference.path)
        } else if base.authority.is_some() && base.path.is_empty() {
            without_dots(&format!("/{}", reference.path))
        } else {
            // A trailing `..` names a folder.
            let slash = if base.path.ends_with("/..") || base.path == ".." { "/" } else { "" };
            let base = format!("{}{slash}", base.path);
            let folder = base.rfind('/').map_or("", |slash| base.get(..=slash).unwrap_or_default());
            without_dots(&format!("{folder}{}", reference.path))
        };
    }
    let mut joined = String::new();
    if let Some(scheme) = scheme {
        joined.extend([scheme, ":"]);
    }
    if let Some(authority) = authority {
        joined.extend(["//", authority]);
    }
    joined.push_str(&path);
    if let Some(query) = query {
        joined.extend(["?", query]);
    }
    joined
}

/// "Remove Dot Segments", but leading `..` of a relative path stay, several slashes become one, and a trailing `..` gets
/// a slash.
fn without_dots(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut is_folder = path.ends_with('/');
    for segment in path.split('/') {
        is_folder = match segment {
            "" => is_folder,
            "." => true,
            ".." => {
                match kept.last() {
                    Some(&"..") => kept.push(".."),
                    Some(_) => {
                        kept.pop();
                    }
                    None if !absolute => kept.push(".."),
                    None => {}
                }
                true
            }
            name => {
                kept.push(name);
                path.ends_with('/')
            }
        };
    }
    let mut result = String::from(if absolute { "/" } else { "" });
    result.push_str(&kept.join("/"));
    if is_folder && !kept.is_empty() {
        result.push('/');
    }
    result
}

#[cfg(test)]
mod tests {
    use super::join;

    /// The table of Canonical XML 1.1, appendix A, and what RFC 3986 gives as usual examples.
    #[test]
    fn references_join_as_the_recommendation_shows() {
        let cases = [
            ("foo/bar", "..", ""),
            ("foo", "../bar", "../bar"),
            ("..", "..", "../../"),
            ("a/b/", "../c", "a/c"),
            ("a//b/", "c", "a/b/c"),
            ("http://a/b/c/d?q", "g?y", "http://a/b/c/g?y"),
            ("http://a/b/c/d", "../../../g", "http://a/g"),
            ("http://a/b/c/d?q", "", "http://a/b/c/d?q"),
            ("http://a", "b", "http://a/b"),
            ("http://a/b", "//c/d", "http://c/d"),
            ("a/b", "http://x/./y", "http://x/y"),
            ("a/b", "/c/../d", "/d"),
            ("../a/", "./", "../a/"),
        ];
        for (base, reference, expected) in cases {
            assert_eq!(join(base, reference), expected, "{base} and {reference}");
        }
    }
}
