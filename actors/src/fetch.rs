//! The one HTTP client: asks time-stamp authorities, OCSP responders and certificate authorities, within limits of time,
//! length and reach. Keeps nothing, repeats nothing, and says no password and no query in what it reports.

mod reach;

pub use reach::Reach;

use model::Time;
use reqwest::header::{self, HeaderMap};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// How a fetcher reaches others.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// `http://`, `https://`, `socks5://` or `socks5h://`, with name and password if it wants them. `None`: directly;
    /// the environment's proxy is never used.
    pub proxy: Option<SecretString>,
    /// Hosts that are asked directly all the same: names (also of all hosts below them) and networks, with commas.
    pub no_proxy: Option<String>,
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// Until the answer is there, from the beginning.
    pub total_timeout: Duration,
    /// Redirections that are followed, one after the other.
    pub redirects_max: usize,
    /// The hosts that it may ask.
    pub reach: Reach,
    /// Further roots for TLS, DER, beside those of the machine.
    pub tls_roots: Vec<Arc<[u8]>>,
    /// Certificates and private key for TLS, PEM, if the other side wants to know us.
    pub tls_identity: Option<SecretString>,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            proxy: None,
            no_proxy: None,
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(30),
            redirects_max: 3,
            reach: Reach::Public { except: Vec::new() },
            tls_roots: Vec::new(),
            tls_identity: None,
        }
    }
}

/// Name and password for HTTP Basic.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// What was known from an earlier answer: the other side may say that nothing has changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `ETag`, as it was received.
    pub etag: Option<String>,
    /// `Last-Modified`, as it was received.
    pub last_modified: Option<String>,
}

/// What an answer says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// For the next time.
    pub conditions: Conditions,
    /// How long it may be used without asking again (`Cache-Control: max-age`, else `Expires`).
    pub fresh_for: Option<Duration>,
    /// `Content-Type` without its parameters, in lower case.
    pub content_type: Option<String>,
}

/// An answer with a status of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it says about itself.
    pub headers: Headers,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// What came into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Download {
    /// Nothing has changed; nothing was written.
    NotModified(Headers),
    /// So many bytes were written.
    Written(Headers, u64),
}

/// Why there is no answer. No text in it has a password or a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// The settings cannot be used.
    #[error("the settings for fetching cannot be used: {0}")]
    Setup(String),
    /// The address is not one that may be asked.
    #[error("{0} may not be asked: {1}")]
    Forbidden(String, String),
    /// It took too long.
    #[error("{0} did not answer in time")]
    Timeout(String),
    /// No connection, or it broke.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    /// A status other than success.
    #[error("{shown} answered with status {status}")]
    Refused {
        /// Who.
        shown: String,
        /// The HTTP status.
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// More bytes than allowed.
    #[error("the answer of {0} is longer than {1} bytes")]
    TooLong(String, u64),
    /// The answer could not be written into the file.
    #[error("the answer of {0} could not be stored: {1}")]
    Disk(String, String),
}

/// One client with its connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    reach: Reach,
}

impl Fetcher {
    /// A client with these settings. Opens no connection yet.
    pub fn new(settings: &FetchSettings) -> Result<Self, FetchFault> {
        let client = match client(settings, true) {
            Ok(made) => made,
            // A machine without roots of its own still reaches what needs none of them.
            Err(fault) => client(settings, false).inspect(|_| tracing::warn!(%fault, "only configured roots count"))?,
        };
        Ok(Self { client, reach: settings.reach.clone() })
    }

    /// Asks for something short.
    pub async fn get(&self, url: &str, bytes_max: u64) -> Result<Answer, FetchFault> {
        let (url, shown) = self.admitted(url)?;
        let response = send(self.client.get(url), &shown).await?;
        into_memory(response, &shown, bytes_max).await
    }

    /// Sends something short and asks for something short.
    pub async fn post(
        &self,
        url: &str,
        content_type: &'static str,
        body: Vec<u8>,
        credentials: Option<&Credentials>,
        bytes_max: u64,
    ) -> Result<Answer, FetchFault> {
        let (url, shown) = self.admitted(url)?;
        let mut request = self.client.post(url).header(header::CONTENT_TYPE, content_type).body(body);
        if let Some(Credentials { user, password }) = credentials {
            request = request.basic_auth(user, Some(password.expose_secret()));
        }
        let response = send(request, &shown).await?;
        into_memory(response, &shown, bytes_max).await
    }

