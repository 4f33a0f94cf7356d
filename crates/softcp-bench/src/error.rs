//! Why there is no result.

use softcp_client::{
    AnswerError, CertificateError, ChainError, ChannelError, KeyExchangeError, RandomError, SessionError,
};
use softcp_player::ChannelFailure;
use softcp_runtime::DriverError;

/// A measurement that came to no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// An implementation's output is not what it must be: its time would mean nothing.
    #[error("{implementation} gives wrong output for {case}: {defect}")]
    WrongOutput {
        /// What was done.
        case: String,
        /// Who did it.
        implementation: String,
        /// Where the output differs first.
        defect: String,
    },
    /// A call to the driver failed.
    #[error(transparent)]
    Driver(#[from] softcp_runtime::Error),
    /// The driver's certificate cannot be read.
    #[error("the driver's certificate cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// The driver's certificate is not believed.
    #[error("the driver's certificate is not trusted: {0}")]
    Untrusted(#[from] ChainError),
    /// No key could be made for the driver.
    #[error("no session key could be made: {0}")]
    KeyExchange(#[from] KeyExchangeError),
    /// No random number could be drawn.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The application's mirror of the session disagrees with the driver about a refresh.
    #[error(transparent)]
    Mirror(#[from] SessionError),
    /// The authenticated channel could not be opened.
    #[error(transparent)]
    Channel(#[from] ChannelFailure),
    /// No query could be made.
    #[error("no query can be made: {0}")]
    Query(#[from] ChannelError),
    /// The answer to a query is not to be believed.
    #[error("the driver's answer is not to be believed: {0}")]
    Answer(#[from] AnswerError),
    /// The driver mapped a resource with other rows than it was created with.
    #[error("the driver mapped {mapped} rows of a resource of {rows}")]
    WrongMapping {
        /// Rows mapped.
        mapped: usize,
        /// Rows that the resource was created with.
        rows: usize,
    },
    /// Another implementation failed.
    #[error("{peer} failed: {what}")]
    Peer {
        /// The implementation.
        peer: &'static str,
        /// What it could not do.
        what: &'static str,
    },
}

impl From<DriverError> for BenchError {
    fn from(error: DriverError) -> Self {
        Self::Driver(error.into())
    }
}

/// A plot that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The report has no group that is drawn.
    #[error("nothing was measured that is drawn: the plot shows the groups `surfaces` and `cold`")]
    NothingToDraw,
    /// The drawing library failed.
    #[error("the plot could not be drawn: {0}")]
    Draw(String),
}
