//! The command line.

pub mod access;

use access::{GrantArguments, GroupArguments, PendingArguments, TenantArguments, UserArguments};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Signs documents by the thousand.
///
/// Exit codes: 0 everything done; 1 some documents were rejected; 2 some documents were deferred (none rejected);
/// 3 nothing could be started: arguments, configuration, store or keys. `token list` and `audit verify` say theirs.
#[derive(Debug, Parser)]
#[command(name = "sealmill", version)]
pub struct Arguments {
    /// Print JSON lines instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
    /// What is logged: error, warn, info, debug, or a filter like `info,actors=debug`.
    #[arg(long, global = true, env = "SEALMILL_LOG", default_value = "info")]
    pub log: String,
    /// Log JSON lines.
    #[arg(long, global = true)]
    pub log_json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server until it is told to end (Ctrl-C, SIGTERM).
    Serve(Serve),
    /// Sign files now.
    Sign(Sign),
    /// Lift signed files to a higher level.
    Extend(Extend),
    /// Make time stamps over files.
    Timestamp(Timestamp),
    /// Encrypt files for recipients' certificates (CMS). Needs no key.
    Encrypt(Encrypt),
    /// Open files that were encrypted for a key that is here (CMS).
    Decrypt(Decrypt),
    /// Judge signatures, time stamps and evidence records of any maker.
    ///
    /// Exit codes: 0 all TOTAL-PASSED; 1 some TOTAL-FAILED; 2 some INDETERMINATE, none failed; 3 no signature found; 4
    /// something cannot be read.
    Verify(Verify),
    /// Whom the tenant trusts: import signed certificate batches and trusted lists, allow trust centres of them.
    Trust(TrustArguments),
    /// Look at tokens; lift the block of one.
    Token(TokenArguments),
    /// The tenants of this server.
    Tenant(TenantArguments),
    /// Users of a tenant: who they are and how they show it.
    ///
    /// Exit codes of this and of `tenant`, `group`, `grant` and `pending`: 0 done; 1 not done, the reason is said; 2 it waits
    /// for a second person; 3 nothing could be started.
    User(UserArguments),
    /// Groups of users; a user has the rights of her groups.
    Group(GroupArguments),
    /// Rights of groups, and for which functions two persons are demanded.
    Grant(GrantArguments),
    /// Changes that wait for a second person.
    Pending(PendingArguments),
    /// Call an operation of a running server over SOAP, for trying.
    ///
    /// Exit codes: 0 answered; 1 a fault came back; 3 nothing could be sent.
    SoapRequest(SoapRequest),
    /// Watch the tokens of a running server, or change their sizes and weights.
    Pool(PoolArguments),
    /// Make a working home: configuration, demo CA, software signers, a watched directory.
    Init(Init),
    /// Measure the configured signers and their pools.
    Bench(Bench),
    /// Check the audit log.
    Audit(Audit),
    /// The first light: make a home if there is none, sign the sample invoices, show the result, keep serving.
    Demo(Demo),
    /// The child process that a PKCS#11 module runs in. Started by the server.
    #[command(hide = true)]
    TokenHost,
}

/// `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration.
    #[arg(long)]
    pub config: PathBuf,
    /// End as soon as every watched directory has nothing left to do.
    #[arg(long)]
    pub until_idle: bool,
}