    /// Sends a message with these header fields; the answer counts whatever its status is, which comes with it.
    pub async fn exchange(
        &self,
        url: &str,
        fields: &[(&'static str, &str)],
        body: Vec<u8>,
        credentials: Option<&Credentials>,
        bytes_max: u64,
    ) -> Result<(u16, Answer), FetchFault> {
        let (url, shown) = self.admitted(url)?;
        let mut request = self.client.post(url).body(body);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        if let Some(Credentials { user, password }) = credentials {
            request = request.basic_auth(user, Some(password.expose_secret()));
        }
        let response = request.send().await.map_err(|error| fault(error, &shown))?;
        let status = response.status().as_u16();
        Ok((status, into_memory(response, &shown, bytes_max).await?))
    }

    /// Asks for something that may be long, into a file that is written from its present position on. What is in the
    /// file after an error is of no use.
    pub async fn download(
        &self,
        url: &str,
        conditions: &Conditions,
        file: File,
        bytes_max: u64,
    ) -> Result<Download, FetchFault> {
        let (url, shown) = self.admitted(url)?;
        let mut request = self.client.get(url);
        if let Some(etag) = &conditions.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &conditions.last_modified {
            request = request.header(header::IF_MODIFIED_SINCE, last_modified);
        }
        let response = send(request, &shown).await?;
        let headers = Headers::read(response.headers());
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Download::NotModified(headers));
        }
        let written = into_file(response, &shown, file, bytes_max).await?;
        Ok(Download::Written(headers, written))
    }

    fn admitted(&self, text: &str) -> Result<(Url, String), FetchFault> {
        let url = Url::parse(text).map_err(|_| FetchFault::Forbidden(cut(text), "it is not an address".into()))?;
        let shown = shown(&url);
        let refused = |why: &str| Err(FetchFault::Forbidden(shown.clone(), why.into()));
        if !matches!(url.scheme(), "http" | "https") {
            return refused("it is neither http nor https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("a name or password does not belong into an address");
        }
        match self.reach.admits(&url) {
            Ok(()) => Ok((url, shown)),
            Err(forbidden) => refused(&forbidden.to_string()),
        }
    }
}

fn client(settings: &FetchSettings, machine_roots: bool) -> Result<Client, FetchFault> {
    let setup = |error: reqwest::Error| FetchFault::Setup(chain(&error.without_url()));
    let mut builder = Client::builder()
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.total_timeout)
        .redirect(settings.reach.redirections(settings.redirects_max))
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .referer(false)
        .user_agent(concat!("sealmill/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    let mut proxy_host = None;
    if let Some(proxy) = &settings.proxy {
        let url =
            Url::parse(proxy.expose_secret()).map_err(|_| FetchFault::Setup("the proxy's address is none".into()))?;
        proxy_host = url.host_str().map(str::to_owned);
        let direct = settings.no_proxy.as_deref().and_then(reqwest::NoProxy::from_string);
        builder = builder.proxy(reqwest::Proxy::all(url).map_err(setup)?.no_proxy(direct));
    }
    if settings.reach != Reach::Anywhere {
        builder = builder.dns_resolver(reach::Guard::new(settings.reach.clone(), proxy_host));
    }
    let roots: Result<Vec<_>, _> = settings.tls_roots.iter().map(|der| reqwest::Certificate::from_der(der)).collect();
    let roots = roots.map_err(setup)?;
    builder = if machine_roots { builder.tls_certs_merge(roots) } else { builder.tls_certs_only(roots) };
    if let Some(identity) = &settings.tls_identity {
        let identity = reqwest::Identity::from_pem(identity.expose_secret().as_bytes()).map_err(setup)?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(setup)
}

async fn send(request: RequestBuilder, shown: &str) -> Result<Response, FetchFault> {
    let response = request.send().await.map_err(|error| fault(error, shown))?;
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    Err(FetchFault::Refused { shown: shown.to_owned(), status: status.as_u16(), retry_after })
}

async fn into_memory(mut response: Response, shown: &str, bytes_max: u64) -> Result<Answer, FetchFault> {
    let too_long = || FetchFault::TooLong(shown.to_owned(), bytes_max);
    if response.content_length().is_some_and(|length| length > bytes_max) {
        return Err(too_long());
    }
    let headers = Headers::read(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(error, shown))? {
        if (body.len() + chunk.len()) as u64 > bytes_max {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { headers, body })
}

async fn into_file(mut response: Response, shown: &str, mut file: File, bytes_max: u64) -> Result<u64, FetchFault> {
    let too_long = || FetchFault::TooLong(shown.to_owned(), bytes_max);
    if response.content_length().is_some_and(|length| length > bytes_max) {
        return Err(too_long());
    }
    let (mut written, mut buffer) = (0_u64, Vec::with_capacity(WRITE_BYTES));
    loop {
        let chunk = response.chunk().await.map_err(|error| fault(error, shown))?;
        let ended = chunk.is_none();
        buffer.extend_from_slice(&chunk.unwrap_or_default());
        if written + buffer.len() as u64 > bytes_max {
            return Err(too_long());
        }
        if buffer.len() >= WRITE_BYTES || ended {
            written += buffer.len() as u64;
            let done = tokio::task::spawn_blocking(move || {
                file.write_all(&buffer)?;
                buffer.clear();
                Ok::<_, std::io::Error>((file, buffer))
            });
            let failed = |error: String| FetchFault::Disk(shown.to_owned(), error);
            let done = done.await.map_err(|error| failed(error.to_string()))?;
            (file, buffer) = done.map_err(|error| failed(error.to_string()))?;
        }
        if ended {
            return Ok(written);
        }
    }
}

impl Headers {
    fn read(headers: &HeaderMap) -> Self {
        let conditions =
            Conditions { etag: text(headers, header::ETAG), last_modified: text(headers, header::LAST_MODIFIED) };
        let content_type = text(headers, header::CONTENT_TYPE)
            .and_then(|kind| kind.split(';').next().map(|kind| kind.trim().to_ascii_lowercase()));
        Self { conditions, fresh_for: fresh_for(headers), content_type }
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().filter(|text| text.len() <= HEADER_BYTES_MAX).map(str::to_owned)
}

/// RFC 9111 section 4.2.1. Dates are compared with the other side's own clock.
fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let control = text(headers, header::CACHE_CONTROL).unwrap_or_default().to_ascii_lowercase();
    for directive in control.split(',').map(str::trim) {
        if matches!(directive, "no-cache" | "no-store") {
            return Some(Duration::ZERO);
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            return seconds.trim_matches('"').parse().ok().map(Duration::from_secs);
        }
    }
    until(headers, &text(headers, header::EXPIRES)?)
}

/// RFC 9110 section 10.2.3: seconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?;
    let wait = value.trim().parse().ok().map(Duration::from_secs).or_else(|| until(headers, &value))?;
    Some(wait.min(RETRY_AFTER_MAX))
}

fn until(headers: &HeaderMap, date: &str) -> Option<Duration> {
    Some(http_date(date)?.since(http_date(&text(headers, header::DATE)?)?))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7), the only form that is still made.
fn http_date(text: &str) -> Option<Time> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.trim().split(' ');
    let (_, day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? as u8 + 1;
    let mut clock = time.split(':').map(|number| number.parse::<u8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    Time::from_civil(year.parse().ok()?, month, day.parse().ok()?, hour, minute, second)
}

/// An address for messages: without name, password, query and fragment, and without the end of a long path (the OCSP
/// requests in them help nobody).
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = match url.path().char_indices().nth(SHOWN_PATH_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", url.path().get(..end).unwrap_or_default()),
        None => url.path().to_owned(),
    };
    cut(&format!("{}://{}{port}{path}", url.scheme(), url.host_str().unwrap_or_default()))
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARACTERS_MAX).collect()
}

fn fault(error: reqwest::Error, shown: &str) -> FetchFault {
    if error.is_timeout() {
        return FetchFault::Timeout(shown.to_owned());
    }
    FetchFault::Unreachable(shown.to_owned(), chain(&error.without_url()))
}

/// The innermost causes say what happened; the outermost only that something did.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next.filter(|_| said.len() < CAUSES_MAX) {
        let text = error.to_string();
        if !said.contains(&text) {
            said.push(text);
        }
        next = error.source();
    }
    cut(&said.join(": "))
}

