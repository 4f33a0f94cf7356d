//! The log of calls: which function, on which handle, with which sizes, what came of it and how long it took. Never what the
//! bytes are. When no log is wanted, a call spends a load and a branch on each of these functions, and allocates nothing.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use softcp_abi::HRESULT;
use tracing::level_filters::LevelFilter;

/// The most buffers of a call whose sizes are logged.
const MAX_SIZES: usize = 6;

thread_local! {
    /// What the call in progress has noted; none while no log is wanted.
    static CALL: RefCell<Option<Noted>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Noted {
    handle: usize,
    sizes: Vec<(&'static str, usize)>,
}

/// A call that is being logged.
pub(crate) struct Call {
    function: &'static str,
    start: Instant,
    /// What the call around this one, which called the host, has noted.
    outer: Option<Noted>,
}

impl Call {
    /// Begins to log a call; none where nobody wants it.
    pub(crate) fn begin(function: &'static str) -> Option<Self> {
        is_wanted().then(|| Self::wanted(function))
    }

    #[cold]
    fn wanted(function: &'static str) -> Self {
        let outer = CALL.try_with(|call| call.replace(Some(Noted::default()))).ok().flatten();
        Self { function, start: Instant::now(), outer }
    }

    /// Logs the call.
    pub(crate) fn end(self, hresult: HRESULT) {
        let time = self.start.elapsed();
        let noted = CALL.try_with(|call| call.replace(self.outer)).ok().flatten().unwrap_or_default();
        log(self.function, &noted, hresult, time);
    }
}

fn is_wanted() -> bool {
    LevelFilter::current() >= LevelFilter::INFO
}

/// Notes the handle that the call in progress is on.
pub(crate) fn note_handle(handle: usize) {
    if is_wanted() {
        note(|noted| {
            if noted.handle == 0 {
                noted.handle = handle;
            }
        });
    }
}

/// Notes the size of a buffer of the call in progress.
pub(crate) fn note_size(name: &'static str, bytes: usize) {
    if is_wanted() {
        note(|noted| {
            if !name.is_empty() && noted.sizes.len() < MAX_SIZES {
                noted.sizes.push((name, bytes));
            }
        });
    }
}

#[cold]
fn note(change: impl FnOnce(&mut Noted)) {
    let _ = CALL.try_with(|call| {
        if let Ok(mut call) = call.try_borrow_mut()
            && let Some(noted) = call.as_mut()
        {
            change(noted);
        }
    });
}

fn log(function: &'static str, noted: &Noted, hresult: HRESULT, time: Duration) {
    let handle = noted.handle;
    if hresult >= 0
        && let Some(event) = event(function)
    {
        tracing::info!(target: "softcp_ddi::event", handle = format_args!("{handle:#x}"), "{event}");
    }
    let sizes = noted.sizes.iter().map(|(name, bytes)| format!("{name}:{bytes}")).collect::<Vec<_>>().join(" ");
    let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(
        target: "softcp_ddi::call",
        function,
        handle = format_args!("{handle:#x}"),
        sizes,
        hresult = format_args!("{hresult:#010x}"),
        microseconds
    );
}

/// What a successful call was for a session or a channel, if it was something that happens seldom.
fn event(function: &str) -> Option<&'static str> {
    Some(match function {
        "softcp_adapter_create" => "adapter created",
        "softcp_adapter_destroy" => "adapter destroyed",
        softcp_abi::SOFTCP_OPEN_REFERENCE_DRIVER => "reference driver opened",
        "softcp_device_create" | "create_device" => "device created",
        "softcp_device_destroy" | "destroy_device" => "device destroyed",
        "softcp_device_removed" => "device removed by the host",
        "softcp_session_create" | "CreateCryptoSession" => "session created",
        "softcp_session_destroy" | "DestroyCryptoSession" => "session destroyed",
        "softcp_session_negotiate" | "NegotiateCryptoSessionKeyExchange" => "session: key exchange done",
        "softcp_session_start_key_refresh" | "StartSessionKeyRefresh" => "session: key refresh started",
        "softcp_session_finish_key_refresh" | "FinishSessionKeyRefresh" => "session: key refresh finished",
        "softcp_session_encryption_blt_key" | "GetEncryptionBltKey" => "session: read-back key handed out",
        "softcp_session_invalidate" => "session: key lost",
        "softcp_channel_create" | "CreateAuthenticatedChannel" => "channel created",
        "softcp_channel_destroy" | "DestroyAuthenticatedChannel" => "channel destroyed",
        "softcp_channel_negotiate" | "NegotiateAuthenticatedChannelKeyExchange" => "channel: key exchange done",
        "softcp_channel_configure" | "ConfigureAuthenticatedChannel" => "channel: command applied",
        "softcp_channel_query" | "QueryAuthenticatedChannel" => "channel: query answered",
        _ => return None,
    })
}
