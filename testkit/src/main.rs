//! `sealmill-testkit serve`: the test kit's world for trying by hand. Writes keys, certificates and a configuration for
//! sealmill into a folder, says what is where, and serves until it is ended.
//!
//! Only the command line; the world itself is the library's.
#![allow(clippy::print_stdout)] // what is where is its output

use anyhow::{Context, Result, bail};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use testkit::pki::{Identity, KeyKind};
use testkit::world::{Fault, Issuer, Order, PASSWORD, Purpose, USER, Unit, Validity, World};

const USAGE: &str = "\
usage: sealmill-testkit serve [--port PORT] [--home DIR]

Serves a certification authority, an OCSP responder, revocation lists and time-stamping authorities, good and bad, on
127.0.0.1 until it is ended (Ctrl-C). DIR (default: world-home) gets keys, certificates and sealmill.toml; they belong
to this run, the next one makes new ones.";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("serve") {
        println!("{USAGE}");
        return Ok(());
    }
    let (mut port, mut home) = (0, PathBuf::from("world-home"));
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{argument} needs a value\n\n{USAGE}"))?;
        match argument.as_str() {
            "--port" => port = value.parse().context("--port needs a number")?,
            "--home" => home = value.into(),
            _ => bail!("unknown argument {argument}\n\n{USAGE}"),
        }
    }
    let world = World::start_on(port)?;
    write_home(&world, &home)?;
    describe(&world, &home);
    std::io::stdout().flush()?;
    loop {
        std::thread::park(); // the server's threads work until the process is ended
    }
}

/// Signers that are in the folder: name of the file, kind of the key, what is special.
fn signers(world: &World) -> Result<Vec<(&'static str, Identity)>> {
    let order = |name: &str| Order::signer(KeyKind::P256, name);
    let issue = |order: Order| world.issue(&order);
    let revoked = issue(order("Siegel gesperrt"))?;
    world.revoke(&revoked.certificate_der(), 1)?;
    let held = issue(order("Siegel ausgesetzt"))?;
    world.revoke(&held.certificate_der(), 6)?;
    Ok(vec![
        ("signer-rsa", issue(Order::signer(KeyKind::Rsa3072, "Siegel RSA"))?),
        ("signer-p256", issue(order("Siegel P-256"))?),
        ("signer-brainpool", issue(Order::signer(KeyKind::BrainpoolP256r1, "Siegel Brainpool"))?),
        ("signer-revoked", revoked),
        ("signer-on-hold", held),
        ("signer-expired", issue(order("Siegel abgelaufen").valid(Validity::Expired))?),
        ("signer-not-yet-valid", issue(order("Siegel von morgen").valid(Validity::NotYet))?),
        ("signer-wrong-usage", issue(Order::new(Purpose::WrongUsage, KeyKind::P256, "Kein Siegel"))?),
        ("recipient-rsa", issue(Order::new(Purpose::Encryption, KeyKind::Rsa3072, "Posteingang RSA"))?),
        ("recipient-p256", issue(Order::new(Purpose::Encryption, KeyKind::P256, "Posteingang P-256"))?),
        ("tls-client", issue(Order::new(Purpose::TlsClient, KeyKind::P256, "Siegelserver"))?),
    ])
}

fn write_home(world: &World, home: &Path) -> Result<()> {
    std::fs::create_dir_all(home).with_context(|| format!("make {}", home.display()))?;
    for (name, identity) in signers(world)? {
        identity.write_pkcs12(home, name, PASSWORD)?;
        std::fs::write(home.join(format!("{name}.pem")), identity.chain_pem()?)?;
        std::fs::write(home.join(format!("{name}.key.pem")), identity.key_pem()?)?;
    }
    let identity = [world.client()?.chain_pem()?, world.client()?.key_pem()?].concat();
    std::fs::write(home.join("tls-identity.pem"), identity)?;
    std::fs::write(home.join("password"), PASSWORD)?;
    std::fs::copy(world.root_pem(), home.join("root.pem"))?;
    std::fs::copy(world.ca_pem(), home.join("authorities.pem"))?;
    std::fs::write(home.join("unit.pem"), world.unit(Unit::Good)?.chain_pem()?)?;
    std::fs::write(home.join("sealmill.toml"), configuration(world))?;
    Ok(())
}

/// A configuration in which every level works, with a directory for each.
fn configuration(world: &World) -> String {
    let (good, tls) = (world.url("/tsa"), world.mutual_tls_url("/tsa"));
    let mut text = format!(
        "[server]\nname = \"world\"\n\n[store]\npath = \"sealmill.sqlite\"\n\n\
         [[software]]\nname = \"seal\"\npkcs12 = \"signer-p256.p12\"\npassword_file = \"password\"\nsessions = 2\n\n\
         [[pool]]\nname = \"seals\"\nsigners = [\"seal\"]\n\n\
         [network]\ntls_roots = [\"root.pem\"]\n\n\
         [revocation]\nanchors = [\"root.pem\"]\nprivate_hosts = [\"127.0.0.1\"]\n\n\
         # The first is never there: the second stands in for it.\n\
         [[authority]]\nname = \"down\"\nurl = \"{down}\"\n\n\
         [[authority]]\nname = \"good\"\nurl = \"{good}\"\nanchors = [\"root.pem\"]\n\n\
         [[authority]]\nname = \"basic\"\nurl = \"{basic}\"\nuser = \"{USER}\"\npassword_file = \"password\"\n\n\
         [[authority]]\nname = \"client\"\nurl = \"{tls}\"\ntls_identity = \"tls-identity.pem\"\n",
        down = world.url("/tsa/down"),
        basic = world.url("/basic/tsa"),
    );
    for (format, level) in
        [("pades", "B-T"), ("pades", "B-LTA"), ("cades", "B-LTA"), ("xades", "B-LTA"), ("asic-e", "B-LTA")]
    {
        let name = format!("{format}-{}", level.to_lowercase());
        text += &format!(
            "\n[[profile]]\nname = \"{name}\"\npool = \"seals\"\nformat = \"{format}\"\nlevel = \"{level}\"\n\
             [profile.stamp]\nauthorities = [\"down\", \"good\"]\n\n\
             [[directory]]\nname = \"{name}\"\npath = \"{name}\"\nprofile = \"{name}\"\n"
        );
    }
    text
}

fn describe(world: &World, home: &Path) {
    let home = home.display();
    println!("keys, certificates and sealmill.toml are in {home} (every password: {PASSWORD})");
    println!("try: sealmill serve --config {home}/sealmill.toml\n");
    println!("OCSP            {}   and /ocsp/FAULT", world.url("/ocsp"));
    for issuer in Issuer::ALL {
        let (list, issuer) = (world.url(&format!("/crl/{}.crl", issuer.label())), issuer.label());
        println!("list and issuer {list}   {}", world.url(&format!("/ca/{issuer}.cer")));
    }
    println!("time stamps     {}   RSA: {}", world.url("/tsa"), world.url("/tsa/rsa"));
    println!("  user {USER}  {}", world.url("/basic/tsa"));
    println!(
        "  TLS            {}   with a client's certificate: {}",
        world.tls_url("/tsa"),
        world.mutual_tls_url("/tsa")
    );
    println!("  nobody there   {}", world.url("/tsa/down"));
    println!("  bad            {}", world.url("/tsa/FAULT"));
    let faults: Vec<&str> = Fault::ALL.into_iter().map(Fault::name).collect();
    for line in faults.chunks(8) {
        println!("                 {}", line.join(" "));
    }
}
