//! A channel between the application and the reference driver that can break the rules of messages.
//!
//! The reference driver gets messages whose handle, sequence number and OMAC are right in any case, with numbers of
//! this wrapper's own. Which of the application's messages get that far, and what its answers look like, [`Rules`] say.
//! A message that is refused is sent too, with a number that the reference driver refuses: so refusals are its own.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDI_HAUTHCHANNEL, D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE,
    D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT as Initialize, D3D11_AUTHENTICATED_CONFIGURE_INPUT as Command,
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT as Answer, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT as Protection, D3D11_AUTHENTICATED_QUERY_INPUT as Query,
    E_INVALIDARG, GUID, HRESULT, S_OK,
};

use crate::calls::{ConfigureAuthenticatedChannel, QueryAuthenticatedChannel};
use crate::driver::Device;
use crate::keys::{Block, omac};
use crate::memory::Buffer;
use crate::report::quietly;

/// Bytes of the OMAC that commands and answers begin with.
pub(crate) const OMAC: usize = 16;
/// Bytes of the header of an answer.
pub(crate) const HEADER: usize = size_of::<Answer>();
/// The same, as a size that is passed.
#[allow(clippy::cast_possible_truncation, reason = "a small structure")]
pub(crate) const HEADER_SIZE: u32 = HEADER as u32;
/// Bytes of what message and answer have in common: GUID, handle and sequence number.
const NAMES: usize = 16 + size_of::<usize>() + 4;
/// More bytes than any answer has.
const ROOM: usize = 256;

/// The private memory of a channel.
#[derive(Clone, Copy)]
pub(crate) struct Memory(pub(crate) D3D11_1DDI_HAUTHCHANNEL);

// SAFETY: only passed back to the driver, which may be called from any thread.
unsafe impl Send for Memory {}

/// What the wrapper knows of a channel.
pub(crate) struct Channel {
    /// Address in the handle of the device that it was created on.
    pub(crate) device: usize,
    /// The handle that the reference driver knows it by, and the one that the application does.
    pub(crate) handle: usize,
    pub(crate) shown: usize,
    memory: Memory,
    pub(crate) key: Option<Block>,
    /// The application has sent INITIALIZE, and this wrapper has.
    is_initialized: bool,
    real_is_initialized: bool,
    commands: Sequence,
    queries: Sequence,
    /// Protection as the application has set it.
    flags: u32,
}

/// A sequence of the application's, and that of the reference driver.
#[derive(Clone, Copy, Default)]
struct Sequence {
    /// The least number still allowed; none after the last one.
    least: Option<u32>,
    last: u32,
    real: u32,
}

impl Channel {
    pub(crate) fn new(device: usize, handle: usize, memory: Memory) -> Self {
        Self {
            device,
            handle,
            shown: handle,
            memory,
            key: None,
            is_initialized: false,
            real_is_initialized: false,
            commands: Sequence::default(),
            queries: Sequence::default(),
            flags: 0,
        }
    }

    /// Protection as the application has set it.
    pub(crate) fn flags(&self) -> u32 {
        self.flags
    }

    /// As if INITIALIZE had not been sent.
    pub(crate) fn forget_initialize(&mut self) {
        self.is_initialized = false;
    }

    /// Its private memory, to be passed to the driver.
    pub(crate) fn memory(&self) -> D3D11_1DDI_HAUTHCHANNEL {
        self.memory.0
    }
}

/// When the OMAC of a command is right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Omac {
    /// When it is the one of all bytes behind it.
    Right,
    /// Always.
    Unchecked,
    /// When so many of its first bytes are.
    Prefix(usize),
    /// When its last so many bytes are.
    Suffix(usize),
    /// Also when it is the one of the message with zeros in this range of bytes, counted from behind if `from_end`.
    Zeroed { at: usize, len: usize, from_end: bool },
}

