//! `softcp channel`: what a driver answers over an authenticated channel.

use std::io::{self, Write};

use comfy_table::Table;
use serde::Serialize;
use softcp_client::Process;
use softcp_player::{ChannelSurvey, Message, Outcome, SurveyOptions, survey};

use super::decrypt::counted;
use crate::args::ChannelArgs;
use crate::driver::{self, DriverInfo};
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};
use crate::{protected, table};

/// `softcp channel`.
pub(crate) fn run(args: &ChannelArgs, json: bool) -> Result<Exit, Failure> {
    let trusted = driver::open_trusted(&args.driver, &args.trust)?;
    let device = trusted.opened.driver.create_device().map_err(|error| driver::call_failed(&error))?;
    let options = SurveyOptions {
        process: args.allow_process.map_or(Process::Dwm, Process::Handle),
        encryption: args.encryption,
        ..SurveyOptions::new(args.channel_type.into(), trusted.trust.for_player())
    };
    let survey = survey(&device, &options).map_err(|failure| protected::channel_failed(&failure, &trusted.trust))?;
    let is_as_expected = survey.is_as_expected();
    let report =
        ChannelReport { driver: trusted.opened.info, survey, root: trusted.trust.origin.to_string(), is_as_expected };
    output::print(&report, json)?;
    Ok(if is_as_expected { Exit::Ok } else { Exit::CheckFailed })
}

/// What `softcp channel` reports.
#[derive(Serialize)]
struct ChannelReport {
    driver: DriverInfo,
    #[serde(flatten)]
    survey: ChannelSurvey,
    /// Whom the certificate was checked against.
    root: String,
    /// Whether the exit code is 0.
    is_as_expected: bool,
}

impl Report for ChannelReport {
    const NAME: &'static str = "channel";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let survey = &self.survey;
        let root = if survey.certificate.is_verified {
            format!("ok, leads to {}", self.root)
        } else {
            "not checked: any root was accepted".to_owned()
        };
        let mut head = table::plain();
        head.add_row(["Driver", &self.driver.to_string()])
            .add_row(["Channel", &format!("{}, {}", survey.channel_type, survey.channel)])
            .add_row(["Certificate", &survey.certificate.subject])
            .add_row(["  root", &root]);
        writeln!(out, "{}\n", table::text(&head))?;
        writeln!(out, "{}\n", table::text(&messages("Command", &survey.commands)))?;
        writeln!(out, "{}\n", table::text(&messages("Query", &survey.queries)))?;
        for command in survey.commands.iter().filter(|command| matches!(command.outcome, Outcome::Refused { .. })) {
            writeln!(out, "{}: the driver refused this command", command.name)?;
        }
        for message in survey.commands.iter().chain(&survey.queries) {
            if let Some(problem) = problem(message) {
                writeln!(out, "{}: {problem}", message.name)?;
            }
        }
        self.write_summary(out)
    }
}

impl ChannelReport {
    fn write_summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let counts = self.survey.messages;
        let sent = counts.commands + counts.queries;
        let (commands, queries) = (counted(counts.commands, "command"), query_count(counts.queries));
        let unsigned = sent - counts.answers_verified;
        let signatures = match unsigned {
            0 => "every answer has a valid signature".to_owned(),
            _ => format!("{unsigned} of {} WITHOUT a valid signature", counted(sent, "answer")),
        };
        writeln!(out, "{commands}, {queries}: {signatures}")
    }
}

fn query_count(count: u64) -> String {
    if count == 1 { "1 query".to_owned() } else { format!("{count} queries") }
}

/// One row per message: what was sent, what came back, and what its signature is worth.
fn messages(kind: &str, messages: &[Message]) -> Table {
    let mut table = table::with_header([kind, "About", "Answer", "Check"]);
    for message in messages {
        let about = message.parameters.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        table.add_row([message.name, &about, &answer(&message.outcome), check(message)]);
    }
    table
}

fn answer(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted => "accepted".to_owned(),
        Outcome::Answered { answer } | Outcome::Contradicted { answer, .. } => answer.to_string(),
        Outcome::Refused { return_code } => format!("refused: {return_code}"),
        Outcome::NotAuthentic { .. } => "not to be believed".to_owned(),
        Outcome::Malformed { .. } => "makes no sense".to_owned(),
        Outcome::Failed { .. } => "failed".to_owned(),
        Outcome::NotSent { reason } => format!("not sent: {reason}"),
    }
}

fn check(message: &Message) -> &'static str {
    match (message.signature_valid, &message.outcome) {
        (Some(true), Outcome::Refused { .. }) => "signed refusal",
        (Some(true), Outcome::Contradicted { .. }) => "signature valid, answer WRONG",
        (Some(true), _) => "signature valid",
        (Some(false), _) => "signature WRONG",
        (None, _) => "-",
    }
}

/// What is wrong, in a sentence that the table has no room for.
fn problem(message: &Message) -> Option<String> {
    match &message.outcome {
        Outcome::NotAuthentic { error } | Outcome::Malformed { error } | Outcome::Failed { error } => {
            Some(printable(error))
        }
        Outcome::Contradicted { expected, .. } => Some(format!(
            "the driver accepted a command after which the answer must be: {}",
            expected.to_string().replace('\n', ", ")
        )),
        Outcome::Accepted | Outcome::Answered { .. } | Outcome::Refused { .. } | Outcome::NotSent { .. } => None,
    }
}
