//! What fuzzing has found worth keeping (`fuzz/corpus/channel_messages`), once more: each file is a list of messages, one
//! byte that says what to do with it, one byte for its length, and the message.

use std::path::Path;

use softcp::Outputs;

use crate::rig::Rig;

#[test]
fn every_file_of_the_corpus_leaves_the_channel_to_its_application() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/channel_messages");
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 10, "the corpus is there");
    for file in files {
        let input = std::fs::read(&file).unwrap();
        let mut rig = Rig::new("");
        let mut answers: Vec<Vec<u8>> = Vec::new();
        let mut rest = &input[..];
        while let [what, length, following @ ..] = rest {
            let (message, later) = following.split_at(following.len().min(usize::from(*length)));
            rest = later;
            let handle = Some(rig.channel.handle);
            match what % 4 {
                0 => {
                    let reply = rig.device.configure_channel(handle, message);
                    assert!(reply.result.is_err(), "{}", file.display());
                    answers.push(reply.message);
                }
                1 => {
                    let room = usize::from(what / 4) * 2;
                    let reply = rig.device.query_channel(handle, message, room, Outputs::Configured);
                    assert!(reply.message.len() <= room, "{}", file.display());
                    answers.push(reply.message);
                }
                2 => {
                    let Some(answer) = answers.get(usize::from(what / 4)) else { continue };
                    let longer = [&answer[..], message].concat();
                    let cut = &answer[..answer.len().min(message.len())];
                    for reflected in [&longer[..], cut] {
                        let result = rig.device.configure_channel(handle, reflected).result;
                        assert!(result.is_err(), "{}", file.display());
                    }
                }
                _ => rig.protect(u64::from(what >> 2 & 3)).unwrap(),
            }
        }
        rig.protect(0).unwrap();
    }
}
