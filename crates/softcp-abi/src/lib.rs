//! Binary contract of the Direct3D 11.1 content-protection DDI: types, GUIDs, HRESULTs, function tables.