/// Which numbers a sequence takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Each one that is greater than the last.
    Greater,
    /// All.
    Any,
    /// Also the last one once more.
    Same,
    /// Only the one after the last.
    Next,
    /// Also small ones after the last of 32 bits.
    Wrapping,
}

/// The rules of a channel's messages. The default are those of a correct driver.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a rule of its own that one driver breaks")]
pub(crate) struct Rules {
    pub(crate) omac: Omac,
    pub(crate) command_numbers: Numbers,
    pub(crate) query_numbers: Numbers,
    /// Commands and queries have a sequence each.
    pub(crate) are_apart: bool,
    /// A message with a wrong OMAC uses no number.
    pub(crate) wrong_omac_uses_none: bool,
    /// A command that fails uses its number.
    pub(crate) failed_command_uses: bool,
    /// A query that fails uses its number.
    pub(crate) failed_query_uses: bool,
    /// A refused number leaves the sequence as it is.
    pub(crate) refusal_uses_none: bool,
    pub(crate) command_handle: bool,
    pub(crate) query_handle: bool,
    /// Commands need INITIALIZE.
    pub(crate) commands_wait: bool,
    /// Queries need INITIALIZE.
    pub(crate) queries_wait: bool,
    /// INITIALIZE works once.
    pub(crate) initialize_once: bool,
    /// A command with a wrong OMAC is refused and not obeyed.
    pub(crate) wrong_omac_is_not_obeyed: bool,
    /// The first number is the one of INITIALIZE or a greater one.
    pub(crate) start_counts: bool,
    /// A query must have all of its members.
    pub(crate) query_size: bool,
    /// A command that switches protection off does so for its own channel alone.
    pub(crate) off_is_for_one: bool,
    /// Most bytes that a command may be longer than it is; they are cut off.
    pub(crate) surplus: usize,
    /// Bytes that may be missing from a command's end; they are zero then.
    pub(crate) missing: usize,
    /// A query needs room for its whole answer.
    pub(crate) output_size: bool,
    /// Commands and queries of these succeed although the reference driver refuses them for what they say, and do nothing.
    /// With each goes the size of its message.
    pub(crate) forgives: &'static [(GUID, usize)],
    /// Changes a command that is let through, before it is signed again.
    pub(crate) change_command: fn(&GUID, &mut Vec<u8>),
    /// Changes an answer; it is signed afterwards.
    pub(crate) change_answer: fn(&GUID, &mut [u8]),
    /// Changes an answer that is signed.
    pub(crate) spoil_answer: fn(&Block, &mut [u8]),
    /// What the entry returns, given what it should.
    pub(crate) returned: fn(&GUID, HRESULT) -> HRESULT,
}

pub(crate) const RULES: Rules = Rules {
    omac: Omac::Right,
    command_numbers: Numbers::Greater,
    query_numbers: Numbers::Greater,
    are_apart: true,
    wrong_omac_uses_none: true,
    failed_command_uses: true,
    failed_query_uses: true,
    refusal_uses_none: true,
    command_handle: true,
    query_handle: true,
    commands_wait: true,
    queries_wait: true,
    initialize_once: true,
    wrong_omac_is_not_obeyed: true,
    start_counts: true,
    query_size: true,
    off_is_for_one: true,
    surplus: 0,
    missing: 0,
    output_size: true,
    forgives: &[],
    change_command: |_, _| {},
    change_answer: |_, _| {},
    spoil_answer: |_, _| {},
    returned: |_, hresult| hresult,
};

