//! The command line. Its comments are the help texts and the man pages.

// Backticks are no help in a terminal.
#![allow(clippy::doc_markdown)]

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use clap::{Arg, ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use softcp::config::Encryption;
use softcp::faults::{Fault, FaultError, Schedule};
use softcp_abi::GUID;
use softcp_bench::{Group, PlotFormat};
use softcp_client::ChannelType;
use softcp_conformance::demands::SkipLimit;
use softcp_conformance::{Requirement, RuleSet};
use softcp_player::Protection;

/// The call that uses a key in the middle of the clip: each sample is a decryption blit and a read-back.
const MID_CLIP: u32 = 75;

/// What `softcp help` says at its end.
const AFTER_HELP: &str = "\
Examples:
  softcp demo --write-sample sample    an encrypted file to try, and the command that decrypts it
  softcp conform                       the built-in driver against the rules of the DDI
  softcp help decrypt                  all about one command

Exit codes:
  0  done, and every check passed
  1  a check failed: a certificate, a key, the content of a file, an answer of the driver
  2  the command line is wrong
  3  the environment: a file, directory, library or configuration is missing or refuses

Environment:
  SOFTCP_CONF      configuration file of the built-in driver (softcp.toml)
  SOFTCP_OPTIONS   the same keys inline, separated by semicolons: capabilities.profile=hardware-like
  SOFTCP_LOG       what the driver logs, as warn or softcp_ddi=debug
  NO_COLOR         no colours, when set";

/// Content protection of Direct3D 11.1 in software: certificates, crypto sessions, protected video.
#[derive(Debug, Parser)]
#[command(name = "softcp", version, propagate_version = true, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print reports and errors as JSON (schemas: docs/cli/schema)
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,

    /// Say what is done; -vv and -vvv say more
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 901)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Decrypt(DecryptArgs),
    Info(InfoArgs),
    Caps(CapsArgs),
    Channel(ChannelArgs),
    Bench(BenchArgs),
    Conform(ConformArgs),
    Zoo(ZooArgs),
    Faults(FaultsArgs),
    Doctor(DoctorArgs),
    #[command(subcommand)]
    Cert(CertCommand),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Which driver to use.
#[derive(Debug, Args)]
pub(crate) struct DriverArgs {
    /// A library that exports softcp_open_driver [default: the built-in driver]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) driver: Option<PathBuf>,
}

/// Whom to trust when the driver shows its certificate.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The root certificate (PEM or DER) that the driver's certificate must lead to
    ///
    /// Without it: root.pem of the identity directory that SOFTCP_CONF or SOFTCP_OPTIONS names; else the driver is
    /// given an identity that this command has made, and is checked against its root. That identity is kept in the user's
    /// cache directory for 30 days, unless the configuration says identity.cache=false.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) root: Option<PathBuf>,

    /// Accept any certificate, whoever made it: whoever stands between could read everything
    #[arg(long, conflicts_with = "root")]
    pub(crate) any_root: bool,
}

/// Whether content is decrypted under protection.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ProtectionArgs {
    /// Open no authenticated channel and leave protection off: for drivers that have no channels
    ///
    /// What is decrypted can then be read where it lies, unless the driver protects its output at all times.
    #[arg(long)]
    pub(crate) without_channel: bool,
}

impl From<ProtectionArgs> for Protection {
    fn from(args: ProtectionArgs) -> Self {
        if args.without_channel { Self::Without } else { Self::Required }
    }
}

/// Show what each side sees of protected video, in one picture
///
/// Plays a small encrypted clip, which the command carries, through the driver, puts one frame into a protected
/// surface, reads it back, and draws the clear frame, the frame on the bus, the read-back, and the read-back opened with
/// the key. Protection is switched on over an authenticated channel before, and off after; in both states the frame is
/// reached for past the read-back, to show what protection forbids. Takes no file and no network.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp demo
  softcp demo --fault key-lost --clip clear.mp4
  softcp demo --write-sample sample")]
pub(crate) struct DemoArgs {
    /// The picture [default: softcp-demo.png, which is replaced]
    #[arg(short, long, value_name = "PNG", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Write the clear clip too: an MP4 file that players play
    #[arg(long, value_name = "MP4", value_hint = ValueHint::FilePath)]
    pub(crate) clip: Option<PathBuf>,

