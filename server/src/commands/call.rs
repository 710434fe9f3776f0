//! Calls a running server on behalf of a command: who calls, over which TLS, for how long.

use crate::cli::CallArguments;
use crate::{certificates, secret};
use actors::fetch::{Credentials, FetchSettings, Fetcher, Reach};
use anyhow::{Context, bail};
use base64_simd::STANDARD;
use model::limits;
use secrecy::SecretString;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// A server, and as whom it is called.
pub struct Call {
    fetcher: Fetcher,
    url: String,
    credentials: Option<Credentials>,
    organisation: Option<String>,
}

impl Call {
    /// Reads passwords, keys and roots.
    pub fn new(arguments: &CallArguments) -> anyhow::Result<Self> {
        let url = arguments.url.clone().context("--url is missing: where is the server?")?;
        let roots = arguments.root.as_ref().map(|file| certificates::from_file(file)).transpose();
        let identity = match (&arguments.cert, &arguments.key) {
            (Some(cert), Some(key)) => {
                let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("{}", path.display()));
                Some(SecretString::from(format!("{}\n{}", read(cert)?, read(key)?)))
            }
            _ => None,
        };
        let settings = FetchSettings {
            total_timeout: Duration::from_secs(arguments.timeout_s),
            reach: Reach::Anywhere,
            redirects_max: 0,
            tls_roots: roots.map_err(anyhow::Error::msg)?.unwrap_or_default(),
            tls_identity: identity,
            ..FetchSettings::default()
        };
        let password = arguments.password_file.as_ref().map(|file| secret::from_file(file)).transpose();
        let password = password.map_err(anyhow::Error::msg)?;
        Ok(Self {
            fetcher: Fetcher::new(&settings)?,
            url,
            credentials: arguments.user.clone().zip(password).map(|(user, password)| Credentials { user, password }),
            organisation: arguments.organisation.as_ref().map(|name| STANDARD.encode_to_string(name)),
        })
    }

    /// Sends a message to the server's address; HTTP status and body of the answer.
    pub async fn send(&self, fields: &[(&'static str, &str)], message: String) -> anyhow::Result<(u16, Vec<u8>)> {
        self.send_to(&self.url, fields, message).await
    }

    /// Asks for an operation over REST. A fault is an error with its sentence.
    pub async fn ask(&self, operation: &str, request: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/v1/{operation}", self.url.trim_end_matches('/'));
        let fields = [("Content-Type", "application/json")];
        let (status, body) = self.send_to(&url, &fields, request.to_string()).await?;
        let answer: Value = serde_json::from_slice(&body)
            .with_context(|| format!("{url} answers {status} with something that is no JSON"))?;
        if !(200..300).contains(&status) {
            let said =
                answer.get("detail").or(answer.get("title")).and_then(Value::as_str).unwrap_or("no reason given");
            bail!("{operation}: {said} ({status})");
        }
        Ok(answer)
    }

    async fn send_to(
        &self,
        url: &str,
        fields: &[(&'static str, &str)],
        message: String,
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut fields = fields.to_vec();
        if let Some(organisation) = &self.organisation {
            fields.push(("X-AuthorizeOrg", organisation.as_str()));
        }
        let answered = self.fetcher.exchange(
            url,
            &fields,
            message.into_bytes(),
            self.credentials.as_ref(),
            limits::API_BODY_BYTES_MAX,
        );
        let (status, answer) = answered.await?;
        Ok((status, answer.body))
    }
}
