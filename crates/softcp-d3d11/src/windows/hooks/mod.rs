//! What stands between the program and the implementation below.

pub(super) mod detour;
pub(super) mod own_call;
