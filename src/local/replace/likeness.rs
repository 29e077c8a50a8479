//! A new file is for the same people as the one that it replaces, or as any other in its folder,
//! although it is written elsewhere: mode, group, access list and `user.` attributes.

use std::ffi::OsStr;
use std::io;

use super::{Draft, Lost, ReplaceError};
use crate::disk::{Attributes, Disk};
use crate::tree::{Kind, Stat};

/// What is left to a new file whose access list had to be taken away.
const MODE_WITHOUT_ACL: u32 = 0o644;

impl<D: Disk> Draft<D> {
    /// Gives the complete file what the `replaced` one in `folder` has, or what any new file gets there.
    ///
    /// # Errors
    /// [`ReplaceError::Widens`] where others could do more with the file than with the one it replaces.
    pub fn take_after(
        &self,
        folder: &D::Folder,
        replaced: Option<&Stat>,
    ) -> Result<(), ReplaceError> {
        match replaced.filter(|stat| stat.kind == Kind::File) {
            Some(stat) => self.take_after_file(folder, stat),
            None => self.checked(self.take_after_folder(folder)),
        }
    }

    fn take_after_folder(&self, folder: &D::Folder) -> io::Result<()> {
        let (wanted, present) = (self.disk.inherited(folder)?, self.disk.attributes(&self.file)?);
        let mut mode = self.disk.fstat(&self.file)?.mode;
        let before = mode;
        if wanted.group != present.group {
            match self.disk.set_group(&self.file, wanted.group) {
                // The system gives a new file to a group that we may not give it to.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    mode &= !0o070 | ((mode & 0o007) << 3);
                }
                other => other?,
            }
        }
        if wanted.acl != present.acl {
            self.disk.set_acl(&self.file, wanted.acl.as_deref())?;
            if wanted.acl.is_none() {
                mode &= MODE_WITHOUT_ACL;
            }
        }
        if mode == before { Ok(()) } else { self.disk.set_mode(&self.file, mode) }
    }

    fn take_after_file(&self, folder: &D::Folder, replaced: &Stat) -> Result<(), ReplaceError> {
        let wanted = match self.disk.open(folder, OsStr::new(self.path.name())) {
            Ok(file) => {
                let found = self.checked(self.disk.fstat(&file))?;
                if !found.is_untouched(replaced) {
                    // The swap looks, too, and leaves it alone.
                    return Ok(());
                }
                self.checked(self.disk.attributes(&file))?
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return self.allow(has_no_say(replaced.mode), Lost::Unreadable);
            }
            // It is gone, or something else: likewise.
            Err(_) => return Ok(()),
        };
        let present = self.checked(self.disk.attributes(&self.file))?;
        if wanted == present {
            return Ok(());
        }
        self.carry_over(&wanted, &present, replaced.mode)?;
        self.set_mode(replaced.mode)
    }

    fn carry_over(
        &self,
        wanted: &Attributes,
        present: &Attributes,
        mode: u32,
    ) -> Result<(), ReplaceError> {
        if wanted.group != present.group
            && let Err(error) = self.disk.set_group(&self.file, wanted.group)
        {
            if error.kind() != io::ErrorKind::PermissionDenied {
                return self.checked(Err(error));
            }
            self.allow(has_no_say(mode) && wanted.acl.is_none(), Lost::Group)?;
        }
        if !wanted.user.is_empty() {
            // Only a file that may be written takes attributes.
            self.set_mode(0o600)?;
        }
        for (name, value) in &wanted.user {
            // Where the disk does not let us, nobody gets at more for it.
            self.disk.set_attribute(&self.file, name, value).unwrap_or_default();
        }
        if wanted.acl != present.acl {
            let set = self.disk.set_acl(&self.file, wanted.acl.as_deref());
            self.allow(set.is_ok(), Lost::AccessList)?;
        }
        Ok(())
    }

    fn allow(&self, is_allowed: bool, lost: Lost) -> Result<(), ReplaceError> {
        let widens = || ReplaceError::Widens { path: self.path.clone(), lost };
        is_allowed.then_some(()).ok_or_else(widens)
    }
}

/// Tells whether the group may do exactly what others may, so that it does not matter which it is.
fn has_no_say(mode: u32) -> bool {
    (mode >> 3) & 7 == mode & 7
}