/// `sign`.
#[derive(Debug, Args)]
pub struct Sign {
    /// The configuration; its store, tokens, authorities and profiles are used.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// A profile of the configuration.
    #[arg(long, requires = "config")]
    pub profile: Option<String>,
    /// The form of the result, where no profile is named.
    #[arg(long, value_enum, conflicts_with = "profile")]
    pub format: Option<FormatName>,
    /// The level; above B-B time stamps are needed.
    #[arg(long, value_enum, ignore_case = true, default_value = "B-B", conflicts_with = "profile")]
    pub level: LevelName,
    /// CMS and CAdES: leave the document outside.
    #[arg(long, conflicts_with = "profile")]
    pub detached: bool,
    /// CMS and CAdES, where a file is a signed message: add a signature to it, or one over its signatures.
    #[arg(long, value_enum, default_value = "wrap", conflicts_with = "profile")]
    pub existing: ExistingName,
    /// The document that a detached signature is about, to which another signature is added.
    #[arg(long, conflicts_with = "together")]
    pub original: Option<PathBuf>,
    /// XML-DSig and XAdES: where the signature is.
    #[arg(long, value_enum, default_value = "enveloped", conflicts_with = "profile")]
    pub shape: ShapeName,
    /// ASiC: the form of the signature in the container.
    #[arg(long, value_enum, default_value = "cades", conflicts_with = "profile")]
    pub signature: SignatureName,
    /// Sign all files with one signature (ASiC-E, detached XML).
    #[arg(long)]
    pub together: bool,
    /// RSA: sign with PSS.
    #[arg(long, conflicts_with = "profile")]
    pub pss: bool,
    /// Allow ML-DSA keys, which few verifiers know yet.
    #[arg(long, conflicts_with = "profile")]
    pub post_quantum: bool,
    /// The digest.
    #[arg(long, value_enum, default_value = "sha256", conflicts_with = "profile")]
    pub digest: DigestName,
    /// Time stamps.
    #[command(flatten)]
    pub stamps: StampArguments,
    /// The key.
    #[command(flatten)]
    pub key: KeyArguments,
    /// The documents.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The folder for results.
    #[arg(short, long)]
    pub output: PathBuf,
}

/// `extend`.
#[derive(Debug, Args)]
pub struct Extend {
    /// The configuration; its authorities are used.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// The level to lift to.
    #[arg(long, value_enum, ignore_case = true, default_value = "B-LTA")]
    pub level: LevelName,
    /// The document that a detached signature is about.
    #[arg(long)]
    pub original: Option<PathBuf>,
    /// Time stamps.
    #[command(flatten)]
    pub stamps: StampArguments,
    /// The signed documents, of any maker: CMS, XML, PDF, ASiC.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The folder for results.
    #[arg(short, long)]
    pub output: PathBuf,
}

/// `timestamp`.
#[derive(Debug, Args)]
pub struct Timestamp {
    /// The configuration; its authorities are used.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Time stamps.
    #[command(flatten)]
    pub stamps: StampArguments,
    /// The documents.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The folder for the `.tsr` files.
    #[arg(short, long)]
    pub output: PathBuf,
}

/// Whose key is used, where the configuration does not say.
#[derive(Debug, Args)]
pub struct KeyArguments {
    /// Use the key in this PKCS#12 file.
    #[arg(long, conflicts_with = "token", requires = "password_file")]
    pub pkcs12: Option<PathBuf>,
    /// File whose first line is the password of the PKCS#12 file, or the PIN of the token.
    #[arg(long)]
    pub password_file: Option<PathBuf>,
    /// Use the token of this serial number.
    #[arg(long)]
    pub token: Option<String>,
    /// The PKCS#11 module of the token; without it the one that the configuration names.
    #[arg(long, requires = "token")]
    pub module: Option<PathBuf>,
    /// The label of the certificate on the token, if there are several.
    #[arg(long, requires = "token")]
    pub label: Option<String>,
}

/// `encrypt`.
#[derive(Debug, Args)]
pub struct Encrypt {
    /// The configuration; its store is used.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Certificates of a recipient (PEM or DER). May be given several times; each recipient alone can open the result.
    #[arg(long = "recipient", required = true, value_name = "FILE")]
    pub recipients: Vec<PathBuf>,
    /// How the content is encrypted. GCM notices every change on the way; CBC is for recipients who know nothing else.
    #[arg(long, value_enum, default_value = "aes256-gcm")]
    pub cipher: CipherName,
    /// How recipients with RSA keys get the content key. PKCS#1 is for those who know nothing else.
    #[arg(long, value_enum, default_value = "oaep")]
    pub rsa: RsaName,
    /// The documents.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The folder for results.
    #[arg(short, long)]
    pub output: PathBuf,
}

/// `--cipher`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CipherName {
    /// AES-128 in CBC mode.
    #[value(name = "aes128-cbc")]
    Aes128Cbc,
    /// AES-256 in CBC mode.
    #[value(name = "aes256-cbc")]
    Aes256Cbc,
    /// AES-128 in GCM mode.
    #[value(name = "aes128-gcm")]
    Aes128Gcm,
    /// AES-256 in GCM mode.
    #[value(name = "aes256-gcm")]
    Aes256Gcm,
}