    /// Write an encrypted sample, softcp-sample.mp4, into this directory, print the command that decrypts it, and do nothing else
    ///
    /// The sample is the clip of the demonstration. Its key is no secret.
    #[arg(
        long,
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        conflicts_with_all = ["output", "clip", "fault", "without_channel", "driver", "root", "any_root"]
    )]
    pub(crate) write_sample: Option<PathBuf>,

    /// A fault to happen on the way, by its name or with a schedule as "key-lost every=20" (docs/faults.md)
    ///
    /// The report shows what the application saw and how it recovered. The exit code is 1 when the fault did not occur, or
    /// the clip or the frame suffered from it.
    #[arg(long, value_name = "NAME", value_parser = suggest(demo_fault, faults), hide_possible_values = true)]
    pub(crate) fault: Option<Schedule>,

    /// Replace existing files
    #[arg(short, long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,

    #[command(flatten)]
    pub(crate) driver: DriverArgs,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Decrypt a Common Encryption MP4 file through the driver, as a player would
///
/// Takes the schemes cenc and cens (AES-CTR), cbcs and cbc1 (AES-CBC), plain and fragmented files, several tracks and keys.
/// Opens an authenticated channel and switches protection on. Each protected track gets a crypto session of its own, bound
/// to a decoder: certificate check, key exchange, wrapped content keys, decryption into protected memory, encrypted
/// read-back, and a session key refresh every N samples. At the end protection is switched off again. Unprotected tracks
/// are copied. A cipher cannot tell a wrong key; where decrypted samples are not what their codec writes, a warning names
/// track and KID.
///
/// Decryption blits know AES-CTR alone. Tracks of cbcs and cbc1 are decrypted by the decoder, which takes a driver with a
/// function table of WDDM 2.4 and decoders for the CBCS encryption; without a channel it takes a licence, too.
///
/// Several inputs give several outputs, in --output-dir. With --init the inputs are media segments, and each output is the
/// clear segment. The name - stands for standard input, whose file must have its moov box in front, and for standard output.
///
/// With --licence the keys go to the driver's secure environment, and samples are decrypted with keys that it has sealed.
/// Keys that the driver loses on the way, by a teardown, are set up anew, and no sample is lost.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp decrypt in.mp4 --key KID:KEY -o out.mp4
  softcp decrypt in.mp4 --key-file keys.txt --refresh-every 10 -o out.mp4
  softcp decrypt --init init.mp4 *.m4s --key KEY --output-dir clear
  softcp decrypt in.mp4 --licence license.json -o out.mp4")]
pub(crate) struct DecryptArgs {
    /// The encrypted files; - is standard input
    #[arg(required = true, value_name = "IN.mp4", value_hint = ValueHint::FilePath)]
    pub(crate) inputs: Vec<PathBuf>,