/// `ConfigureAuthenticatedChannel` by these rules.
pub(crate) fn configure(call: &ConfigureAuthenticatedChannel<'_>, rules: &Rules) -> HRESULT {
    let (Some(message), false) = (call.input().get(), call.output().data.is_null()) else { return call.pass_on() };
    let is_message = (size_of::<Command>()..4096).contains(&message.len());
    // A call with another device is the reference driver's to refuse.
    let key = call.known(|channel| channel.key.filter(|_| channel.device == call.device_number()));
    let Some(Some(key)) = key.filter(|_| is_message) else { return call.pass_on() };
    let guid = guid_at(&message, offset_of!(Command, ConfigureType));
    let sequence = number_at(&message, offset_of!(Command, SequenceNumber));
    if !is_authentic(&key, &message, rules.omac) {
        if !rules.wrong_omac_uses_none {
            call.known(|channel| channel.commands.take(sequence, Numbers::Greater));
        }
        if !rules.wrong_omac_is_not_obeyed {
            let mut signed = message.clone();
            put(&mut signed, offset_of!(Command, SequenceNumber), &command_number(call).to_ne_bytes());
            sign(&key, &mut signed);
            let mut unseen = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
            call.with(Buffer::of(&mut signed), &mut unseen).pass_on();
        }
        return spoil(call, &key, &guid, rules, call.pass_on());
    }
    let Some((handle, shown)) = call.known(|channel| (channel.handle, channel.shown)) else { return call.pass_on() };
    let right_handle = handle_at(&message, offset_of!(Command, hChannel)) == shown || !rules.command_handle;
    if right_handle && guid == D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE {
        return initialize(call, &message, (&key, handle), rules);
    }
    let is_allowed = right_handle
        && call.known(|channel| !rules.commands_wait || channel.is_initialized) == Some(true)
        && is_taken(rules, rules.command_numbers, sequence, |look| call.known(|channel| look(channel, true)));
    let number = if is_allowed { command_number(call) } else { 0 };
    let mut forwarded = message.clone();
    if is_allowed {
        fit(&guid, &mut forwarded, rules);
        (rules.change_command)(&guid, &mut forwarded);
    }
    // A wrong handle is left to the reference driver, unless it is taken for right.
    if right_handle {
        put(&mut forwarded, offset_of!(Command, hChannel), &handle.to_ne_bytes());
    }
    put(&mut forwarded, offset_of!(Command, SequenceNumber), &number.to_ne_bytes());
    sign(&key, &mut forwarded);
    let mut answer = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
    let mut hresult = call.with(Buffer::of(&mut forwarded), &mut answer).pass_on();
    if is_allowed && hresult == E_INVALIDARG && rules.forgives.contains(&(guid, message.len())) {
        (hresult, answer.ReturnCode) = (S_OK, S_OK);
    }
    if hresult == S_OK && guid == D3D11_AUTHENTICATED_CONFIGURE_PROTECTION {
        let flags = number_at(&message, offset_of!(Protection, Protections.Value));
        call.known(|channel| channel.flags = flags);
        if let Some(device) = call.device().filter(|_| flags & 1 == 0 && !rules.off_is_for_one) {
            switch(&device, |_| 0);
        }
    }
    if hresult != S_OK && is_allowed && !rules.failed_command_uses {
        call.known(|channel| channel.commands.give_back(sequence));
    }
    let mut answer = bytes(&answer);
    answer[OMAC..OMAC + NAMES].copy_from_slice(&message[OMAC..OMAC + NAMES]);
    (rules.change_answer)(&guid, &mut answer);
    sign(&key, &mut answer);
    (rules.spoil_answer)(&key, &mut answer);
    call.output().set(&answer);
    (rules.returned)(&guid, hresult)
}

/// The answer of a call that has been passed on, changed as the rules say.
fn spoil(
    call: &ConfigureAuthenticatedChannel<'_>,
    key: &Block,
    guid: &GUID,
    rules: &Rules,
    hresult: HRESULT,
) -> HRESULT {
    if let Some(mut answer) = call.output().get() {
        (rules.change_answer)(guid, &mut answer);
        sign(key, &mut answer);
        (rules.spoil_answer)(key, &mut answer);
        call.output().set(&answer);
    }
    (rules.returned)(guid, hresult)
}

