//! The check before every change outside this machine. Only a command of kind `world` can get the user's
//! `Consent`, and nothing is sent without one. The command supplies the question.

use headgate_terms::{Error, Result, say};

use crate::App;
use crate::cx::Cx;
use crate::host::Confirm;
use crate::serve::{Command, Kind};

/// The command that would change something.
pub(crate) struct World<'a> {
    pub(crate) app: &'a App,
    pub(crate) cx: &'a Cx,
    pub(crate) command: &'a Command,
}

/// The user's consent to a change outside this machine.
pub(crate) struct Consent(());

impl World<'_> {
    /// The consent to change an object. Of one in an account the user is asked; of a stand-in on this machine
    /// (`is_local`: whoever is asked has a loopback address) nobody is, whatever the profile's kind.
    ///
    /// # Errors
    /// `not_confirmed` when the user does not agree, `read_only` for a profile that was made so meanwhile,
    /// and when nobody can be asked.
    pub(crate) fn consent(
        &self,
        object: &str,
        is_local: bool,
        question: impl FnOnce() -> Confirm,
    ) -> Result<Consent> {
        if self.command.kind != Kind::World {
            return Err(Error::new(
                "internal",
                say!("`{}` may not change anything outside this machine.", self.command.name),
            )
            .hint("This is a defect in Headgate. Nothing was sent."));
        }
        if !is_local && !self.app.ask(&question())? {
            return Err(Error::new(
                "not_confirmed",
                say!("The change of `{}` was not confirmed.", object),
            )
            .hint("Nothing was sent. Apply the plan again to be asked again."));
        }
        self.app.refuse_read_only(self.cx)?;
        Ok(Consent(()))
    }
}

#[cfg(test)]
impl Consent {
    pub(crate) fn given() -> Self {
        Self(())
    }
}