/// `--rsa`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RsaName {
    /// RSAES-OAEP with SHA-256.
    Oaep,
    /// RSAES-PKCS1-v1_5.
    Pkcs1,
}

/// `decrypt`.
#[derive(Debug, Args)]
pub struct Decrypt {
    /// The configuration; all its tokens and software keys are tried.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// The key.
    #[command(flatten)]
    pub key: KeyArguments,
    /// The encrypted documents. What they are is told by their content, not by their names.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The folder for results.
    #[arg(short, long)]
    pub output: PathBuf,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The configuration; its network settings and `[revocation]` are used, its anchors are trusted.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Certificates that are trusted (PEM or DER), in place of those of the configuration. Without any only the
    /// cryptography is judged. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// Further certificates, of issuers or signers, which are not trusted by themselves.
    #[arg(long, value_name = "FILE")]
    pub known: Vec<PathBuf>,
    /// Judge as of this moment, as in 2026-11-26T12:00:00Z or 2026-11-26.
    #[arg(long, value_name = "TIME", value_parser = crate::moment::parse)]
    pub at: Option<model::Time>,
    /// The verification policy in place of the built-in one.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The algorithm catalogues in place of the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub algorithms: Option<PathBuf>,
    /// What a detached signature is over. May be given several times.
    #[arg(long, value_name = "DOC")]
    pub detached: Vec<PathBuf>,
    /// The digest of what a detached signature is over, in hexadecimal; `sha1:` and the like in front if it is not SHA-2.
    #[arg(long, value_name = "HEX", conflicts_with = "detached")]
    pub hash: Option<String>,
    /// File whose first line is the password of encrypted PDF files.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Ask nobody: judge by what the files bring.
    #[arg(long)]
    pub offline: bool,
    /// Hosts in private networks that may be asked though only certificates name them.
    #[arg(long, value_name = "HOST")]
    pub reach: Vec<String>,
    /// Write full reports of this kind.
    #[arg(long, value_enum)]
    pub report: Option<ReportName>,
    /// The language of reports for people.
    #[arg(long, value_enum, default_value = "en")]
    pub language: LanguageName,
    /// Put the evidence that was used (certificates, CRLs, OCSP answers, time stamps) into JSON reports.
    #[arg(long)]
    pub evidence: bool,
    /// The signed files.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The folder for reports; without it they go to standard output.
    #[arg(short, long)]
    pub output: Option<PathBuf>,
}

/// `trust`.
#[derive(Debug, Args)]
pub struct TrustArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: TrustCommand,
}

/// The commands of `trust`.
#[derive(Debug, Subcommand)]
pub enum TrustCommand {
    /// Take a certificate batch or a trusted list (ETSI TS 119 612) into the store, if its signature is right and it is
    /// newer than what is there. Nothing of it is trusted before it is allowed.
    Import {
        /// The configuration; its store and tenant are used.
        #[arg(long)]
        config: PathBuf,
        /// A signed certificate batch.
        #[arg(long, value_name = "FILE", required_unless_present = "list", conflicts_with = "list")]
        batch: Option<PathBuf>,
        /// A certificate with the key that signs batches; needed for the first one only, then the key is pinned.
        #[arg(long, value_name = "CERT", requires = "batch")]
        key: Option<PathBuf>,
        /// A trusted list, or the list of lists.
        #[arg(long, value_name = "FILE")]
        list: Option<PathBuf>,
        /// A certificate that may sign the list. May be given several times; needed for the first import.
        #[arg(long, value_name = "CERT", requires = "list")]
        signer: Vec<PathBuf>,
        /// Take the list's signers from this list of lists, which was imported before.
        #[arg(long, value_name = "NAME", requires = "list", conflicts_with = "signer")]
        through: Option<String>,
        /// What the source is called here; without it "batch", or the territory of the list.
        #[arg(long)]
        name: Option<String>,
        /// Who imports it, for the audit log.
        #[arg(long, env = "USER", default_value = "operator")]
        operator: String,
    },
    /// All trust centres of all sources, and whether they are allowed.
    List {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// Allow trust centres: SOURCE/CENTRE as `list` shows them, or SOURCE for all of a source.
    Allow {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// Take it back.
        #[arg(long)]
        deny: bool,
        /// Who decides, for the audit log.
        #[arg(long, env = "USER", default_value = "operator")]
        operator: String,
        /// Which.
        #[arg(required = true)]
        centres: Vec<String>,
    },
    /// Make certificate batches.
    Batch {
        /// What to do.
        #[command(subcommand)]
        command: BatchCommand,
    },
}

/// The commands of `trust batch`.
#[derive(Debug, Subcommand)]
pub enum BatchCommand {
    /// Sign a batch whose trust centres a TOML file describes (see config/trust-batch.toml).
    Create {
        /// The configuration; its tokens are used.
        #[arg(long)]
        config: Option<PathBuf>,
        /// The description.
        #[arg(long)]
        input: PathBuf,
        /// The key.
        #[command(flatten)]
        key: KeyArguments,
        /// The folder for the batch.
        #[arg(short, long)]
        output: PathBuf,
    },
}

/// `--report`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportName {
    /// JSON.
    Json,
    /// XML by ETSI TS 119 102-2.
    Xml,
    /// A page for people.
    Html,
    /// A PDF for people.
    Pdf,
}

