//! `palisade completions` and `palisade man`: made from the definition of the command itself.

use std::{fs, io, path::PathBuf};

use clap::Args;
use clap_complete::Shell;

use crate::{failure::Failure, output};

/// Print completions for a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  palisade completions bash > /etc/bash_completion.d/palisade
  palisade completions zsh > ~/.zfunc/_palisade
  palisade completions fish > ~/.config/fish/completions/palisade.fish")]
pub(crate) struct Completions {
    /// Shell that reads them
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the script to standard output.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub(crate) fn run(self, mut command: clap::Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "palisade", &mut script);
        output::print_result(String::from_utf8_lossy(&script).trim_end())?;
        Ok(())
    }
}

/// Write the manual pages into a folder
///
/// One page for each command: palisade.1, palisade-key.1, palisade-key-new.1 and so on.
#[derive(Args)]
#[command(after_help = "\
Example:
  palisade man /usr/local/share/man/man1 && man palisade-gateway")]
pub(crate) struct Man {
    /// Folder for the pages; it is made if it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Man {
    /// Writes the pages, and says how many.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be made or a page cannot be written.
    pub(crate) fn run(self, mut command: clap::Command) -> Result<(), Failure> {
        fs::create_dir_all(&self.folder)?;
        command.build();
        let mut pages = 0;
        self.write(&command, "palisade", &mut pages)?;
        output::print_note(format_args!("{}: {pages} pages", self.folder.display()));
        Ok(())
    }

    /// Writes the page of a command and those of its commands.
    ///
    /// # Errors
    ///
    /// A page cannot be written.
    fn write(&self, command: &clap::Command, name: &str, pages: &mut u32) -> io::Result<()> {
        let page = clap_mangen::Man::new(command.clone()).title(name);
        let mut text = Vec::new();
        page.render(&mut text)?;
        fs::write(self.folder.join(format!("{name}.1")), text)?;
        *pages += 1;
        let commands = command.get_subcommands();
        for inner in commands.filter(|inner| inner.get_name() != "help") {
            self.write(inner, &format!("{name}-{}", inner.get_name()), pages)?;
        }
        Ok(())
    }
}
