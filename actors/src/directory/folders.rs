//! The folders of a watched directory: made if they are missing, and checked to be within reach of a rename.

use super::DirectorySettings;
use std::path::PathBuf;

/// Makes the folders; an error says why files could not be moved between them. Blocks.
pub(super) fn make_folders(settings: &DirectorySettings) -> Result<(), String> {
    let work = settings.work();
    let verdicts: Vec<PathBuf> = match settings.judged() {
        Some(folder) => super::judge::VERDICTS.iter().map(|verdict| folder.join(verdict)).collect(),
        None => Vec::new(),
    };
    let folders = [&settings.input, &settings.output, &settings.done, &settings.error, &work];
    let folders: Vec<&PathBuf> = folders.into_iter().chain(&verdicts).collect();
    for folder in &folders {
        std::fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    }
    // Moving must be renaming, or a crash could leave two halves of one file.
    let device = |folder: &PathBuf| rustix::fs::stat(folder).map(|stat| stat.st_dev).map_err(|error| error.to_string());
    let home = device(&work)?;
    for folder in &folders {
        if device(folder)? != home {
            return Err(format!(
                "{} lies on another file system than {}; files can only be renamed within one",
                folder.display(),
                work.display()
            ));
        }
    }
    let probe = work.join(".probe");
    for folder in folders {
        let there = folder.join(".sealmill-probe");
        std::fs::write(&probe, b"").map_err(|error| format!("{} cannot be written to: {error}", work.display()))?;
        std::fs::rename(&probe, &there)
            .and_then(|()| std::fs::remove_file(&there))
            .map_err(|error| format!("files cannot be moved into {}: {error}", folder.display()))?;
    }
    Ok(())
}