const IDLE_MAX: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS_MAX: usize = 8;
const WRITE_BYTES: usize = 256 * 1024;
const HEADER_BYTES_MAX: usize = 512;
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
const SHOWN_CHARACTERS_MAX: usize = 300;
const SHOWN_PATH_CHARACTERS_MAX: usize = 60;
const CAUSES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headers_say_how_long_and_when_again() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let fresh = |more| fresh_for(&headers(&[date, more])).map(|time| time.as_secs());
        assert_eq!(fresh(("expires", "Sun, 06 Nov 1994 09:49:37 GMT")), Some(3_600));
        assert_eq!(fresh(("expires", "0")), None);
        assert_eq!(fresh(("cache-control", "public, max-age=120")), Some(120));
        assert_eq!(fresh(("cache-control", "No-Cache")), Some(0));
        let again = |value| retry_after(&headers(&[date, ("retry-after", value)])).map(|time| time.as_secs());
        assert_eq!(again("17"), Some(17));
        assert_eq!(again("Sun, 06 Nov 1994 08:50:00 GMT"), Some(23));
        assert_eq!(again("99999999"), Some(3_600));
        assert_eq!(again("soon"), None);
    }

    #[test]
    fn neither_passwords_nor_queries_are_shown_and_odd_addresses_are_refused() {
        let fetcher = Fetcher::new(&FetchSettings::default()).unwrap();
        for address in [
            "ldap://ca.example/cn=crl",
            "file:///etc/passwd",
            "http://clerk:geheim@ca.example/crl?geheim",
            "nonsense",
            "http://127.0.0.1/?geheim",
        ] {
            let refused = fetcher.admitted(address).unwrap_err();
            assert!(matches!(refused, FetchFault::Forbidden(..)), "{refused:?}");
            assert!(!refused.to_string().contains("geheim"), "{refused}");
        }
        assert_eq!(fetcher.admitted("http://ca.example:81/crl?token=1#2").unwrap().1, "http://ca.example:81/crl");
        let long = fetcher.admitted(&format!("http://ocsp.example/{}", "M".repeat(200))).unwrap().1;
        assert_eq!(long, format!("http://ocsp.example/{}…", "M".repeat(59)));
    }
}