/// INITIALIZE: the application's numbers stay here, the reference driver gets others.
fn initialize(
    call: &ConfigureAuthenticatedChannel<'_>,
    message: &[u8],
    (key, handle): (&Block, usize),
    rules: &Rules,
) -> HRESULT {
    let guid = D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE;
    let (is_first, real_is_first) =
        call.known(|channel| (!channel.is_initialized, !channel.real_is_initialized)).unwrap_or((true, true));
    let mut message = message.to_vec();
    if message.len() >= size_of::<Initialize>() {
        fit(&guid, &mut message, rules);
    }
    let is_whole = message.len() == size_of::<Initialize>();
    let starts = is_whole && (is_first || !rules.initialize_once);
    let [query, command] = [offset_of!(Initialize, StartSequenceQuery), offset_of!(Initialize, StartSequenceConfigure)]
        .map(|offset| if is_whole { number_at(&message, offset) } else { 0 });
    let mut answer = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
    let mut hresult = S_OK;
    if !starts || real_is_first {
        let mut forwarded = message.clone();
        put(&mut forwarded, offset_of!(Command, hChannel), &handle.to_ne_bytes());
        if is_whole {
            put(&mut forwarded, offset_of!(Initialize, StartSequenceQuery), &1_u32.to_ne_bytes());
            put(&mut forwarded, offset_of!(Initialize, StartSequenceConfigure), &1_u32.to_ne_bytes());
        }
        sign(key, &mut forwarded);
        hresult = call.with(Buffer::of(&mut forwarded), &mut answer).pass_on();
    }
    if hresult == S_OK {
        call.known(|channel| {
            let first = |number| Sequence::starting(if rules.start_counts { number } else { 0 });
            channel.commands = Sequence { real: channel.commands.real, ..first(command) };
            channel.queries = Sequence { real: channel.queries.real, ..first(query) };
            (channel.is_initialized, channel.real_is_initialized) = (true, true);
        });
    }
    let mut answer = bytes(&answer);
    answer[OMAC..OMAC + NAMES].copy_from_slice(&message[OMAC..OMAC + NAMES]);
    put(&mut answer, offset_of!(Answer, ReturnCode), &hresult.to_ne_bytes());
    (rules.change_answer)(&guid, &mut answer);
    sign(key, &mut answer);
    (rules.spoil_answer)(key, &mut answer);
    call.output().set(&answer);
    (rules.returned)(&guid, hresult)
}

/// `QueryAuthenticatedChannel` by these rules.
pub(crate) fn query(call: &QueryAuthenticatedChannel<'_>, rules: &Rules) -> HRESULT {
    let (Some(message), false) = (call.input().get(), call.output().data.is_null()) else { return call.pass_on() };
    let is_message = (size_of::<Query>()..4096).contains(&message.len());
    // A call with another device is the reference driver's to refuse.
    let key = call.known(|channel| channel.key.filter(|_| channel.device == call.device_number()));
    let Some(Some(key)) = key.filter(|_| is_message) else { return call.pass_on() };
    let size = call.output().size as usize;
    if size < HEADER {
        return call.pass_on();
    }
    let guid = guid_at(&message, offset_of!(Query, QueryType));
    let sequence = number_at(&message, offset_of!(Query, SequenceNumber));
    let Some((handle, shown)) = call.known(|channel| (channel.handle, channel.shown)) else { return call.pass_on() };
    let right_handle = handle_at(&message, offset_of!(Query, hChannel)) == shown || !rules.query_handle;
    let is_allowed = right_handle
        && call.known(|channel| !rules.queries_wait || channel.is_initialized) == Some(true)
        && is_taken(rules, rules.query_numbers, sequence, |look| call.known(|channel| look(channel, false)));
    let number = if is_allowed { query_number(call) } else { 0 };
    let mut forwarded = message.clone();
    if right_handle {
        put(&mut forwarded, offset_of!(Query, hChannel), &handle.to_ne_bytes());
    }
    put(&mut forwarded, offset_of!(Query, SequenceNumber), &number.to_ne_bytes());
    if !rules.query_size {
        forwarded.resize(forwarded.len().max(ROOM), 0);
    }
    let mut answer = vec![0; if rules.output_size { size.min(ROOM) } else { ROOM }];
    let mut hresult = call.with(Buffer::of(&mut forwarded), Buffer::of(&mut answer)).pass_on();
    if hresult != S_OK && is_allowed && !rules.failed_query_uses {
        call.known(|channel| channel.queries.give_back(sequence));
    }
    let Some(len) = signed_len(&key, &answer) else { return (rules.returned)(&guid, hresult) };
    answer.truncate(len);
    // Of a refusal for want of room the answer is a header.
    let is_whole = len > HEADER && rules.forgives.contains(&(guid, message.len()));
    if is_allowed && hresult == E_INVALIDARG && is_whole {
        hresult = S_OK;
        put(&mut answer, offset_of!(Answer, ReturnCode), &S_OK.to_ne_bytes());
    }
    answer[OMAC..OMAC + NAMES].copy_from_slice(&message[..NAMES]);
    (rules.change_answer)(&guid, &mut answer);
    sign(&key, &mut answer);
    (rules.spoil_answer)(&key, &mut answer);
    call.output().set(&answer);
    (rules.returned)(&guid, hresult)
}

