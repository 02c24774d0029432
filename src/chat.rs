mod directory;
mod frame;
mod link;
mod message;
mod names;

pub use directory::{Directory, Refused, Seat};
pub use frame::{FRAME_MAX, Frames, frame};
pub use link::{Ended, Link};
pub use message::{FromDirectory, Peer, TEXT_MAX, ToDirectory};
pub use names::{check_group, file_name, of_user, server_name};
