//! The arguments of `headgate policy`, with the help text of each.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What stands below the help of `headgate policy`.
pub(crate) const AFTER: &str = "A policy is a file, `-` for standard input, or a role's ARN, which is read from AWS as the \
    profile in use says, or `--profile`; `--aws-profile`, `--region` and `--endpoint-url` go before it. Only `apply` and `restore` change anything.";

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say every reason why AWS would refuse a policy
    Validate {
        #[command(flatten)]
        policy: OfPolicy,
    },
    /// Decide requests, one JSON object a line
    #[command(
        after_help = "A request:\n  {\"id\": 1, \"principal\": \"arn:…\", \"action\": \"sts:AssumeRole\",\n   \"context\": {\"sts:ExternalId\": \"…\"}}\n\n\
                      A key that is not in `context` is absent; {\"unknown\": [\"aws:SourceIp\"]} beside it names keys whose value nobody knows."
    )]
    Evaluate {
        #[command(flatten)]
        policy: OfPolicy,
        /// The requests' file, or `-` for standard input
        #[arg(long, value_name = "REQUESTS")]
        requests: String,
        /// The role that has the policy, for requests that name none
        #[arg(long, value_name = "ARN")]
        role: Option<String>,
    },
    /// Say what is wrong or will be, with what mends it
    Lint {
        #[command(flatten)]
        policy: OfPolicy,
        /// The role that has the policy
        #[arg(long, value_name = "ARN")]
        role: Option<String>,
        /// Who is to get in, as for `plan`
        #[arg(long, value_name = "GOALS")]
        goals: Option<PathBuf>,
    },
    /// Show who may assume the role with which external id
    Matrix {
        #[command(flatten)]
        policy: OfPolicy,
        /// Who is to get in, as for `plan`
        #[arg(long, value_name = "GOALS")]
        goals: Option<PathBuf>,
        /// The role that has the policy
        #[arg(long, value_name = "ARN")]
        role: Option<String>,
    },
    /// Explain what the policy says to one caller
    Explain {
        #[command(flatten)]
        policy: OfPolicy,
        /// Who asks: an ARN, an account's number, a service or an identity provider
        #[arg(long, value_name = "CALLER")]
        principal: String,
        /// The id that the caller brings
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// A condition key that the caller brings; without a value, one that it does not bring
        #[arg(long, value_name = "KEY[=VALUE]")]
        context: Vec<String>,
        /// The role that has the policy
        #[arg(long, value_name = "ARN")]
        role: Option<String>,
    },
    /// Plan the smallest change that lets callers in
    #[command(
        after_help = "Goals: {\"role\": \"arn:…\", \"allow\": [{\"principal\": \"arn:…\", \"externalId\": \"…\"}]}\n\
                      `--form separate` adds a statement for each caller, so that nothing else opens. `--form guide` adds to the \
                      one statement that Segment's guide shows, where everyone may use every id.\n\n\
                      Example:\n  headgate policy plan arn:… --goals goals.json --out plan.json\n  headgate policy apply plan.json"
    )]
    Plan {
        #[command(flatten)]
        policy: OfPolicy,
        /// Who is to get in
        #[arg(long, value_name = "GOALS", required_unless_present = "to")]
        goals: Option<PathBuf>,
        /// Which statement the change goes into
        #[arg(long, value_enum, default_value_t = FormName::Separate)]
        form: FormName,
        /// A text of your own to write, instead of goals
        #[arg(long, value_name = "FILE", conflicts_with = "goals")]
        to: Option<String>,
        /// The role that has the policy, with `--to` and a policy from a file
        #[arg(long, value_name = "ARN")]
        role: Option<String>,
        /// The most characters the role may have; else AWS is asked, or 2,048
        #[arg(long, value_name = "CHARACTERS")]
        quota: Option<usize>,
        /// Write a plan that `policy apply` takes, here or on another admin's machine
        #[arg(long, value_name = "PLAN")]
        out: Option<PathBuf>,
    },
    /// Compare two policies: their text, and who may do what
    Diff {
        /// A file, `-`, or a role's ARN
        before: String,
        /// Another
        after: String,
        /// The role that has the policy
        #[arg(long, value_name = "ARN")]
        role: Option<String>,
        #[command(flatten)]
        aws: OfAws,
    },
    /// Show what applying a plan would do; sends nothing
    Show {
        /// The file that `policy plan --out` wrote, or `-`
        plan: String,
    },
    /// Write a plan to its role, if the role still is as the plan has it
    Apply {
        /// The file that `policy plan --out` wrote, or `-`
        plan: String,
        /// Agree to the change of a real account; without it, a terminal is asked
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        aws: OfAws,
    },
    /// Put back what a change replaced, if the role still has that change
    Restore {
        /// The change, as `policy history` names it
        change: String,
        /// Agree to the change of a real account; without it, a terminal is asked
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        aws: OfAws,
    },
    /// List what was written, newest first
    History {
        /// Of one role
        #[arg(long, value_name = "ARN")]
        role: Option<String>,
    },
    /// Write the trust policy of a role that is still to be made
    New {
        /// The ARN that the role will have
        #[arg(long, value_name = "ARN")]
        role: String,
        /// The external id of Databricks' storage credential
        #[arg(long, value_name = "ID")]
        external_id: String,
        /// Unity Catalog's role, where the storage credential names another than usual
        #[arg(long, value_name = "ARN")]
        unity_catalog: Option<String>,
    },
    /// Write a policy for another tool
    Export {
        #[command(flatten)]
        policy: OfPolicy,
        /// The tool
        #[arg(long, value_enum)]
        to: ExportName,
        /// The role's name or ARN
        #[arg(long, value_name = "ROLE")]
        role: Option<String>,
    },
}

impl PolicyCommand {
    /// How AWS is reached, where the command reaches it.
    pub(crate) fn aws(&mut self) -> Option<&mut OfAws> {
        match self {
            Self::Validate { policy }
            | Self::Evaluate { policy, .. }
            | Self::Lint { policy, .. }
            | Self::Matrix { policy, .. }
            | Self::Explain { policy, .. }
            | Self::Plan { policy, .. }
            | Self::Export { policy, .. } => Some(&mut policy.aws),
            Self::Diff { aws, .. } | Self::Apply { aws, .. } | Self::Restore { aws, .. } => {
                Some(aws)
            }
            Self::Show { .. } | Self::History { .. } | Self::New { .. } => None,
        }
    }

    /// Whether its user agreed beforehand to what it asks.
    pub(crate) fn agrees(&self) -> bool {
        matches!(self, Self::Apply { yes: true, .. } | Self::Restore { yes: true, .. })
    }
}

#[derive(Args)]
pub(crate) struct OfPolicy {
    /// A file, `-` for standard input, or a role's ARN
    pub(crate) policy: String,
    #[command(flatten)]
    pub(crate) aws: OfAws,
}

#[derive(Args)]
pub(crate) struct OfAws {
    /// A profile of AWS's configuration; a code of its MFA device goes into `HEADGATE_MFA_CODE`
    #[arg(long, value_name = "NAME", help_heading = "AWS")]
    pub(crate) aws_profile: Option<String>,
    /// The region whose STS and Access Analyzer are asked
    #[arg(long, value_name = "REGION", help_heading = "AWS")]
    pub(crate) region: Option<String>,
    /// Another endpoint than AWS's own
    #[arg(long, value_name = "URL", help_heading = "AWS")]
    pub(crate) endpoint_url: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FormName {
    Guide,
    Separate,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ExportName {
    Cli,
    Terraform,
    TerraformImport,
    TerraformDocument,
    TerraformJsonencode,
    Cloudformation,
    Json,
}