/// Changes the answer to a command; the command goes to the reference driver as it is. Given whether it failed, and the
/// channel's key.
pub(crate) fn change_command_answer(
    call: &ConfigureAuthenticatedChannel<'_>,
    change: impl FnOnce(HRESULT, &Block, &mut [u8]),
) -> HRESULT {
    let hresult = call.pass_on();
    if let (Some(Some(key)), Some(mut answer)) = (call.known(|channel| channel.key), call.output().get()) {
        change(hresult, &key, &mut answer);
        call.output().set(&answer);
    }
    hresult
}

/// As [`change_command_answer`], for queries.
pub(crate) fn change_query_answer(
    call: &QueryAuthenticatedChannel<'_>,
    change: impl FnOnce(HRESULT, &Block, &mut [u8]),
) -> HRESULT {
    let hresult = call.pass_on();
    if let (Some(Some(key)), Some(mut answer)) = (call.known(|channel| channel.key), call.output().get()) {
        answer.truncate(ROOM);
        if let Some(len) = signed_len(&key, &answer) {
            change(hresult, &key, &mut answer[..len]);
            call.output().set(&answer[..len]);
        }
    }
    hresult
}

/// The GUID of an answer.
pub(crate) fn guid_of(answer: &[u8]) -> GUID {
    guid_at(answer, OMAC)
}

/// Runs `call` while the reference driver enforces no protection on this device.
pub(crate) fn without_protection<T>(device: &Device, call: impl FnOnce() -> T) -> T {
    switch(device, |_| 0);
    let output = call();
    switch(device, |flags| flags);
    output
}

/// Sends PROTECTION commands of this wrapper's own to the channels that have protection enabled.
fn switch(device: &Device, flags: impl Fn(u32) -> u32) {
    let mut commands = Vec::new();
    for channel in device.driver.channels().values_mut() {
        if let Some(key) =
            channel.key.filter(|_| channel.device == device.handle().pDrvPrivate.addr() && channel.flags != 0)
        {
            channel.commands.real += 1;
            let mut message = vec![0; size_of::<Protection>()];
            put(
                &mut message,
                offset_of!(Command, ConfigureType),
                &guid_bytes(&D3D11_AUTHENTICATED_CONFIGURE_PROTECTION),
            );
            put(&mut message, offset_of!(Command, hChannel), &channel.handle.to_ne_bytes());
            put(&mut message, offset_of!(Command, SequenceNumber), &channel.commands.real.to_ne_bytes());
            put(&mut message, offset_of!(Protection, Protections.Value), &flags(channel.flags).to_ne_bytes());
            sign(&key, &mut message);
            commands.push((channel.memory, message));
        }
    }
    for (Memory(memory), mut message) in commands {
        let mut answer = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
        let call = ConfigureAuthenticatedChannel::to(device, memory, Buffer::of(&mut message), &mut answer);
        quietly(|| call.pass_on());
    }
}