    /// The clear file, which appears when it is complete; - is standard output
    #[arg(
        short,
        long,
        value_name = "OUT.mp4",
        value_hint = ValueHint::FilePath,
        required_unless_present = "output_dir",
        conflicts_with = "output_dir"
    )]
    pub(crate) output: Option<PathBuf>,

    /// The directory of the clear files, made if needed: each has the name of its input
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output_dir: Option<PathBuf>,

    /// The initialization segment of the inputs, which are media segments
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) init: Option<PathBuf>,

    /// A content key and its identifier, or the number of a track, or the key alone for everything; once for each key
    ///
    /// KID and KEY are 32 hexadecimal digits each. They may also have the form of a GUID, begin with 0x, or be base64.
    /// Other users of the machine can see it while the command runs: --key-file keeps it to yourself.
    #[arg(short, long = "key", value_name = "KID:KEY", required_unless_present_any = ["key_file", "licence"])]
    pub(crate) keys: Vec<String>,

    /// A file of keys, one per line as for --key; empty lines, and what follows a #, are ignored
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key_file: Option<PathBuf>,

    /// A clear key licence, a JSON Web Key set, whose keys only the driver's secure environment uses
    ///
    /// The driver must report HARDWARE_DRM_COMMUNICATION. The built-in one does so for this run, unless the configuration
    /// says otherwise.
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath, conflicts_with_all = ["keys", "key_file"])]
    pub(crate) licence: Option<PathBuf>,

    /// Decrypt only the track with this number, and copy the others; once for each track
    #[arg(long = "track", value_name = "N")]
    pub(crate) tracks: Vec<u32>,

    /// Samples between two session key refreshes of a track; 0 for none
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub(crate) refresh_every: u32,

    /// Start over up to N times when the driver fails or is not believed, with a new device at the sample that failed
    ///
    /// New keys for lost ones need no restart. Each restart checks certificate and signatures as the first start does.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) restarts: u32,

    /// Of a file that ends too early, write what is whole
    ///
    /// Whole fragments, or in a file without fragments whole samples; not further than the keys reach. Without it, such a
    /// file is an error that says how much is whole.
    #[arg(long)]
    pub(crate) partial: bool,

    /// How `cens` samples without subsamples end, behind their last whole block: the standard leaves those bytes clear, and
    /// Bento4, GPAC and ffmpeg encrypt them
    ///
    /// With `auto` the file tells, or the samples do when they are decrypted; else the standard holds.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) cens_tail: CensTailArg,

    /// Replace an existing output
    #[arg(short, long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,

    #[command(flatten)]
    pub(crate) driver: DriverArgs,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// The values of `--cens-tail`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum CensTailArg {
    #[default]
    Auto,
    Clear,
    Encrypted,
}

impl From<CensTailArg> for softcp_player::CensTail {
    fn from(arg: CensTailArg) -> Self {
        match arg {
            CensTailArg::Auto => Self::Auto,
            CensTailArg::Clear => Self::Clear,
            CensTailArg::Encrypted => Self::Encrypted,
        }
    }
}

/// Show what is in an MP4 file, how it is encrypted, and what decrypt would do with it
///
/// Tracks, codecs, schemes, key identifiers, sizes of initialization vectors, patterns, samples and encrypted bytes, and the
/// key systems that the file has something for. Needs no key and no driver.
///
/// The exit code is 0 also for a file that decrypt would refuse; the report says why it would.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp info in.mp4
  softcp info segment.m4s --init init.mp4
  softcp info in.mp4 --json")]
pub(crate) struct InfoArgs {
    /// The file; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// The initialization segment of the file, which is a media segment
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) init: Option<PathBuf>,
}

/// Show what the driver offers for each crypto type and decode profile
///
/// Decode profiles with the same answer are put together.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp caps
  SOFTCP_OPTIONS=capabilities.profile=hardware-like softcp caps --all
  softcp caps --driver ./libdriver.so")]
pub(crate) struct CapsArgs {
    /// List each decode profile on its own
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) driver: DriverArgs,
}

/// Open an authenticated channel and show what the driver answers over it
///
/// Goes through a player's start-up: certificate of the channel's type, key exchange, INITIALIZE, CHANNEL_TYPE. Then
/// binds a crypto session to a decoder, allows a process to open restricted shared resources, chooses an encryption, and
/// switches protection on; asks all thirteen queries, lists from end to end; and switches protection off again. Each
/// answer is shown with what its signature is worth, and compared with what was set.
///
/// The exit code is 1 when a signature or an answer is wrong, or a command is refused. A query that the driver refuses
/// under its signature is an answer like others.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp channel
  softcp channel --type hardware --encryption aes128-ctr
  softcp channel --driver ./libdriver.so --root root.pem")]
pub(crate) struct ChannelArgs {
    /// Which part of the driver is to answer
    #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = ChannelTypeArg::Software)]
    pub(crate) channel_type: ChannelTypeArg,

    /// The process to allow, a handle as 0x1f4 [default: the desktop window manager]
    #[arg(long, value_name = "HANDLE", value_parser = handle)]
    pub(crate) allow_process: Option<usize>,

    /// The encryption to choose, a GUID or aes128-ctr [default: the first that the driver lists]
    #[arg(long, value_name = "GUID", value_parser = encryption)]
    pub(crate) encryption: Option<GUID>,

    #[command(flatten)]
    pub(crate) driver: DriverArgs,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// What answers on the driver's side of a channel.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ChannelTypeArg {
    /// The driver's software
    Software,
    /// The driver's hardware
    Hardware,
}

