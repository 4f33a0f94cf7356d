//! `[d3d11]`: the drop-in `d3d11.dll`. The engine ignores it; it is here so that one file configures all of SoftCP.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// When a Direct3D device has the drop-in's `ID3D11VideoDevice`. Where it has not, the library below answers, which may have
/// one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoDevice {
    /// When the program created the device with `D3D11_CREATE_DEVICE_VIDEO_SUPPORT`, or asks for content protection: by a
    /// resource with flags of it, or by an event for its teardown.
    Auto,
    /// Every device.
    #[default]
    Always,
    /// No device. One that is to have `VIDEO_SUPPORT` over a library without video cannot be created then, as on Windows.
    Never,
}

/// `[d3d11]`. Paths that are not absolute are relative to the directory of the drop-in itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct D3d11Config {
    /// Whether content protection is answered; `false` forwards every call and hooks nothing.
    pub enabled: bool,
    /// The library to forward to; none: `d3d11.dll` of the system directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub real: Option<PathBuf>,
    /// Which devices have the drop-in's video interfaces.
    pub video_device: VideoDevice,
    /// A library that exports `softcp_open_driver` or `softcp_open_reference_driver`; none: the built-in driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<PathBuf>,
    /// Options for `driver`, in the syntax of `SOFTCP_OPTIONS`. The built-in driver has the other sections.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub driver_options: String,
}

impl Default for D3d11Config {
    /// The built-in driver over the system's library.
    fn default() -> Self {
        Self {
            enabled: true,
            real: None,
            video_device: VideoDevice::default(),
            driver: None,
            driver_options: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, VideoDevice};

    #[test]
    fn left_out_is_the_systems_library_and_the_built_in_driver() {
        let section = Config::from_toml("[d3d11]\n", "softcp.toml").unwrap().d3d11;
        assert!(section.enabled);
        assert_eq!((section.real, section.driver, section.driver_options.as_str()), (None, None, ""));
    }

    #[test]
    fn paths_of_windows_need_no_quotes_inline() {
        // Twice, so that what is written is read again.
        let options = concat!(
            r"d3d11.real=C:\new\d3d11.dll;d3d11.driver=other.dll;",
            "d3d11.driver_options=memory.protected=7;d3d11.enabled=false"
        );
        let config = Config::default().with_options(options).unwrap().with_options("").unwrap();
        assert_eq!(config.d3d11.real.as_deref(), Some(Path::new(r"C:\new\d3d11.dll")));
        assert_eq!(config.d3d11.driver.as_deref(), Some(Path::new("other.dll")));
        assert_eq!(config.d3d11.driver_options, "memory.protected=7");
        assert!(!config.d3d11.enabled);
    }

    #[test]
    fn video_device_is_one_of_three() {
        for (word, value) in
            [("auto", VideoDevice::Auto), ("always", VideoDevice::Always), ("never", VideoDevice::Never)]
        {
            let config = Config::default().with_options(&format!("d3d11.video_device={word}")).unwrap();
            assert_eq!(config.d3d11.video_device, value);
        }
        let error = Config::default().with_options("d3d11.video_device=maybe").unwrap_err().to_string();
        assert!(error.contains("maybe") && error.contains("always"), "{error}");
    }

    #[test]
    fn unknown_key_is_named() {
        let error = Config::default().with_options("d3d11.reel=x").unwrap_err().to_string();
        assert!(error.contains("reel"), "{error}");
    }
}
