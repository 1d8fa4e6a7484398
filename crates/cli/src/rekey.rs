//! `rollbook rekey`

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use eventlog::{Created, MasterKey, NewKey, Options, SledLog};

use crate::instance::Master;
use crate::terminal::{note, progress, say};

/// Change the master key of a data folder, so that nothing opens what was left of destroyed keys.
///
/// Every remaining person's key is wrapped anew, in a fresh store that takes the old one's place. The log
/// stays as it is, byte for byte. Whatever cuts the command off, the folder is as it was or as it shall
/// be: the next who opens it sees to that.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook rekey --data ./data
  ROLLBOOK_MASTER_KEY_FILE=old.key rollbook rekey --data ./data --new-master-key-file new.key

Do it after erasing people, when no server has the folder open. It needs as much room again as the log
has. Copies of the folder that were made before still open with the old master key: destroy that one
wherever else it is kept.")]
pub(crate) struct Rekey {
    /// The data folder
    #[arg(long, env = "ROLLBOOK_DATA", value_name = "DIR")]
    data: PathBuf,
    /// A file with the new master key, made if it is not there; without it the key is made in DIR
    #[arg(long, env = "ROLLBOOK_NEW_MASTER_KEY_FILE", value_name = "FILE")]
    new_master_key_file: Option<PathBuf>,
    #[command(flatten)]
    master: Master,
}

impl Rekey {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if !self.data.is_dir() {
            bail!("there is no data folder {}", self.data.display());
        }
        let (old, _) = self.master.key(&self.data)?;
        let (new, made) = match &self.new_master_key_file {
            Some(file) => {
                let (key, created) = MasterKey::load_or_make(file)?;
                (NewKey::Given(key), created == Created::Now)
            }
            None if self.master.is_elsewhere() => bail!(
                "the master key is kept elsewhere: say where the new one is, or is to be made, with \
                 --new-master-key-file"
            ),
            None => (NewKey::Made, true),
        };
        let bar = progress(0, "frames");
        bar.set_message("rekeying");
        let done = SledLog::rekey(&self.data, old, new, Options::default(), |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        let done = done.with_context(|| format!("{} was not changed", self.data.display()))?;
        say(format!("{}  has another master key", self.data.display()));
        say(format!("  keys wrapped anew  {}", done.persons));
        say(format!("  erased persons     {}", done.erased));
        say(format!("  frames of the log  {}, as they were", done.frames));
        if done.key_removed {
            say("  old master.key     written over and removed");
        }
        if made {
            let new = self.new_master_key_file.unwrap_or_else(|| self.data.join("master.key"));
            note(format!("keep a copy of {} elsewhere, apart from the data", new.display()));
        }
        if !done.key_removed {
            note("destroy the old master key, and start the server with the new one");
        }
        Ok(())
    }
}
