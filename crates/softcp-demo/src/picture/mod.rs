//! The picture: four panels that show what each side sees.

mod canvas;

use serde::Serialize;

use crate::frame::Nv12;
use crate::report::DemoReport;
use canvas::{Canvas, Font, Rgb};

/// A rectangle of the picture, in pixels from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Area {
    /// Left edge.
    pub x: usize,
    /// Upper edge.
    pub y: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Frames are enlarged by whole factors until they are about this wide.
const PANEL_WIDTH: usize = 640;

const MARGIN: usize = 32;
/// Title and subtitle.
const HEADER: usize = 84;
/// Between two cards.
const GAP: usize = 24;
/// Around the image within its card.
const PADDING: usize = 12;
/// A card's title.
const CARD_HEADER: usize = 44;
/// A card's caption of two lines.
const CARD_FOOTER: usize = 52;
/// The line at the bottom.
const FOOTER: usize = 40;

const BACKGROUND: Rgb = [0x12, 0x15, 0x1c];
const CARD: Rgb = [0x1d, 0x22, 0x2c];
const TEXT: Rgb = [0xee, 0xf1, 0xf6];
const MUTED: Rgb = [0x9d, 0xa8, 0xba];
const GREEN: Rgb = [0x4f, 0xd1, 0x8b];
const AMBER: Rgb = [0xf4, 0xb9, 0x42];
const RED: Rgb = [0xf4, 0x6d, 0x75];

/// Where the images lie in the picture of a frame of this size.
pub(crate) fn panels(width: usize, height: usize) -> [Area; 4] {
    let scale = (PANEL_WIDTH / width).max(1);
    let (width, height) = (width * scale, height * scale);
    let card = card_size(width, height);
    std::array::from_fn(|index| Area {
        x: MARGIN + index % 2 * (card.0 + GAP) + PADDING,
        y: HEADER + MARGIN + index / 2 * (card.1 + GAP) + CARD_HEADER,
        width,
        height,
    })
}

/// Draws the picture: the clear frame, the frame on the bus, the read-back, and the read-back opened with the key.
pub(crate) fn draw(frames: [&Nv12; 4], report: &DemoReport) -> Canvas {
    let areas = panels(frames[0].width(), frames[0].height());
    let card = card_size(areas[0].width, areas[0].height);
    let width = 2 * MARGIN + 2 * card.0 + GAP;
    let mut canvas = Canvas::new(width, HEADER + 2 * MARGIN + 2 * card.1 + GAP + FOOTER, BACKGROUND);

    canvas.bold_text((MARGIN, 28), "What each side sees of protected video", Font::Large, TEXT);
    let subtitle = format!(
        "Picture {} of {} of an encrypted H.264 clip, {} x {}, on its way through the content-protection interface of a driver",
        report.frame.number, report.frame.of, report.frame.width, report.frame.height
    );
    canvas.text((MARGIN, 70), &subtitle, Font::Small, MUTED);
    for ((index, frame), (area, caption)) in frames.into_iter().enumerate().zip(areas.into_iter().zip(captions(report)))
    {
        draw_card(&mut canvas, area, index + 1, &caption);
        draw_frame(&mut canvas, area, frame);
    }
    let bottom = HEADER + MARGIN + 2 * card.1 + GAP + 20;
    canvas.text((MARGIN, bottom), &format!("Driver: {}", report.driver), Font::Small, MUTED);
    let trust = if report.certificate.is_verified { "leads to the trusted root" } else { "not checked" };
    let certificate = format!("Certificate: {}, {trust}", report.certificate.subject);
    canvas.text_right((width - MARGIN, bottom), &certificate, Font::Small, MUTED);
    canvas
}

/// What stands around a panel.
struct Caption {
    title: &'static str,
    /// Who sees it.
    side: &'static str,
    lines: [String; 2],
    accent: Rgb,
}

fn captions(report: &DemoReport) -> [Caption; 4] {
    let surface = &report.surface;
    let (key, call) = if surface.read_back_has_own_key {
        ("the read-back key", "GetEncryptionBltKey")
    } else {
        ("the session key", "the key exchange")
    };
    let (verdict, accent) = if surface.read_back_identical {
        ("Byte for byte the frame of panel 1.", GREEN)
    } else {
        ("It differs from the frame of panel 1!", RED)
    };
    [
        Caption {
            title: "The clear frame",
            side: "player",
            lines: [
                format!(
                    "{} of {} bytes came encrypted and went through",
                    report.clip.bytes_encrypted, report.clip.bytes
                ),
                format!(
                    "{} decryption blits, with {} session key refreshes.",
                    report.clip.blits, report.clip.refreshes
                ),
            ],
            accent: GREEN,
        },
        Caption {
            title: "What travels on the bus",
            side: "player -> driver",
            lines: [
                "The frame under the session key: DecryptionBlt takes it and".to_owned(),
                format!("writes a protected surface. {:.3} bits of entropy per byte.", surface.bus.entropy),
            ],
            accent: AMBER,
        },
        Caption {
            title: "A read-back without the key",
            side: "driver -> anyone",
            lines: [
                "What EncryptionBlt makes of the protected surface,".to_owned(),
                format!("IV {}. {:.3} bits per byte.", &surface.read_back_iv[..16], surface.read_back.entropy),
            ],
            accent: AMBER,
        },
        Caption {
            title: "The read-back opened with the key",
            side: "driver -> player",
            lines: [format!("Opened with {key}, known from {call}."), verdict.to_owned()],
            accent,
        },
    ]
}

fn draw_card(canvas: &mut Canvas, area: Area, number: usize, caption: &Caption) {
    let card = card_size(area.width, area.height);
    let (left, top) = (area.x - PADDING, area.y - CARD_HEADER);
    canvas.fill_rounded(Area { x: left, y: top, width: card.0, height: card.1 }, 10, CARD);
    let badge = Area { x: area.x, y: top + 9, width: 26, height: 26 };
    canvas.fill_rounded(badge, 13, caption.accent);
    canvas.bold_text((badge.x + 7, badge.y + 1), &number.to_string(), Font::Medium, CARD);
    canvas.bold_text((area.x + 38, top + 10), caption.title, Font::Medium, TEXT);
    canvas.text_right((area.x + area.width, top + 16), caption.side, Font::Small, caption.accent);
    for (index, line) in caption.lines.iter().enumerate() {
        canvas.text((area.x, area.y + area.height + 10 + index * 18), line, Font::Small, MUTED);
    }
}

fn draw_frame(canvas: &mut Canvas, area: Area, frame: &Nv12) {
    let scale = area.width / frame.width();
    for y in 0..area.height {
        for x in 0..area.width {
            canvas.set(area.x + x, area.y + y, frame.rgb(x / scale, y / scale));
        }
    }
}

/// Width and height of a card around an image of this size.
fn card_size(width: usize, height: usize) -> (usize, usize) {
    (width + 2 * PADDING, CARD_HEADER + height + CARD_FOOTER)
}