impl From<ChannelTypeArg> for ChannelType {
    fn from(channel_type: ChannelTypeArg) -> Self {
        match channel_type {
            ChannelTypeArg::Software => Self::DriverSoftware,
            ChannelTypeArg::Hardware => Self::DriverHardware,
        }
    }
}

/// Measure the driver's speed beside memcpy and other AES implementations
///
/// In one process and in shuffled turns: memcpy, SoftCP's own kernels, the driver through its function table, OpenSSL if
/// it is installed, AWS-LC and RustCrypto. Every output is checked before anything is timed. Rounds that something
/// disturbed are dropped; what is shown are medians, and ratios within a round, which are steadier than the speeds. Takes
/// about a minute; docs/performance.md says how to read the result.
///
/// The exit code is 1 when an output is wrong. Speed is no check.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp bench --quick
  softcp bench --group blit --plot blit.svg
  softcp bench --driver ./libdriver.so --any-root")]
pub(crate) struct BenchArgs {
    /// Measure only this group; once for each group
    #[arg(long = "group", value_name = "NAME", value_parser = group())]
    pub(crate) groups: Vec<Group>,

    /// Take seconds: fewer sizes and rounds, for a first look
    #[arg(long)]
    pub(crate) quick: bool,

    /// Numbers of threads to compare with one, as 2,4 [default: the number of processors]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub(crate) threads: Vec<usize>,

    /// Draw speed against size into this file, whose name ends in .svg or .png
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, value_parser = OsStringValueParser::new().try_map(plot_file))]
    pub(crate) plot: Option<PlotFile>,

    /// Replace an existing plot
    #[arg(short, long, requires = "plot")]
    pub(crate) force: bool,

    /// Another driver library, such as an earlier build, that takes turns with the driver in every case
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) against: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) driver: DriverArgs,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Where a plot goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlotFile {
    pub(crate) path: PathBuf,
    pub(crate) format: PlotFormat,
}

/// Check a driver against the rules of the content-protection DDI
///
/// Plays the Direct3D runtime and an application and drives the driver through its function table alone, one case for each
/// rule of the DDI's reference and of docs/decisions.md. What a driver does not offer is skipped with the reason. Each group
/// of cases runs in a process of its own: a driver that crashes or hangs costs one case.
///
/// The exit code is 1 when a rule is broken, a known deviation is no longer one, nothing at all could be checked, or --require
/// or --max-skipped is not met. docs/conformance.md says how another
/// driver is made ready, and how to read the result.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_help = "\
Examples:
  softcp conform
  softcp conform --driver ./libdriver.so --html report.html
  softcp conform --filter 'refresh*' --options capabilities.profile=hardware-like
  softcp conform --driver ./libdriver.so --expect known.toml --max-skipped 5%")]
pub(crate) struct ConformArgs {
    /// List the cases with their rules, and run nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// Run only cases of this name or group, where * stands for any characters; once for each
    #[arg(long, value_name = "PATTERN", value_parser = suggest(text, cases), hide_possible_values = true)]
    pub(crate) filter: Vec<String>,

    /// Leave cases of this name or group out; once for each
    #[arg(long, value_name = "PATTERN", value_parser = suggest(text, cases), hide_possible_values = true)]
    pub(crate) skip: Vec<String>,

    /// Run only rules of this requirement; once for each
    #[arg(long = "required-by", value_name = "WHAT")]
    required_by: Vec<RequirementArg>,

