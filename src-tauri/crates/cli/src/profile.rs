//! `headgate profile`: its arguments, and its pages.

use std::io;

use clap::Subcommand;
use headgate_app::{
    Colour, Door, Empty, Profile, ProfileChange, ProfileKind, ProfileName, ProfileSettings,
    ProfileShow, ProfileWriter,
};
use headgate_terms::{Result, Shown};

use crate::file::{Holds, text_of};
use crate::output::{Out, Table, line};
use crate::{Exit, show};

/// What stands below the help of `headgate profile`.
pub(crate) const AFTER: &str = "A profile is JSON such as {\"aws\": {\"profile\": \"work\", \"region\": \"eu-central-1\"}, \"read_only\": true}; \
    `headgate profile show --json` prints all of it. Secrets do not belong in it.";

#[derive(Subcommand)]
pub(crate) enum ProfileCommand {
    /// List the profiles
    List,
    /// Show a profile
    Show {
        /// Its name; the one in use if left out
        name: Option<String>,
    },
    /// Add a profile
    Add {
        /// Its name
        name: String,
        /// The file that describes it, or `-` for standard input
        #[arg(long, value_name = "FILE")]
        from: String,
    },
    /// Change what a file says of a profile; the rest stays
    Change {
        /// Its name
        name: String,
        /// The file, or `-` for standard input
        #[arg(long, value_name = "FILE")]
        from: String,
    },
    /// Work in a profile from now on
    Use {
        /// Its name
        name: String,
    },
    /// Remove a profile with its drafts and plans; changes nothing remote
    Remove {
        /// Its name
        name: String,
    },
}

const PROFILE: Holds = Holds { field: "from", code: "profile_invalid", or: "" };

/// Carries out one command.
pub(crate) fn carry_out(door: &Door<'_>, command: ProfileCommand, json: bool) -> Result<Exit> {
    let (said, report) = match command {
        ProfileCommand::List => {
            let found = door.profiles_list(&Empty {})?;
            show(json, &found, |out| list(out, &found.profiles))?;
            return Ok(Exit::Done);
        }
        ProfileCommand::Remove { name } => {
            let removed = door.profiles_remove(&ProfileName { name })?;
            show(json, &removed, |out| {
                line!(out, "Profile `{}` was removed; nothing remote was changed.", removed.removed)
            })?;
            return Ok(Exit::Done);
        }
        ProfileCommand::Show { name } => (None, door.profiles_show(&ProfileShow { name })?),
        ProfileCommand::Add { name, from } => {
            let settings = ProfileSettings::default().with(&text_of(&from, PROFILE)?)?;
            (Some("was added"), door.profiles_add(&ProfileSettings { name, ..settings })?)
        }
        ProfileCommand::Change { name, from } => {
            let text = text_of(&from, PROFILE)?;
            let is = door.profiles_show(&ProfileShow { name: Some(name.clone()) })?.profile;
            let settings = is.settings.with(&text)?;
            (Some("was changed"), door.profiles_change(&ProfileChange { name, settings })?)
        }
        ProfileCommand::Use { name } => {
            (Some("is in use"), door.profiles_use(&ProfileName { name })?)
        }
    };
    show(json, &report, |out| {
        if let Some(said) = said {
            line!(out, "Profile `{}` {}.\n", report.profile.settings.name, said)?;
        }
        whole(out, &report.profile)
    })?;
    Ok(Exit::Done)
}

fn list(out: &mut Out<'_>, profiles: &[Profile]) -> io::Result<()> {
    let mut table = Table::new(["", "profile", "kind", "AWS profile", "region", "role", ""]);
    for Profile { in_use, settings, .. } in profiles {
        let aws = &settings.aws;
        table.row([
            if *in_use { "in use" } else { "" }.into(),
            Shown::clean(&settings.name),
            kind(settings.kind),
            given(aws.profile.as_ref()),
            given(aws.region.as_ref()),
            given(settings.role_arn.as_ref()),
            if settings.read_only { "read-only" } else { "" }.into(),
        ]);
    }
    out.line(table)
}

fn whole(out: &mut Out<'_>, profile: &Profile) -> io::Result<()> {
    let settings = &profile.settings;
    let (aws, ids) = (&settings.aws, &settings.external_ids);
    let yes = |is: bool| Shown::from(if is { "yes" } else { "no" });
    let writers: Vec<_> = settings.writers.iter().map(|one| writer(*one)).collect();
    let mut table = Table::new(["setting", "value"]);
    for (name, value) in [
        ("name", Shown::clean(&settings.name)),
        ("in_use", yes(profile.in_use)),
        ("kind", kind(settings.kind)),
        ("colour", colour(settings.colour)),
        ("read_only", yes(settings.read_only)),
        ("aws.profile", given(aws.profile.as_ref())),
        ("aws.region", given(aws.region.as_ref())),
        ("aws.endpoint_url", given(aws.endpoint_url.as_ref())),
        ("aws.account_id", given(aws.account_id.as_ref())),
        ("role_arn", given(settings.role_arn.as_ref())),
        ("bucket", given(settings.bucket.as_ref())),
        ("prefix", given(settings.prefix.as_ref())),
        ("writers", Shown::join(&writers, ", ")),
        ("external_ids.headgate", given(ids.headgate.as_ref())),
        ("external_ids.segment", given(ids.segment.as_ref())),
    ] {
        table.row([name.into(), value]);
    }
    out.line(table)
}

fn given(text: Option<&String>) -> Shown {
    text.map_or_else(|| "-".into(), |text| Shown::clean(text))
}

fn kind(kind: ProfileKind) -> Shown {
    Shown::from(match kind {
        ProfileKind::Real => "real",
        ProfileKind::Sandbox => "sandbox",
    })
}

fn colour(colour: Colour) -> Shown {
    Shown::from(match colour {
        Colour::Grey => "grey",
        Colour::Copper => "copper",
        Colour::Violet => "violet",
        Colour::Plum => "plum",
        Colour::Olive => "olive",
    })
}

fn writer(writer: ProfileWriter) -> Shown {
    Shown::from(match writer {
        ProfileWriter::Headgate => "headgate",
        ProfileWriter::Segment => "segment",
    })
}