/// `--language`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LanguageName {
    /// English.
    En,
    /// German.
    De,
}

/// Where time stamps come from, and who is trusted for long-term signatures.
#[derive(Debug, Args)]
pub struct StampArguments {
    /// Address of a time-stamping authority, instead of those of the configuration. May be given several times: the next
    /// one is asked when one fails.
    #[arg(long, value_name = "URL")]
    pub tsa: Vec<String>,
    /// Certificates of roots (PEM): where certification paths end whose evidence is put into the signature.
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
}

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    /// Plain CMS SignedData.
    Cms,
    /// CAdES.
    Cades,
    /// PDF, `adbe.pkcs7.detached`.
    Pdf,
    /// PAdES.
    Pades,
    /// XML-DSig.
    Xmldsig,
    /// XAdES.
    Xades,
    /// A container with one document.
    AsicS,
    /// A container for several documents.
    AsicE,
}

/// `--level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LevelName {
    /// The signature alone.
    #[value(name = "B-B")]
    BB,
    /// With a time stamp.
    #[value(name = "B-T")]
    BT,
    /// With certificates and revocation material.
    #[value(name = "B-LT")]
    BLt,
    /// With an archive time stamp.
    #[value(name = "B-LTA")]
    BLta,
}

/// `--existing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExistingName {
    /// The signed message is a document like any other.
    Wrap,
    /// Add a signature beside the others.
    Parallel,
    /// Sign the signatures.
    Counter,
}

/// `--shape`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShapeName {
    /// Inside the document.
    Enveloped,
    /// Around the document.
    Enveloping,
    /// In a file of its own.
    Detached,
}

/// `--signature`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignatureName {
    /// CAdES.
    Cades,
    /// XAdES.
    Xades,
}

/// `--digest`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DigestName {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// `token`.
#[derive(Debug, Args)]
pub struct TokenArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// The commands of `token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Slots, tokens, certificates, mechanisms and PIN states. Never logs in. Exit code 1 if a module or token of the
    /// configuration is missing.
    List {
        /// The configuration.
        #[arg(long)]
        config: Option<PathBuf>,
        /// A PKCS#11 module to look at.
        #[arg(long)]
        module: Option<PathBuf>,
    },
    /// Permit one further login: the PIN in the configured file has been put right, or the card is known to be well. The
    /// running server tries it within seconds.
    Unblock {
        /// Serial number.
        serial: String,
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// Who permits it, for the audit log.
        #[arg(long, env = "USER", default_value = "operator")]
        operator: String,
    },
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder to make; it must not hold a configuration yet.
    pub directory: PathBuf,
    /// The store is the PostgreSQL database that SEALMILL_DATABASE_URL names, for several servers.
    #[arg(long)]
    pub postgres: bool,
}

/// `bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// The configuration.
    #[arg(long)]
    pub config: PathBuf,
    /// Seconds for each row.
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Most sessions to try.
    #[arg(long, default_value_t = 8)]
    pub sessions_max: usize,
}