    /// Known deviations with their reasons, a TOML file: they do not fail the run, and one that is no longer there does
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) expect: Option<PathBuf>,

    /// Fail unless something of this case or group was checked, where * stands for any characters; once for each
    #[arg(long, value_name = "PATTERN", value_parser = suggest(text, cases), hide_possible_values = true)]
    pub(crate) require: Vec<String>,

    /// Fail when more rules than this are skipped: a number, such as 20, or a share, such as 5%
    #[arg(long, value_name = "N")]
    pub(crate) max_skipped: Option<SkipLimit>,

    /// Run the rules of this version alone, such as 1.0: they never change [default: all that this version has]
    #[arg(long, value_name = "VERSION", value_parser = rule_set)]
    pub(crate) rules: Option<&'static RuleSet>,

    /// Write a report as JUnit XML into this file, which is replaced
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,

    /// Write a report as TAP 13 into this file, which is replaced
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tap: Option<PathBuf>,

    /// Write a report as one HTML page into this file, which is replaced
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,

    /// Options for the driver, as SOFTCP_OPTIONS has them
    #[arg(
        long,
        value_name = "OPTIONS",
        default_value = "",
        hide_default_value = true,
        value_parser = suggest(text, profiles),
        hide_possible_values = true
    )]
    pub(crate) options: String,

    /// Seconds that a case may take: of the processor's time, or of waiting
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(crate) time_limit: u32,

    /// Decides the keys, IVs and contents of the cases, and the mix of tables, devices and threads
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Run each case once, on the newest table, and not on the others, on further devices and from another thread
    #[arg(long)]
    pub(crate) quick: bool,

    /// Groups to run at a time [default: the number of processors]
    #[arg(long, value_name = "N", conflicts_with = "in_process")]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Run all cases in this process, for a debugger: a crash ends the run
    #[arg(long)]
    pub(crate) in_process: bool,

    #[command(flatten)]
    pub(crate) driver: DriverArgs,

    /// Check a driver that is wrong on purpose (softcp zoo --list), or none of them
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "driver",
        value_parser = suggest(text, mutants),
        hide_possible_values = true
    )]
    pub(crate) zoo: Option<String>,

    /// Run the cases that standard input names, for softcp itself
    #[arg(long, hide = true)]
    pub(crate) child: bool,
}

impl ConformArgs {
    /// The requirements that are asked for; none: all.
    pub(crate) fn requirement(&self) -> Vec<Requirement> {
        self.required_by.iter().map(|requirement| (*requirement).into()).collect()
    }
}

/// The rules of a version.
fn rule_set(version: &str) -> Result<&'static RuleSet, String> {
    RuleSet::find(version).ok_or_else(|| {
        let versions: Vec<_> = RuleSet::all().iter().map(|rules| rules.version).collect();
        format!("there is no such version of the rules; there is {}", versions.join(", "))
    })
}

/// Check the conformance kit with drivers that are wrong on purpose
///
/// Each driver of the zoo is the built-in one with one rule broken, and names the case of "softcp conform" that must find it.
/// All of them go through all cases, and so does the driver without a fault, which must pass.
///
/// The exit code is 1 when a driver is not caught by its case, or the one without a fault fails any.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp zoo
  softcp zoo --list
  softcp zoo refresh-without-xor")]
pub(crate) struct ZooArgs {
    /// Only these drivers [default: all]
    #[arg(value_name = "NAME", value_parser = suggest(text, mutants), hide_possible_values = true)]
    pub(crate) names: Vec<String>,

    /// List the drivers and what each does wrong, and run nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// Write the result as a page of Markdown into this file, which is replaced
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["list", "names"])]
    pub(crate) table: Option<PathBuf>,

    /// Drivers to check at a time [default: the number of processors]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

/// How much a rule binds.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RequirementArg {
    /// The public reference of the DDI demands it
    Reference,
    /// SoftCP has decided it where the reference is silent (docs/decisions.md)
    Decision,
    /// Nothing demands it, and users of a driver will miss it
    Quality,
}

impl From<RequirementArg> for Requirement {
    fn from(requirement: RequirementArg) -> Self {
        match requirement {
            RequirementArg::Reference => Self::Reference,
            RequirementArg::Decision => Self::Decision,
            RequirementArg::Quality => Self::Quality,
        }
    }
}

/// See, set and clear what goes wrong on purpose in running programs
///
/// A program takes part if faults.control in the configuration of its driver names a directory: in the file of
/// SOFTCP_CONF, or as SOFTCP_OPTIONS=faults.control=DIR. Without a command below, lists what is set.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp faults --control /tmp/faults
  softcp faults set 'key-lost at=3' --control /tmp/faults
  softcp faults clear --control /tmp/faults")]
pub(crate) struct FaultsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<FaultsCommand>,

    /// The directory that the programs name [default: faults.control of SOFTCP_CONF and SOFTCP_OPTIONS]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) control: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FaultsCommand {
    #[command(after_help = "\