impl Sequence {
    fn starting(number: u32) -> Self {
        Self { least: Some(number), last: number.wrapping_sub(1), real: 0 }
    }

    /// Uses a number up if it is allowed.
    fn take(&mut self, number: u32, rule: Numbers) -> bool {
        let is_greater = self.least.is_some_and(|least| number >= least);
        let allowed = match rule {
            Numbers::Greater => is_greater,
            Numbers::Any => true,
            Numbers::Same => is_greater || number == self.last,
            Numbers::Next => self.least == Some(number),
            Numbers::Wrapping => is_greater || self.least.is_none(),
        };
        if allowed {
            (self.least, self.last) = (number.checked_add(1), number);
        }
        allowed
    }

    /// Undoes [`take`](Self::take).
    fn give_back(&mut self, number: u32) {
        (self.least, self.last) = (Some(number), number.wrapping_sub(1));
    }
}

/// Whether a number is allowed, which uses it up. `look` is given a function of the channel and whether it is a command.
fn is_taken(
    rules: &Rules,
    numbers: Numbers,
    number: u32,
    look: impl FnOnce(&dyn Fn(&mut Channel, bool) -> bool) -> Option<bool>,
) -> bool {
    let take = |channel: &mut Channel, is_command: bool| {
        if !channel.is_initialized {
            return true;
        }
        let sequence = if is_command { &mut channel.commands } else { &mut channel.queries };
        let taken = sequence.take(number, numbers);
        if !taken && !rules.refusal_uses_none {
            sequence.least = Some(number);
        }
        if !rules.are_apart && taken {
            let other = if is_command { &mut channel.queries } else { &mut channel.commands };
            (other.least, other.last) = (number.checked_add(1), number);
        }
        taken
    };
    look(&take) == Some(true)
}

/// The next number of the reference driver's for commands. Initialises it, if the application has not.
fn command_number(call: &ConfigureAuthenticatedChannel<'_>) -> u32 {
    let wants = call.known(|channel| (channel.real_is_initialized, channel.key, channel.handle));
    if let Some((false, Some(key), handle)) = wants {
        let mut message = own_initialize(&key, handle);
        let mut answer = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
        quietly(|| call.with(Buffer::of(&mut message), &mut answer).pass_on());
        call.known(|channel| channel.real_is_initialized = true);
    }
    call.known(|channel| channel.commands.next()).unwrap_or_default()
}

/// As [`command_number`], for queries.
fn query_number(call: &QueryAuthenticatedChannel<'_>) -> u32 {
    if call.known(|channel| channel.real_is_initialized) == Some(false) {
        if let (Some((Some(key), handle, Memory(memory))), Some(device)) =
            (call.known(|channel| (channel.key, channel.handle, channel.memory)), call.device())
        {
            let mut message = own_initialize(&key, handle);
            let mut answer = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
            let call = ConfigureAuthenticatedChannel::to(&device, memory, Buffer::of(&mut message), &mut answer);
            quietly(|| call.pass_on());
        }
        call.known(|channel| channel.real_is_initialized = true);
    }
    call.known(|channel| channel.queries.next()).unwrap_or_default()
}

impl Sequence {
    fn next(&mut self) -> u32 {
        self.real += 1;
        self.real
    }
}

fn own_initialize(key: &Block, handle: usize) -> Vec<u8> {
    let mut message = vec![0; size_of::<Initialize>()];
    put(&mut message, offset_of!(Command, ConfigureType), &guid_bytes(&D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE));
    put(&mut message, offset_of!(Command, hChannel), &handle.to_ne_bytes());
    put(&mut message, offset_of!(Initialize, StartSequenceQuery), &1_u32.to_ne_bytes());
    put(&mut message, offset_of!(Initialize, StartSequenceConfigure), &1_u32.to_ne_bytes());
    sign(key, &mut message);
    message
}