/// `audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// The commands of `audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recompute the hash chains. Exit code 0: unbroken; 1: changed, removed or inserted entries were found.
    Verify {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
}

/// `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The home; made if there is none.
    #[arg(long, default_value = "run-home")]
    pub home: PathBuf,
    /// The sample documents.
    #[arg(long, default_value = "config/samples")]
    pub samples: PathBuf,
    /// End when the samples are signed.
    #[arg(long)]
    pub once: bool,
    /// A new home keeps its records in the PostgreSQL database that SEALMILL_DATABASE_URL names.
    #[arg(long)]
    pub postgres: bool,
}

/// Where a running server is called, and as whom.
#[derive(Debug, Args)]
pub struct CallArguments {
    /// Where the server is called, as it prints it at its start.
    #[arg(long)]
    pub url: Option<String>,
    /// User, for HTTP Basic.
    #[arg(long, requires = "password_file")]
    pub user: Option<String>,
    /// File whose first line is the password.
    #[arg(long, requires = "user")]
    pub password_file: Option<PathBuf>,
    /// Short name of the tenant, if it is not the server's own.
    #[arg(long)]
    pub organisation: Option<String>,
    /// PEM file with a client certificate and those above it.
    #[arg(long, requires = "key")]
    pub cert: Option<PathBuf>,
    /// PEM file with its key.
    #[arg(long, requires = "cert")]
    pub key: Option<PathBuf>,
    /// PEM file with the root of the server's certificate, beside those of the machine.
    #[arg(long)]
    pub root: Option<PathBuf>,
    /// How long an answer may take, in seconds.
    #[arg(long, default_value_t = 120)]
    pub timeout_s: u64,
}

/// `pool`.
#[derive(Debug, Args)]
pub struct PoolArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: PoolCommand,
}

/// The commands of `pool`.
#[derive(Debug, Subcommand)]
pub enum PoolCommand {
    /// Show rates, queues and waits of the tokens, again and again.
    Watch(Watch),
    /// Change sessions, weights and shares until the server's next start.
    Resize(Resize),
}

/// `pool watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// Seconds between two looks.
    #[arg(long, default_value_t = 1.0)]
    pub interval_s: f64,
    /// Look once.
    #[arg(long)]
    pub once: bool,
    /// The server, and who calls.
    #[command(flatten)]
    pub call: CallArguments,
}

/// `pool resize`.
#[derive(Debug, Args)]
pub struct Resize {
    /// Serial number of the token, for --sessions and --weight.
    #[arg(long)]
    pub token: Option<String>,
    /// Sessions that it is to have.
    #[arg(long, requires = "token")]
    pub sessions: Option<i64>,
    /// Its weight among the tokens of a pool.
    #[arg(long, requires = "token")]
    pub weight: Option<i64>,
    /// Of a hundred places, how many are kept for callers who wait.
    #[arg(long)]
    pub interactive_share: Option<i64>,
    /// Documents of the caller's tenant under way at most.
    #[arg(long)]
    pub tenant_documents_max: Option<i64>,
    /// Weight of the caller's tenant among tenants.
    #[arg(long)]
    pub tenant_weight: Option<i64>,
    /// The server, and who calls.
    #[command(flatten)]
    pub call: CallArguments,
}

/// `soap-request`.
#[derive(Debug, Args)]
pub struct SoapRequest {
    /// The operation, as the WSDL names it.
    pub operation: String,
    /// A file for the first field that takes bytes, or FIELD=FILE; several times for several.
    #[arg(long)]
    pub file: Vec<String>,
    /// Another field: NAME=VALUE, or RECORD.NAME=VALUE; several times for several.
    #[arg(long)]
    pub set: Vec<String>,
    /// Folder for the documents of the answer.
    #[arg(long, default_value = ".")]
    pub output: PathBuf,
    /// The server, and who calls.
    #[command(flatten)]
    pub call: CallArguments,
    /// SOAP 1.2 instead of 1.1.
    #[arg(long)]
    pub soap12: bool,
    /// Show the request and send nothing.
    #[arg(long)]
    pub show: bool,
}