Examples:
  softcp faults list --control /tmp/faults
  softcp faults list --control /tmp/faults --occurred key-lost --wait 10")]
    List(FaultsListArgs),
    Set(FaultsSetArgs),
    Clear(FaultsClearArgs),
    /// List the faults that there are
    #[command(after_help = "\
Examples:
  softcp faults names")]
    Names,
}

/// List the faults of each process, and how often each has occurred
///
/// Programs that have ended are listed too where faults were set: what occurred can be read after the end.
#[derive(Debug, Default, Args)]
pub(crate) struct FaultsListArgs {
    /// Exit with 1 unless this fault has occurred in one of the programs; can be given more than once
    #[arg(long, value_name = "NAME", value_parser = fault_name)]
    pub(crate) occurred: Vec<Fault>,

    /// Seconds to wait for the faults of --occurred
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "occurred", value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub(crate) wait: u32,
}

fn fault_name(text: &str) -> Result<Fault, FaultError> {
    Fault::from_name(text).ok_or_else(|| FaultError::UnknownFault { name: text.to_owned() })
}

/// Set faults, in place of those that are set
///
/// A fault is its name and, separated by spaces, when it occurs: "key-lost at=3", "wrong-mac every=5 times=2",
/// "refresh-refused probability=0.1 seed=7", "slow-key-exchange after=2s delay=250ms". Without more than a name it occurs
/// at the next call that counts for it. Calls count from now on.
///
/// When it occurs: at=N, every=N, or probability=P with seed=S; times=M for no more than M calls; after=T; delay=T of a slow
/// key exchange. Times are as 250ms or 2s. The command "softcp faults names" lists the names.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp faults set 'key-lost at=3' --control /tmp/faults
  softcp faults set 'wrong-mac every=5 times=2' --add --control /tmp/faults
  softcp faults set 'slow-key-exchange after=2s delay=250ms' --process 4711")]
pub(crate) struct FaultsSetArgs {
    /// A fault, in quotes if it says when
    #[arg(
        required = true,
        value_name = "FAULT",
        value_parser = suggest(<Schedule as FromStr>::from_str, faults),
        hide_possible_values = true
    )]
    pub(crate) faults: Vec<Schedule>,

    /// Leave the faults that are set, and their counts
    #[arg(long)]
    pub(crate) add: bool,

    /// Leave the faults for the next program that starts with the directory: it has them from its first call on
    #[arg(long, conflicts_with_all = ["process", "wait", "wait_for_program"])]
    pub(crate) next: bool,

    /// Wait until a program uses the directory, for 60 seconds or as many as are named
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "60",
        value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub(crate) wait_for_program: Option<u32>,

    #[command(flatten)]
    pub(crate) target: FaultsTargetArgs,
}

/// Clear all faults, those of the configuration too
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp faults clear --control /tmp/faults
  softcp faults clear --process 4711")]
pub(crate) struct FaultsClearArgs {
    #[command(flatten)]
    pub(crate) target: FaultsTargetArgs,
}

/// Whom a request for faults is for.
#[derive(Debug, Args)]
pub(crate) struct FaultsTargetArgs {
    /// Only the process with this identifier [default: all that use the directory]
    #[arg(long, value_name = "PID")]
    pub(crate) process: Option<u32>,

    /// Seconds to wait for the processes to obey; each does so at its next call that a fault can meet
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub(crate) wait: u32,
}

/// Find problems of the configuration, the identity, the driver and the drop-in d3d11.dll
///
/// Looks at what SOFTCP_CONF and SOFTCP_OPTIONS say, at the driver's identity, at the directory for injected faults, and
/// opens the driver. With --program it also looks at the drop-in beside a Windows program: its word size, whether Wine is
/// told to load it, and what it forwards to. Says what to do about each problem. Changes nothing and needs no network.
///
/// The exit code is 1 when there is a problem. A warning is not one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp doctor
  softcp doctor --program ./player.exe")]
