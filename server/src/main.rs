//! Entry point of the binary: read the arguments, run the command, end with its exit code.

use clap::Parser;
use server::cli::{Arguments, Command};
use server::commands;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print(); // help and version to standard output, complaints to standard error
            return ExitCode::from(if error.use_stderr() { commands::EXIT_SETUP } else { commands::EXIT_DONE });
        }
    };
    if matches!(arguments.command, Command::TokenHost) {
        return token::run_host(); // the child process of a PKCS#11 module: no logs, no runtime, no configuration
    }
    commands::log(&arguments);
    let result = match arguments.command {
        Command::Serve(serve) => commands::serve::run(&serve),
        Command::Sign(sign) => commands::sign::run(&sign, arguments.json),
        Command::Extend(extend) => commands::extend::run(&extend, arguments.json),
        Command::Timestamp(timestamp) => commands::timestamp::run(&timestamp, arguments.json),
        Command::Encrypt(encrypt) => commands::encrypt::run(&encrypt, arguments.json),
        Command::Decrypt(decrypt) => commands::decrypt::run(&decrypt, arguments.json),
        Command::Verify(verify) => commands::verify::run(&verify, arguments.json),
        Command::Trust(trust) => commands::trust::run(&trust, arguments.json),
        Command::Token(token) => commands::token::run(&token, arguments.json),
        Command::Tenant(tenant) => commands::access::tenant(&tenant, arguments.json),
        Command::User(user) => commands::access::user(&user, arguments.json),
        Command::Group(group) => commands::access::group(&group, arguments.json),
        Command::Grant(grant) => commands::access::grant(&grant, arguments.json),
        Command::Pending(pending) => commands::access::pending(&pending, arguments.json),
        Command::Pool(pool) => commands::pool::run(&pool, arguments.json),
        Command::SoapRequest(request) => commands::soap_request::run(&request),
        Command::Init(init) => commands::init::run(&init),
        Command::Bench(bench) => commands::bench::run(&bench, arguments.json),
        Command::Audit(audit) => commands::audit::run(&audit, arguments.json),
        Command::Demo(demo) => commands::demo::run(&demo),
        Command::TokenHost => Ok(ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        commands::complain(&error);
        ExitCode::from(commands::EXIT_SETUP)
    })
}