/// Makes a command that is too long, or too short, as long as it should be, if the rules say so.
fn fit(guid: &GUID, message: &mut Vec<u8>, rules: &Rules) {
    let sizes = [
        (D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE, size_of::<Initialize>()),
        (D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, size_of::<Protection>()),
        (
            softcp_abi::D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION,
            size_of::<softcp_abi::D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT>(),
        ),
        (
            softcp_abi::D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE,
            size_of::<softcp_abi::D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT>(),
        ),
        (
            softcp_abi::D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE,
            size_of::<softcp_abi::D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT>(),
        ),
    ];
    let Some((_, size)) = sizes.iter().find(|(known, _)| known == guid) else { return };
    if (*size..=size.saturating_add(rules.surplus)).contains(&message.len())
        || (size.saturating_sub(rules.missing)..=*size).contains(&message.len())
    {
        message.resize(*size, 0);
    }
}

fn is_authentic(key: &Block, message: &[u8], rule: Omac) -> bool {
    let (given, rest) = message.split_at(OMAC);
    let right = omac(key, rest);
    match rule {
        Omac::Right => given == right,
        Omac::Unchecked => true,
        Omac::Prefix(len) => given[..len] == right[..len],
        Omac::Suffix(len) => given[OMAC - len..] == right[OMAC - len..],
        Omac::Zeroed { at, len, from_end } => {
            let start = if from_end { rest.len() - at } else { at - OMAC };
            let mut zeroed = rest.to_vec();
            zeroed[start..start + len].fill(0);
            given == right || given == omac(key, &zeroed)
        }
    }
}

/// Bytes of an answer that is signed with this key.
fn signed_len(key: &Block, answer: &[u8]) -> Option<usize> {
    (HEADER..=answer.len()).step_by(4).find(|&len| answer[..OMAC] == omac(key, &answer[OMAC..len]))
}

pub(crate) fn sign(key: &Block, message: &mut [u8]) {
    let (mac, rest) = message.split_at_mut(OMAC);
    mac.copy_from_slice(&omac(key, rest));
}

pub(crate) fn put(message: &mut [u8], offset: usize, bytes: &[u8]) {
    message[offset..][..bytes.len()].copy_from_slice(bytes);
}

pub(crate) fn number_at(message: &[u8], offset: usize) -> u32 {
    message.get(offset..offset + 4).map_or(0, |bytes| u32::from_ne_bytes(std::array::from_fn(|i| bytes[i])))
}

pub(crate) fn handle_at(message: &[u8], offset: usize) -> usize {
    usize::from_ne_bytes(std::array::from_fn(|i| message[offset + i]))
}

fn guid_at(message: &[u8], offset: usize) -> GUID {
    let byte = |i: usize| message[offset + i];
    GUID {
        Data1: number_at(message, offset),
        Data2: u16::from_ne_bytes([byte(4), byte(5)]),
        Data3: u16::from_ne_bytes([byte(6), byte(7)]),
        Data4: std::array::from_fn(|i| byte(8 + i)),
    }
}

pub(crate) fn guid_bytes(guid: &GUID) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&guid.Data1.to_ne_bytes());
    bytes[4..6].copy_from_slice(&guid.Data2.to_ne_bytes());
    bytes[6..8].copy_from_slice(&guid.Data3.to_ne_bytes());
    bytes[8..].copy_from_slice(&guid.Data4);
    bytes
}

fn bytes(answer: &D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT) -> [u8; HEADER] {
    // SAFETY: the structure is as large as the array and has no padding, so every byte is initialised.
    unsafe { std::ptr::from_ref(answer).cast::<[u8; HEADER]>().read() }
}

// An answer is the sum of its members, and a query's header and a command's have the same members.
const _: () = assert!(HEADER == 16 + 16 + size_of::<usize>() + 4 + 4);