pub(crate) struct DoctorArgs {
    /// A Windows program with the drop-in d3d11.dll beside it, or the directory that both lie in
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) program: Option<PathBuf>,

    /// The Wine prefix that the program runs in [default: WINEPREFIX, else ~/.wine]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "program")]
    pub(crate) prefix: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) driver: DriverArgs,

    /// Open the driver and print what is found, for softcp itself
    #[arg(long, hide = true)]
    pub(crate) child: bool,
}

/// Make and show certificates of drivers
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  softcp cert new identity
  softcp cert show identity")]
pub(crate) enum CertCommand {
    New(CertNewArgs),
    Show(CertShowArgs),
}

/// Make a driver identity: root.pem to be trusted, chain.pem and key.pem for the driver
///
/// The driver uses it when its configuration says identity.directory = "DIR". Nothing is overwritten. The root's
/// private key is thrown away: no second certificate can be made under it.
///
/// crl.pem is a revocation list of the root that names the driver's certificate. The driver shows it when the fault
/// certificate-revoked occurs, and at no other time; an application can be given it to test a list of its own.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp cert new identity
  softcp cert new identity --name 'Test driver' --days 30")]
pub(crate) struct CertNewArgs {
    /// The directory, made if needed
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,

    /// Common name of the driver's certificate
    #[arg(long, value_name = "CN", default_value = "SoftCP driver", value_parser = common_name)]
    pub(crate) name: String,

    /// Days of validity from now
    #[arg(long, value_name = "N", default_value_t = 3652, value_parser = RangedU64ValueParser::<u32>::new().range(1..=36525))]
    pub(crate) days: u32,
}

/// Show a certificate chain and say whether it leads to a trusted root
///
/// The chain is that of a file (PEM, or DER as a driver hands it out), of an identity directory, or of the driver. A
/// chain from a file is checked when --root is given, that of a directory against its own root.pem too, and that of a
/// driver always.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp cert show
  softcp cert show identity
  softcp cert show chain.pem --root root.pem")]
pub(crate) struct CertShowArgs {
    /// A file or an identity directory [default: ask the driver]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath, conflicts_with = "driver")]
    pub(crate) path: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) driver: DriverArgs,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp completions bash > ~/.local/share/bash-completion/completions/softcp
  softcp completions zsh > ~/.zfunc/_softcp
  softcp completions fish > ~/.config/fish/completions/softcp.fish")]
pub(crate) struct CompletionsArgs {
    pub(crate) shell: Shell,
}

/// Write the man pages into a directory
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  softcp man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The directory, made if needed
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
}

/// RFC 5280, appendix A.1, gives a common name 64 characters; the root's is the driver's with " root" after it.
fn common_name(text: &str) -> Result<String, String> {
    const LONGEST: usize = 64 - " root".len();
    match text.chars().count() {
        0 => Err("a name needs at least one character".to_owned()),
        count if count > LONGEST => Err(format!("{count} characters are too many: at most {LONGEST}")),
        _ if text.chars().any(char::is_control) => Err("control characters are not allowed".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// A parser that takes what `inner` takes, and has names for completions to offer.
#[derive(Clone)]
struct Suggest<P> {
    inner: P,
    names: fn() -> Vec<&'static str>,
}

fn suggest<P: TypedValueParser>(inner: P, names: fn() -> Vec<&'static str>) -> Suggest<P> {
    Suggest { inner, names }
}

impl<P: TypedValueParser> TypedValueParser for Suggest<P> {
    type Value = P::Value;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&Arg>, value: &OsStr) -> Result<P::Value, clap::Error> {
        self.inner.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.names)().into_iter().map(PossibleValue::new)))
    }
}

/// Any text.
#[expect(clippy::unnecessary_wraps, reason = "a parser may fail")]
fn text(text: &str) -> Result<String, Infallible> {
    Ok(text.to_owned())
}

/// The names of the faults.
fn faults() -> Vec<&'static str> {
    Fault::ALL.iter().map(|fault| fault.name()).collect()
}

/// The names of the cases of the conformance kit, and patterns for its groups.
fn cases() -> Vec<&'static str> {
    let groups = softcp_conformance::cases::GROUPS;
    let names = groups.iter().flat_map(|group| group.cases).map(|case| case.name);
    groups.iter().map(|group| group.name).chain(names).collect()
}

/// The names of the drivers of the zoo.
fn mutants() -> Vec<&'static str> {
    softcp_zoo::drivers().map(|driver| driver.name).collect()
}

/// The options that choose a profile of the built-in driver.
fn profiles() -> Vec<&'static str> {
    ["capabilities.profile=software", "capabilities.profile=hardware-like", "capabilities.profile=permissive"].into()
}

/// A group of measurements, by its name.
fn group() -> impl TypedValueParser<Value = Group> {
    PossibleValuesParser::new(Group::ALL.map(Group::name)).try_map(|name| name.parse::<Group>())
}

/// A file name that says how a plot is written.
fn plot_file(text: OsString) -> Result<PlotFile, String> {
    let path = PathBuf::from(text);
    match PlotFormat::of(&path) {
        Some(format) => Ok(PlotFile { path, format }),
        None => Err("the name of a plot ends in .svg or .png".to_owned()),
    }
}

/// A handle in decimal digits, or in hexadecimal ones after 0x.
fn handle(text: &str) -> Result<usize, String> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // A sign after the prefix would be parsed too.
        Some(digits) if digits.starts_with('+') => None,
        Some(digits) => usize::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    number.ok_or_else(|| "a handle is a number as 500 or 0x1f4".to_owned())
}

/// A fault for the demonstration. Of one that meets calls with a key and says not which, the one in the middle of the clip.
fn demo_fault(text: &str) -> Result<Schedule, String> {
    let schedule: Schedule = text.parse().map_err(|error: FaultError| error.to_string())?;
    let is_bare = text.split_whitespace().count() == 1;
    match schedule.fault() {
        Fault::KeyLost | Fault::KeyAndContentLost | Fault::DeviceRemoved if is_bare => {
            format!("{} at={MID_CLIP}", schedule.fault()).parse().map_err(|error: FaultError| error.to_string())
        }
        _ => Ok(schedule),
    }
}

/// A GUID, or the name of the one encryption that has one, as the configuration takes them.
fn encryption(text: &str) -> Result<GUID, String> {
    Encryption::try_from(text.to_owned()).map(|encryption| encryption.0)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn common_name_of_sixty_characters_is_refused() {
        assert!(common_name(&"x".repeat(59)).is_ok());
        assert!(common_name(&"x".repeat(60)).is_err());
        assert!(common_name("").is_err());
        assert!(common_name("a\nb").is_err());
    }

    #[test]
    fn handle_is_a_number_in_either_base() {
        assert_eq!(handle("500"), Ok(500));
        assert_eq!(handle("0x1f4"), Ok(500));
        for text in ["", "0x", "0x+1", "-1", "1f4", "0x1ffffffffffffffff"] {
            assert!(handle(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fault_of_the_demonstration_comes_in_the_middle_unless_told() {
        for (text, schedule) in [
            ("key-lost", "key-lost at=75"),
            (" device-removed ", "device-removed at=75"),
            ("key-lost every=3", "key-lost every=3"),
            ("wrong-mac", "wrong-mac at=1"),
        ] {
            assert_eq!(demo_fault(text).map(|fault| fault.to_string()), Ok(schedule.to_owned()));
        }
        assert!(demo_fault("certificate-lost").unwrap_err().contains("certificate-expired"));
    }

    #[test]
    fn suggested_profiles_are_options_of_the_driver() {
        for option in profiles() {
            assert!(softcp::config::Config::from_sources(None, Some(option)).is_ok(), "{option}");
        }
    }

    #[test]
    fn plot_file_is_of_the_kind_that_its_name_says() {
        assert_eq!(plot_file("a/b.svg".into()).map(|file| file.format), Ok(PlotFormat::Svg));
        assert_eq!(plot_file("b.png".into()).map(|file| file.format), Ok(PlotFormat::Png));
        assert!(plot_file("b.pdf".into()).is_err() && plot_file("".into()).is_err());
    }

    #[test]
    fn encryption_is_a_name_or_a_guid() {
        let guid = "9b6bd711-4f74-41c9-9e7b-0be2d7d93b4f";
        assert_eq!(encryption("aes128-ctr"), encryption(guid));
        for text in ["", "aes256-ctr", "00000000-0000-0000-0000-000000000000"] {
            assert!(encryption(text).is_err(), "{text}");
        }
    }
}
